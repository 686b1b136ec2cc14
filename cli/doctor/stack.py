"""How the stack is, and whether Batch can start hosts for it: its environments and queues."""

from collections.abc import Callable, Iterator, Mapping

from cli.deployment import IMAGES_STACK
from cli.doctor.account import Account
from cli.doctor.facts import BatchResource
from cli.doctor.findings import Finding, Wanted, fail, ok, refuse_failures, warn

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
_WAIT = "wait, and ask again"
_GOOD = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"}
_FIRST_TRY_FAILED = (
    fail,
    "the first try failed, and nothing can be deployed over it",
    f"{_EVENTS}; sam delete {{stack}}; mend, and deploy again",
)
_STATES: Mapping[str, tuple[Callable[[str, str], Finding], str, str]] = {
    "REVIEW_IN_PROGRESS": (warn, "its change set was not executed", "deploy again"),
    "CREATE_FAILED": _FIRST_TRY_FAILED,
    "ROLLBACK_COMPLETE": _FIRST_TRY_FAILED,
    "ROLLBACK_FAILED": _FIRST_TRY_FAILED,
    "ROLLBACK_IN_PROGRESS": (
        fail,
        "the first try failed, and is being undone",
        f"wait for its end; {_EVENTS}; sam delete {{stack}}; mend, and deploy again",
    ),
    "IMPORT_ROLLBACK_COMPLETE": (
        warn,
        "its import of resources was undone; what was there before runs on",
        _EVENTS,
    ),
    "UPDATE_FAILED": (
        warn,
        "the last change failed, and was not undone",
        f"{_EVENTS}; mend, and deploy again",
    ),
    "UPDATE_ROLLBACK_COMPLETE": (
        warn, "the last change failed, what was there before runs on", _EVENTS,
    ),
    "UPDATE_ROLLBACK_FAILED": (
        fail,
        "it takes no change",
        f"{_EVENTS}; mend, then aws cloudformation continue-update-rollback {{stack}}",
    ),
    "DELETE_IN_PROGRESS": (fail, "it takes no change", "wait till it is gone, and deploy again"),
    "DELETE_FAILED": (
        fail,
        "a part of it could not be deleted, and nothing can be deployed over what is left",
        f"{_EVENTS}; mend, sam delete {{stack}} once more, and deploy again",
    ),
}  # fmt: skip
"""Other states: the verdict, what it means, and what to do."""


def check_stack(wanted: Wanted) -> Finding:
    """How the stack is, or what there is of one that is not whole."""
    stack = wanted.stack or wanted.unfinished
    if stack is None:
        return warn("it is not deployed yet", "see docs/deploy.md; then ask again")
    return state_of_stack(stack.name, stack.status, wanted.region)


def check_images_stack(_: Wanted, account: Account) -> Iterator[Finding]:
    """How the stack of the image repositories is, if it is there."""
    if status := account.stack_status(IMAGES_STACK):
        yield state_of_stack(IMAGES_STACK, status, account.region)


def state_of_stack(name: str, status: str, region: str) -> Finding:
    """What a stack's status means for a deployment; fails where the stack takes no change."""
    if status in _GOOD:
        return ok(status)
    says = f"{name} is {status}"
    if status in _STATES:
        verdict, means, do = _STATES[status]
        stack = f"--stack-name {name}" + (f" --region {region}" if region else "")
        return verdict(f"{says}: {means}", do.format(stack=stack))
    return warn(says, _WAIT) if status.endswith("_IN_PROGRESS") else fail(says, _EVENTS)


def refuse_unchangeable(name: str, account: Account) -> None:
    """Raises CommandFailed for a stack that CloudFormation would not change now."""
    status = account.stack_status(name)
    if not status:
        return
    found = state_of_stack(name, status, account.region)
    if status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS":
        found = fail(found.says, found.do)
    refuse_failures([found])


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
        return fail(f"{says}; it takes no jobs", "enable it in Batch, unless that is meant")
    if one.status != "VALID":
        return warn(says, "wait, and ask again")
    return None
