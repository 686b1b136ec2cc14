"""Can Batch start hosts for the stack: its compute environments and job queues."""

from collections.abc import Iterator

from cli.account import Account
from cli.facts import BatchPart
from cli.findings import Finding, Wanted, fail, ok, warn

_PARTS = (
    ("AWS::Batch::ComputeEnvironment", "computeEnvironments", "compute environment"),
    ("AWS::Batch::JobQueue", "jobQueues", "job queue"),
)
_INVALID = "mend what it says, and deploy again: docs/deploy.md, When it does not work"


def check_batch(wanted: Wanted, account: Account) -> Iterator[Finding]:
    """Are the stack's compute environments and job queues VALID and ENABLED?"""
    if wanted.stack is None:
        return
    for kind, parts, what in _PARTS:
        ids = {one.id: one.name for one in wanted.stack.of(kind)}
        if not ids:
            continue
        there = account.batch_parts(parts, list(ids))
        wrong = [finding for one in there if (finding := _wrong(what, one))]
        gone = sorted(ids.keys() - {one.arn for one in there} - {one.name for one in there})
        yield from wrong
        for each in gone:
            yield fail(f"{what} {ids[each]} ({each}) is gone", "someone deleted it: deploy anew")
        if not wrong and not gone:
            yield ok(f"{len(there)} {what}s are VALID and ENABLED")


def _wrong(what: str, part: BatchPart) -> Finding | None:
    reason = f": {part.reason}" if part.reason else ""
    says = f"{what} {part.name} is {part.status}, {part.state}{reason}"
    if part.status == "INVALID":
        return fail(f"{says}; its jobs stay RUNNABLE", _INVALID)
    if part.state == "DISABLED":
        return fail(f"{says}; it takes no jobs", "enable it in Batch, if you did not mean it so")
    if part.status != "VALID":
        return warn(says, "wait, and ask again")
    return None
