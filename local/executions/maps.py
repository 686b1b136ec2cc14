"""Maps in distributed mode: how many children go on at once, which may change while they do."""

from typing import Any

from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration import (
    distributed_iteration_component,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.job import JobPool

COMPONENT = distributed_iteration_component.DistributedIterationComponent
_LOOK_SECONDS = 0.1


def play_caps() -> None:
    """Has UpdateMapRun change a map that goes on; stock moto only remembers the number."""
    COMPONENT._map_run = _map_run


def _map_run(component: Any, env: Any, eval_input: Any) -> None:
    items = env.stack.pop()
    pool = JobPool(job_program=component._get_iteration_program(), job_inputs=items)
    record, workers = eval_input.map_run_record, list[Any]()
    record.update_event.set()
    while not pool._termination_event.wait(_LOOK_SECONDS if workers else 0):
        if pool._is_terminated():  # there was nothing to do
            break
        if not record.update_event.is_set():
            continue
        record.update_event.clear()
        wanted = min(record.max_concurrency or len(items), len(items))  # 0 is no limit
        live = [worker for worker in workers if not worker.stopped()]
        for worker in live[wanted:]:
            worker.sig_stop()  # when its child has ended
        for _ in range(wanted - len(live)):
            workers.append(component._launch_worker(env=env, eval_input=eval_input, job_pool=pool))
    if error := pool.get_worker_exception():
        raise error
    env.stack.append([closed.job_output for closed in pool.get_closed_jobs()])
