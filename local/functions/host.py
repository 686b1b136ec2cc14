"""Every function of the runtime, and the workers that they share a machine with.

A function has workers, each of which serves one invocation at a time. All bookkeeping is done on
one thread, the host's event loop; `invoke` may be called from any thread.
"""

import asyncio
import concurrent.futures
import logging
import os
import sys
import threading
from collections.abc import Coroutine, Iterable
from pathlib import Path
from typing import Any, TypeVar

from local.forks.client import Forks
from local.functions.calls import (
    Call,
    FunctionSpec,
    HostError,
    HostStopped,
    Invocation,
    TooManyRequests,
    UnknownFunction,
)
from local.functions.worker import Function, Worker

LOG = logging.getLogger(__name__)
T = TypeVar("T")

_BOOTSTRAP = Path(__file__).with_name("bootstrap.py")

ASYNC_RETRY_SECONDS = (60.0, 120.0)  # Lambda tries an asynchronous invocation three times


class FunctionHost:
    """Every function of the runtime, and the workers that they share a machine with.

    A function gets another worker while calls wait, up to `max_workers_per_function`. When there
    are `max_workers` in all, the idle one of another function that was used longest ago makes
    room. A function without any worker always gets one: its caller may be a function that waits.

    `account_concurrency` is Lambda's quota of executions at once (L-B99A9384), None for no limit.
    It may be set while the host runs, as if others in the account took or freed executions.
    """

    def __init__(
        self,
        specs: Iterable[FunctionSpec],
        *,
        endpoint_url: str,
        max_workers: int = 12,
        max_workers_per_function: int = 2,
        account_concurrency: int | None = None,
        portable_client: bool = sys.platform != "linux",
    ) -> None:
        self._functions = {spec.name: Function(spec, endpoint_url, self.settle) for spec in specs}
        self._max_workers = max_workers
        self._per_function = max_workers_per_function
        self.account_concurrency = account_concurrency
        self._portable_client = portable_client
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        environment = {"PATH": os.defpath, "LANG": "C.UTF-8"}
        self._forks = Forks(_BOOTSTRAP, environment, self._told_ended)
        self._processes: dict[str, Worker] = {}
        self._calls: set[Call] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._stopped = True

    def start(self) -> None:
        """Starts the processes: one worker for each function, as far as the cap allows."""
        self._stopped = False
        self._thread.start()
        self._submit(self._prepare()).result()

    def stop(self) -> None:
        """Ends every process; calls that are under way are told that the host has stopped."""
        if not self._stopped:
            self._submit(self._close()).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def __contains__(self, name: str) -> bool:
        """Tells whether there is such a function."""
        return name in self._functions

    def invoke(self, name: str, payload: bytes) -> Invocation:
        """Runs a function and waits for what comes of it; raises `HostError`s."""
        return self._submit(self._invoke(name, payload)).result()

    def invoke_later(self, name: str, payload: bytes) -> None:
        """Runs a function without waiting, and again when it fails, as Lambda does."""
        self._submit(self._spawn(self._invoke_until_good(name, payload)))

    def pids(self, name: str) -> list[int]:
        """Returns the processes of a function."""
        pids = self._forks.pids.copy()
        return [pids[worker.id] for worker in self._functions[name].workers if worker.id in pids]

    def _submit(self, work: Coroutine[Any, Any, T]) -> "concurrent.futures.Future[T]":
        if self._stopped:
            work.close()
            raise HostStopped
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def _told_ended(self, worker_id: str, status: int) -> None:
        self._loop.call_soon_threadsafe(self._ended, worker_id, status)

    # What follows runs on the event loop.

    async def _prepare(self) -> None:
        self._forks.start()
        for function in list(self._functions.values())[: self._max_workers]:
            self._start_worker(function)

    async def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _close(self) -> None:
        self._stopped = True
        for task in self._tasks:
            task.cancel()
        for call in self._calls:
            call.outcome.cancel()
        for worker in list(self._processes.values()):
            worker.leave()
        self._forks.stop()
        for worker_id in list(self._processes):
            self._ended(worker_id, 0)
        # The connections of the workers end with them.
        ending = asyncio.all_tasks() - {asyncio.current_task()}
        if ending:
            await asyncio.wait(ending, timeout=5)

    async def _invoke(self, name: str, payload: bytes) -> Invocation:
        function = self._functions.get(name)
        if function is None:
            raise UnknownFunction(name)
        if not self._has_execution_for(function):
            raise TooManyRequests(name)
        call = Call(payload, self._loop.create_future())
        function.open_calls += 1
        self._calls.add(call)
        function.waiting.append(call)
        self.settle()
        try:
            return await call.outcome
        except asyncio.CancelledError:
            raise HostStopped from None
        finally:
            function.open_calls -= 1
            self._calls.discard(call)

    def _has_execution_for(self, function: Function) -> bool:
        """Tells whether an execution may begin, counted as Lambda counts them.

        It is in use from the call to the answer, the start of a worker included. What is reserved
        for a function is its own: taken from the account's, whether it is in use or not.
        """
        reserved = function.spec.reserved_concurrency
        if reserved is not None:
            return function.open_calls < reserved
        if self.account_concurrency is None:
            return True
        functions = self._functions.values()
        kept = sum(f.spec.reserved_concurrency or 0 for f in functions)
        shared = sum(f.open_calls for f in functions if f.spec.reserved_concurrency is None)
        return shared < self.account_concurrency - kept

    async def _invoke_until_good(self, name: str, payload: bytes) -> None:
        for pause_seconds in (*ASYNC_RETRY_SECONDS, None):
            try:
                invocation = await self._invoke(name, payload)
            except HostError as error:
                LOG.warning("%s was not invoked: %r", name, error)
            else:
                if not invocation.error:
                    return
            if pause_seconds is None or self._stopped:
                LOG.error("%s failed three times, its event is given up", name)
                return
            await asyncio.sleep(pause_seconds)

    def settle(self, freed: Worker | None = None) -> None:
        """Gives waiting calls to idle workers, oldest first, and starts workers for the rest."""
        if self._stopped:
            return
        waiting = [function for function in self._functions.values() if function.waiting]
        for function in sorted(waiting, key=lambda function: function.waiting[0].since):
            for worker in function.idle()[: len(function.waiting)]:
                worker.run(function.waiting.popleft())
            soon = [worker for worker in function.workers if worker.state != "busy"]
            for _ in range(len(function.waiting) - len(soon)):
                if self._has_room_for(function):
                    self._start_worker(function)
        if freed and freed.state == "idle" and self._worker_count() > self._max_workers:
            freed.leave()

    def _worker_count(self) -> int:
        return sum(len(function.workers) for function in self._functions.values())

    def _has_room_for(self, function: Function) -> bool:
        if len(function.workers) >= self._per_function:
            return False
        if self._worker_count() < self._max_workers:
            return True
        others = [f for f in self._functions.values() if f is not function]
        workers = [worker for other in others for worker in other.workers]
        unused = [worker for worker in workers if worker.state in ("idle", "done")]
        if unused:
            min(unused, key=lambda worker: worker.last_used).leave()
            return True
        return not function.workers

    def _start_worker(self, function: Function) -> None:
        worker = Worker(function, self._forks)
        function.workers.append(worker)
        self._processes[worker.id] = worker
        task = self._loop.create_task(worker.start(self._portable_client))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _ended(self, worker_id: str, status: int) -> None:
        worker = self._processes.pop(worker_id, None)
        if worker:
            worker.ended(status)
