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

    def _page(self, stream: str, token: str) -> Page | None:
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

    def pages(self, stream: str, token: str = "") -> Iterator[Page]:
        """All pages that are there now, from the first or from the one of a token.

        No page where there is no such stream.
        """
        while page := self._page(stream, token):
            yield page
            if page.token == token:
                return  # the end gives the same token again
            token = page.token
