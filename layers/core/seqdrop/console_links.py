"""Links into the AWS console: executions, jobs and logs. The embedded runtime has none."""

from urllib.parse import quote

import msgspec

_DOMAINS = {"aws-cn": "amazonaws.cn", "aws-us-gov": "amazonaws-us-gov.com"}


class ConsoleLinks(msgspec.Struct, frozen=True):
    """The console of one region."""

    region: str
    partition: str
    log_group: str
    """Of the jobs; "" where it is not known."""

    def execution(self, arn: str | None) -> str | None:
        """An execution of the state machine."""
        return arn and self._page("states", f"/v2/executions/details/{arn}")

    def job(self, job_id: str | None) -> str | None:
        """A Batch job."""
        return job_id and self._page("batch", f"jobs/detail/{job_id}")

    def log(self, stream: str | None) -> str | None:
        """The log of one attempt."""
        if not stream or not self.log_group:
            return None
        group, name = _twice_quoted(self.log_group), _twice_quoted(stream)
        return self._page("cloudwatch", f"logsV2:log-groups/log-group/{group}/log-events/{name}")

    def _page(self, service: str, fragment: str) -> str:
        domain = _DOMAINS.get(self.partition, "aws.amazon.com")
        host = f"https://{self.region}.console.{domain}"
        return f"{host}/{service}/home?region={self.region}#{fragment}"


def _twice_quoted(text: str) -> str:
    """CloudWatch quotes names for URLs twice, and then writes ``$`` for ``%``."""
    return quote(quote(text, safe=""), safe="").replace("%", "$")
