"""Reads the next pages while earlier ones are worked on."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Asked = TypeVar("Asked")
Page = TypeVar("Page")


def read_ahead(pages: Iterable[Page]) -> Iterator[Page]:
    """The same pages; a thread of its own has the next one ready."""
    with ThreadPoolExecutor(1) as pool:
        left = iter(pages)
        coming = pool.submit(_next, left)
        while found := coming.result():
            coming = pool.submit(_next, left)
            yield from found


def map_ahead(
    read: Callable[[Asked], Page], asked: Iterable[Asked], at_once: int
) -> Iterator[Page]:
    """``read`` of each, in order; threads read ``at_once`` more of them meanwhile."""
    with ThreadPoolExecutor(at_once) as pool:
        coming: deque[Future[Page]] = deque()
        for one in asked:
            coming.append(pool.submit(read, one))
            if len(coming) > at_once:
                yield coming.popleft().result()
        while coming:
            yield coming.popleft().result()


def _next(pages: Iterator[Page]) -> tuple[Page, ...]:
    """None or one: StopIteration can't leave a thread."""
    return tuple(islice(pages, 1))
