"""SQS: messages to ourselves that ask for another look at an analysis."""

from typing import TYPE_CHECKING

import msgspec

from seqdrop.domain.identity import AnalysisId

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

LONGEST_DELAY_SECONDS = 900


class Recheck(msgspec.Struct, frozen=True, tag_field="seqdrop", tag="recheck"):
    """Asks whether an analysis may start now."""

    sample: str
    assay: str
    generation: int | None = None

    @property
    def analysis(self) -> AnalysisId:
        """The analysis that is to be looked at."""
        return AnalysisId(self.sample, self.assay)


class Rechecks:
    """Sends messages to the queue that register_upload reads."""

    def __init__(self, client: "SQSClient", queue_url: str) -> None:
        self._client = client
        self._url = queue_url

    def send(
        self, analysis: AnalysisId, generation: int | None = None, delay_seconds: int = 0
    ) -> None:
        """Asks for a look later; with a generation, only if that is still the analysis' own.

        A longer wait than SQS can is cut: who gets the message looks, and sends the next.
        """
        recheck = Recheck(analysis.sample, analysis.assay, generation)
        self._client.send_message(
            QueueUrl=self._url,
            MessageBody=msgspec.json.encode(recheck).decode(),
            DelaySeconds=min(delay_seconds, LONGEST_DELAY_SECONDS),
        )
