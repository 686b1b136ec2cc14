"""Nextflow's trace."""

import pytest

from seqdrop.domain.errors import InvalidMeasure
from seqdrop.domain.trace import read_trace

COLUMNS = [
    "task_id",
    "hash",
    "native_id",
    "name",
    "status",
    "exit",
    "submit",
    "duration",
    "realtime",
    "%cpu",
    "peak_rss",
    "peak_vmem",
    "rchar",
    "wchar",
]
ROWS = (
    ("19", "45/ab752a", "2032", "blast (1)", "COMPLETED", "0", "2014-10-23 16:33:16.288", "1m",
     "5s", "0.0%", "29.8 MB", "354 MB", "33.3 MB", "0"),
    ("20", "72/db873d", "2033", "blast (2)", "COMPLETED", "0", "2014-10-23 16:34:17.211", "30s",
     "10s", "35.7%", "152.8 MB", "428.1 MB", "192.7 MB", "1 MB"),
    ("28", "b4/0f9613", "2041", "exonerate (1)", "COMPLETED", "0", "2014-10-23 16:38:19.657",
     "1m 30s", "1m 11s", "94.3%", "611.6 MB", "693.8 MB", "961.2 GB", "6.1 GB"),
)  # fmt: skip
"""Of the example in Nextflow's docs/reports.mdx."""


def trace(*rows: tuple[str, ...]) -> bytes:
    return "".join("\t".join(row) + "\n" for row in (tuple(COLUMNS), *rows)).encode()


def test_the_example_of_nextflow_s_documents_is_read() -> None:
    tasks = read_trace(trace(*ROWS))
    assert [task.native_id for task in tasks] == ["2032", "2033", "2041"]
    assert [task.name for task in tasks] == ["blast (1)", "blast (2)", "exonerate (1)"]
    assert all(task.is_of_this_try for task in tasks)


def test_jobs_of_an_earlier_try_and_tasks_without_a_job_are_not_of_this_one() -> None:
    cached = (*ROWS[0][:4], "CACHED", *ROWS[0][5:])
    never = (*ROWS[1][:2], "-", ROWS[1][3], "ABORTED", *ROWS[1][5:])
    found = [task.is_of_this_try for task in read_trace(trace(cached, never, ROWS[2]))]
    assert found == [False, False, True]


def test_nothing_has_no_task() -> None:
    assert read_trace(b"") == read_trace(trace()) == []


@pytest.mark.parametrize("content", [b"a\tb\n1\t2\n", b"\xff\xfe\x00", b"task_id\tname\n1\tx\n"])
def test_what_is_no_trace_is_told(content: bytes) -> None:
    with pytest.raises(InvalidMeasure, match="is not a trace"):
        read_trace(content)
