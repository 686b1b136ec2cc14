"""Records what Batch says of a job, and wakes who waits for it."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.typing import LambdaContext

from seqdrop.aws.catalog.layout import read_job_parameter
from seqdrop.aws.events import read_job_message
from seqdrop.aws.queues import ReferenceReady
from seqdrop.composition import compose
from seqdrop.domain.identity import StageOf
from seqdrop.domain.records import JobState
from seqdrop.flow.recording import owner_of
from seqdrop.messages import each_message
from seqdrop.settings import RecordJobEventSettings

logger = Logger()
metrics = Metrics()
flows = compose(RecordJobEventSettings)


def receive(body: str) -> None:
    """One event of Batch, or one message to ourselves."""
    message = read_job_message(body)
    if isinstance(message, JobState):
        record(message)
    elif isinstance(message, ReferenceReady):
        begun = flows.announcements.announce(message.reference)
        logger.info("reference is ready", reference=str(message.reference), reanalyses=begun)
    elif owner := read_job_parameter(message.job):
        copied = flows.log_copies.copy(owner)
        metrics.add_metric(name="LogsCopied", unit="Count", value=len(copied))
        logger.info("log copied", job=message.job, keys=copied)


def record(state: JobState) -> None:
    """One event; late and doubled ones change nothing."""
    owner = owner_of(state)
    job = flows.recording.record(owner, state) if owner else None
    metrics.add_metric(name="JobEvents", unit="Count", value=1)
    if job is None and (task := flows.workflow_tasks.record(state)):
        logger.info("task recorded", stage=task.stage, job_id=task.job_id, status=task.status)
        return
    if job is None:
        logger.info("not a job of ours", job_id=state.job_id, status=state.status)
        return
    if isinstance(job.owner, StageOf):
        flows.recording.answer(job)
    elif job.has_ended:
        flows.preparation.settle(job.owner.reference)
    if state.blocked:
        metrics.add_metric(name="QueuesBlocked", unit="Count", value=1)
        logger.warning("queue blocked", queue=job.queue, job_id=job.job_id, reason=state.blocked)
    logger.info("job recorded", job=job.name, job_id=job.job_id, status=job.status)


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Answers which messages are to come again."""
    return each_message(event, context, receive, logger)
