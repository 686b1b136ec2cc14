"""What jobs wrote, in CloudWatch Logs: a stream for each attempt."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient


class LogEvent(msgspec.Struct, frozen=True):
    """A line of a job's log; ``time`` is in milliseconds since 1970, as CloudWatch has it."""

    time: int
    message: str


class Page(msgspec.Struct, frozen=True):
    """Some events of a stream, and the token of the next page."""

    events: tuple[LogEvent, ...]
    token: str


class JobLogs:
    """The streams of one log group."""

    def __init__(self, client: "CloudWatchLogsClient", group: str) -> None:
        self._client = client
        self._group = group

    def page(self, stream: str, token: str = "") -> Page | None:
        """The first page of a stream, or the one of a token; None where there is no such stream."""
        given = {"nextToken": token} if token else {}
        try:
            found = self._client.get_log_events(
                logGroupName=self._group,
                logStreamName=stream,
                startFromHead=True,
                **given,  # type: ignore[arg-type]  # a token, or nothing
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            return None
        events = (LogEvent(one["timestamp"], one["message"]) for one in found["events"])
        return Page(tuple(events), found["nextForwardToken"])

    def pages(self, stream: str) -> Iterator[Page]:
        """All pages that are there now; none where there is no such stream."""
        token = ""
        while page := self.page(stream, token):
            yield page
            if page.token == token:
                return  # the end gives the same token again
            token = page.token
