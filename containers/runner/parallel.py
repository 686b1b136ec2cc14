"""Tasks side by side in threads: the first fault stops the others."""

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from threading import Event
from typing import TypeVar

T = TypeVar("T")


def run_parallel(tasks: Sequence[Callable[[], T]], workers: int, stop: Event) -> list[T]:
    """The tasks' results in their order; on a fault ``stop`` is set and the fault raised."""
    if not tasks:
        return []
    pool = ThreadPoolExecutor(min(workers, len(tasks)))
    futures = [pool.submit(task) for task in tasks]
    try:
        done, _ = wait(futures, return_when=FIRST_EXCEPTION)
        for future in done:  # whoever failed first: nobody had been told to stop by then
            future.result()
    except SystemExit:
        stop.set()
        pool.shutdown(wait=False, cancel_futures=True)  # a signal: there is no time to wait
        raise
    except Exception:
        stop.set()
        pool.shutdown(cancel_futures=True)
        raise
    pool.shutdown()
    return [future.result() for future in futures]
