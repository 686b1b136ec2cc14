"""What the ECS agent does before a container starts, with the execution role of its definition."""

from collections.abc import Iterator

from local.actions import Need
from local.authorization import first_missing, refusal
from local.batch.jobs import Attempt, Job
from local.batch.process import CannotStart
from local.batch.secrets import SecretNotRead, whole_arn
from local.calls import record_of_environment
from local.roles import role_of, start_key


def check_may_start(job: Job, attempt: Attempt) -> None:
    """Raises SecretNotRead or CannotStart where the role lacks a grant, in the words of ECS on EC2.

    A definition without the role has none.

    Images are left out: there is no registry here that they would be pulled from.
    """
    who = start_key(job.definition.name)
    if role_of(who) is None:
        return
    needs = list(_needs(job, attempt))
    if record := record_of_environment():
        record.write(who, needs)
    if missing := first_missing(who, needs):
        why = f"AccessDeniedException: {refusal(who, missing)}"
        action, resource = missing
        if action.startswith("secretsmanager:"):
            raise SecretNotRead(resource, attempt.log_stream.region, why)
        raise CannotStart(
            "Error response from daemon: failed to initialize logging driver: failed to create "
            f"Cloudwatch log stream: {why}"
        )


def _needs(job: Job, attempt: Attempt) -> Iterator[Need]:
    stream = attempt.log_stream
    group = f"arn:aws:logs:{stream.region}:{stream.account}:log-group:{stream.group}"
    for action in ("CreateLogStream", "PutLogEvents"):
        yield f"logs:{action}", f"{group}:log-stream:{stream.name}"
    for place in job.container.secrets.values():
        yield "secretsmanager:GetSecretValue", whole_arn(place, job.account, job.region)
