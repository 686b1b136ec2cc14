"""How the stack is, and whether Batch can start hosts for it: its environments and queues."""

from collections.abc import Iterator

from cli.account import Account
from cli.facts import BatchResource, StackFacts
from cli.findings import Finding, Wanted, fail, ok, warn

_BATCH_RESOURCES = (
    ("AWS::Batch::ComputeEnvironment", "computeEnvironments", "compute environment"),
    ("AWS::Batch::JobQueue", "jobQueues", "job queue"),
)
DELETED_BY_HAND = (
    "it was deleted by hand, and CloudFormation does not notice: make it again under this name, or "
    "delete the stack and deploy again (its buckets and table stay, and the new one gets its own)"
)
_INVALID = "mend what it says, and deploy again: docs/deploy.md, When it does not work"
_EVENTS = "the stack's events say why"
_STATES = {
    "CREATE_COMPLETE": ok("CREATE_COMPLETE"),
    "UPDATE_COMPLETE": ok("UPDATE_COMPLETE"),
    "IMPORT_COMPLETE": ok("IMPORT_COMPLETE"),
    "UPDATE_ROLLBACK_COMPLETE": warn(
        "UPDATE_ROLLBACK_COMPLETE: the last change failed, what was there before runs on", _EVENTS
    ),
}


def check_stack(wanted: Wanted) -> Finding:
    """How the stack is, or what is left of a first try that failed."""
    if wanted.failed:
        return _failed(wanted.failed)
    if wanted.stack is None:
        return warn("it is not deployed yet", "see docs/deploy.md; then ask again")
    status = wanted.stack.status
    if status == "UPDATE_ROLLBACK_FAILED":
        resume = "aws cloudformation continue-update-rollback --stack-name"
        return fail(
            f"{status}: it takes no change",
            f"{_EVENTS}; mend, then {resume} {wanted.stack.name}",
        )
    if status.endswith("_IN_PROGRESS"):
        return warn(status, "wait, and ask again")
    return _STATES.get(status) or fail(status, _EVENTS)


def _failed(stack: StackFacts) -> Finding:
    says = f"{stack.name} is {stack.status}"
    if stack.status == "REVIEW_IN_PROGRESS":
        return warn(f"{says}: its change set was not executed", "deploy again")
    return fail(
        f"{says}: the first try failed, and nothing can be deployed over it",
        f"{_EVENTS}; sam delete --stack-name {stack.name}; mend, and deploy again",
    )


def check_batch(wanted: Wanted, account: Account) -> Iterator[Finding]:
    """Are the stack's compute environments and job queues VALID and ENABLED?"""
    if wanted.stack is None:
        return
    for kind, plural, what in _BATCH_RESOURCES:
        ids = {one.id: one.name for one in wanted.stack.of(kind)}
        if not ids:
            continue
        there = account.batch_resources(plural, list(ids))
        wrong = [finding for one in there if (finding := _wrong(what, one))]
        gone = sorted(ids.keys() - {one.arn for one in there} - {one.name for one in there})
        yield from wrong
        for each in gone:
            yield fail(f"{what} {ids[each]} ({each}) is gone", DELETED_BY_HAND)
        if not wrong and not gone:
            yield ok(f"{len(there)} {what}s are VALID and ENABLED")


def _wrong(what: str, one: BatchResource) -> Finding | None:
    reason = f": {one.reason}" if one.reason else ""
    says = f"{what} {one.name} is {one.status}, {one.state}{reason}"
    if one.status == "INVALID":
        return fail(f"{says}; its jobs stay RUNNABLE", _INVALID)
    if one.state == "DISABLED":
        return fail(f"{says}; it takes no jobs", "enable it in Batch, if you did not mean it so")
    if one.status != "VALID":
        return warn(says, "wait, and ask again")
    return None
