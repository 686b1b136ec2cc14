"""Whether a Batch job that failed is tried again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from moto.batch.exceptions import ClientException

MAX_ATTEMPTS = 10
MAX_RULES = 5
_CONDITIONS = ("onExitCode", "onReason", "onStatusReason")


@dataclass(frozen=True)
class AttemptEnd:
    """How an attempt ended, in the words that retry rules match."""

    exit_code: int | None
    status_reason: str
    reason: str | None = None

    @property
    def succeeded(self) -> bool:
        """Whether the command itself was content."""
        return self.exit_code == 0

    def matches(self, rule: Mapping[str, str]) -> bool:
        """Whether every condition that the rule names holds."""
        facts = (self.exit_code, self.reason, self.status_reason)
        return all(
            _matches(rule[condition], "" if fact is None else str(fact))
            for condition, fact in zip(_CONDITIONS, facts, strict=True)
            if rule.get(condition)
        )


@dataclass(frozen=True)
class RetryStrategy:
    """A number of attempts, and rules of which the first that matches decides."""

    attempts: int = 1
    rules: tuple[Mapping[str, str], ...] = ()

    @classmethod
    def from_request(cls, request: Mapping[str, Any] | None) -> Self:
        """Read `retryStrategy` as RegisterJobDefinition and SubmitJob take it."""
        request = request or {}
        attempts = int(request.get("attempts", 1))
        rules = tuple(request.get("evaluateOnExit") or ())
        if not 1 <= attempts <= MAX_ATTEMPTS:
            raise ClientException("retryStrategy.attempts must be between 1 and 10")
        if len(rules) > MAX_RULES:
            raise ClientException("retryStrategy.evaluateOnExit takes at most 5 rules")
        if any(str(rule.get("action", "")).upper() not in ("RETRY", "EXIT") for rule in rules):
            raise ClientException("retryStrategy.evaluateOnExit.action must be RETRY or EXIT")
        return cls(attempts, rules)

    def describe(self) -> dict[str, Any]:
        """As DescribeJobs and events show it."""
        return {"attempts": self.attempts, "evaluateOnExit": [dict(rule) for rule in self.rules]}

    def wants_another(self, end: AttemptEnd, attempts_so_far: int) -> bool:
        """No rule that matches means RETRY, as on AWS."""
        if end.succeeded or attempts_so_far >= self.attempts:
            return False
        first = next((rule for rule in self.rules if end.matches(rule)), None)
        return first is None or first["action"].upper() == "RETRY"


def _matches(pattern: str, fact: str) -> bool:
    """Exact, or by the start when the pattern ends with an asterisk."""
    if pattern.endswith("*"):
        return fact.startswith(pattern[:-1])
    return fact == pattern
