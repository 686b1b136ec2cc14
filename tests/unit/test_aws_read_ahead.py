"""Pages that are asked for ahead are the same ones, in their order."""

import threading
from collections.abc import Iterator

import pytest

from seqdrop.aws.read_ahead import map_ahead, read_ahead


@pytest.mark.parametrize("pages", [[], [1], [1, 2], [1, None, [], 4]])
def test_all_pages_come_in_their_order(pages: list[object]) -> None:
    assert list(read_ahead(pages)) == pages


def test_the_next_page_is_asked_for_while_one_is_looked_at() -> None:
    asked = [threading.Event() for _ in range(3)]

    def pages() -> Iterator[int]:
        for number, event in enumerate(asked):
            event.set()
            yield number

    found = read_ahead(pages())
    assert next(found) == 0
    assert asked[1].wait(10)
    assert not asked[2].is_set(), "two pages are in memory, not all"
    assert list(found) == [1, 2]


def test_what_goes_wrong_is_raised_after_the_pages_before() -> None:
    def pages() -> Iterator[int]:
        yield 1
        raise LookupError("of the table")

    found = read_ahead(pages())
    assert next(found) == 1
    with pytest.raises(LookupError, match="of the table"):
        next(found)


def test_who_stops_looking_leaves_no_thread() -> None:
    before = threading.active_count()
    found = read_ahead(iter(range(10)))
    assert next(found) == 0
    found.close()  # type: ignore[attr-defined]  # a generator
    assert threading.active_count() == before


def test_pages_that_are_mapped_come_in_the_order_in_which_they_were_asked_for() -> None:
    second = threading.Event()

    def read(number: int) -> int:
        if number == 0:
            assert second.wait(10), "two are got at once"
        if number == 1:
            second.set()
        return number * 10

    assert list(map_ahead(read, range(5), 2)) == [0, 10, 20, 30, 40]
    assert list(map_ahead(read, [], 2)) == []


def test_no_more_is_asked_for_than_is_said() -> None:
    asked: list[int] = []
    found = map_ahead(asked.append, range(10), 2)
    next(found)
    found.close()  # type: ignore[attr-defined]  # a generator
    assert asked == [0, 1, 2]
