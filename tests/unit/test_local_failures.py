"""What is told of a function's error: its class, its message, and whose it is."""

import json
import logging
from typing import Any

import pytest

from local.functions.failures import report, report_failure, report_logged_error

S3_EVENT = {"detail": {"bucket": {"name": "b"}, "object": {"key": "wes/NA1_R1.fastq.gz"}}}
TRACE = """Traceback (most recent call last):
  File "a.py", line 1, in a
    {}
KeyError: 'first'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "b.py", line 2, in b
    raise ValueError("of
  several")
seqdrop.domain.errors.Transient: the table: is
not there"""


def queue(*bodies: Any) -> bytes:
    records = [{"messageId": str(n), "body": json.dumps(body)} for n, body in enumerate(bodies)]
    return json.dumps({"Records": records}).encode()


def logged(**fields: Any) -> str:
    return json.dumps({"level": "ERROR", "message": "message failed", **fields})


@pytest.mark.parametrize(
    ("event", "subject"),
    [
        (b"", ""),
        (b"not JSON", ""),
        (b"[1]", ""),
        (b"{}", ""),
        (b'{"run": {"sample": "Hm2", "run_key": "k"}, "execution": "e"}', " (sample Hm2)"),
        (queue(S3_EVENT), " (file wes/NA1_R1.fastq.gz)"),
        (queue(S3_EVENT, {"sample": "NA2"}, S3_EVENT), " (file wes/NA1_R1.fastq.gz, sample NA2)"),
        (queue({"detail": {"jobName": "reference-tiny-1-bwa-1"}}), " (job reference-tiny-1-bwa-1)"),
        (queue("text"), ""),
        (b'{"Records": [1, {"body": 2}, {}]}', ""),
    ],
)
def test_an_error_names_whose_it_is(
    caplog: pytest.LogCaptureFixture, event: bytes, subject: str
) -> None:
    report("seqdrop-plan-run", event, "KeyError", "'x'")
    assert caplog.messages == [f"seqdrop-plan-run: KeyError: 'x'{subject}"]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ({"errorType": "Transient", "errorMessage": "two\nlines"}, "f: Transient: two lines"),
        ({"errorType": "KeyError", "errorMessage": ""}, "f: KeyError"),
        ({}, "f: failed"),
    ],
)
def test_lambda_s_document_is_one_line(
    caplog: pytest.LogCaptureFixture, error: dict[str, str], said: str
) -> None:
    report_failure("f", b"", json.dumps(error).encode())
    assert caplog.messages == [said]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            logged(exception=TRACE, exception_name="Transient", message_id="1"),
            "f: Transient: the table: is not there (sample NA2)",
        ),
        (
            logged(exception="odd", exception_name="E", message_id="0"),
            "f: E: odd (file wes/NA1_R1.fastq.gz)",
        ),
        (logged(sample_id="Hm2"), "f: message failed (sample Hm2)"),
        (logged(level="CRITICAL", message_id="9"), "f: message failed"),
    ],
)
def test_an_error_that_a_function_logs_is_told_with_its_own_message_s_subject(
    caplog: pytest.LogCaptureFixture, line: str, said: str
) -> None:
    report_logged_error("f", queue(S3_EVENT, {"sample": "NA2"}), line)
    assert caplog.messages == [said]
    assert caplog.records[0].levelno == logging.ERROR


@pytest.mark.parametrize(
    "line",
    [
        "",
        "[ERROR] KeyError: 'x'",
        'an "ERROR" in text',
        '{"level": "INFO", "message": "\\"ERROR\\""}',
    ],
)
def test_other_lines_are_no_errors(caplog: pytest.LogCaptureFixture, line: str) -> None:
    report_logged_error("f", b"{}", line)
    assert caplog.messages == []
