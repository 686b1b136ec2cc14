"""Events that AWS services send by themselves, put on moto's default event bus in process.

PutEvents refuses sources that begin with `aws.`, so these events take a way of their own. Bodies
for SQS are made here: moto's own template drops `account`, and replaces text such as `<id>` inside
the details of an event.
"""

import copy
import json
import logging
import time as clock
import uuid
from datetime import UTC, datetime
from typing import Any

from moto.core.exceptions import JsonRESTError, ServiceException
from moto.events.models import Rule, events_backends
from moto.sqs.models import sqs_backends
from moto.utilities.arns import parse_arn

log = logging.getLogger(__name__)

Event = dict[str, Any]
_REFUSALS = (ServiceException, JsonRESTError, NotImplementedError, KeyError)
_SHAPERS = ("Input", "InputPath", "InputTransformer")


def put_event(
    account: str,
    region: str,
    *,
    source: str,
    detail_type: str,
    resources: list[str],
    detail: dict[str, Any],
    time: datetime | None = None,
) -> None:
    """Delivers one event to the targets of every enabled rule that matches it.

    Delivery is best effort per target, as on AWS: a target that can't be reached costs its own
    copy, which goes to its dead-letter queue where it has one. `time` is aware, and now if absent.
    """
    event: Event = {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": detail_type,
        "source": source,
        "account": account,
        "time": (time or datetime.now(UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": region,
        "resources": resources,
        "detail": detail,
    }
    bus = events_backends[account][region].event_buses["default"]
    for rule in list(bus.rules.values()):
        if _wants(rule, event):
            for target in list(rule.targets):
                _deliver(rule, target, event)


def _wants(rule: Rule, event: Event) -> bool:
    """A rule that is enabled and has a pattern that matches; a schedule alone matches nothing."""
    pattern = rule.event_pattern
    if rule.state == "DISABLED" or not pattern.get_pattern():
        return False
    return bool(pattern.matches_event(event))


def _deliver(rule: Rule, target: dict[str, Any], event: Event) -> None:
    try:
        _send(rule, target, event)
    except _REFUSALS as refusal:
        log.warning("rule %s: target %s refused an event: %r", rule.name, target["Arn"], refusal)
        _keep_dead_letter(target, event)


def _send(rule: Rule, target: dict[str, Any], event: Event) -> None:
    arn = parse_arn(target["Arn"])
    if arn.service == "sqs" and not any(shaper in target for shaper in _SHAPERS):
        group = target.get("SqsParameters", {}).get("MessageGroupId")
        _send_to_queue(target["Arn"], event, group)
        return
    alone = copy.copy(rule)
    alone.targets = [target]
    # moto wants the time as a number, and an ingestion time.
    epoch = datetime.strptime(event["time"], "%Y-%m-%dT%H:%M:%S%z").timestamp()
    alone.send_to_targets({**event, "time": epoch, "ingestion-time": clock.time()})


def _send_to_queue(queue_arn: str, event: Event, group: str | None = None) -> None:
    arn = parse_arn(queue_arn)
    sqs_backends[arn.account][arn.region].send_message(
        queue_name=arn.resource_id, message_body=json.dumps(event), group_id=group
    )


def _keep_dead_letter(target: dict[str, Any], event: Event) -> None:
    queue_arn = target.get("DeadLetterConfig", {}).get("Arn")
    if queue_arn is None:
        return
    try:
        _send_to_queue(queue_arn, event)
    except _REFUSALS as refusal:
        log.warning("dead-letter queue %s refused an event: %r", queue_arn, refusal)
