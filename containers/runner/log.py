"""JSON log lines, one for each outcome; the lines of the tools go by on stderr."""

import json
import logging
import sys

_LOGGER = logging.getLogger("seqdrop.runner")


class OutcomeLog:
    """Writes outcomes with the fields that find them again: sample, run, stage, job."""

    def __init__(self, fields: dict[str, str]) -> None:
        """The fields go on every line; empty ones are left out."""
        self._fields = {name: value for name, value in fields.items() if value}

    def bind(self, **fields: str) -> "OutcomeLog":
        """Returns the same log with more fields, once they are known."""
        return OutcomeLog({**self._fields, **fields})

    def info(self, outcome: str, **facts: object) -> None:
        """Logs something that was done."""
        _LOGGER.info(self._line("INFO", outcome, facts))

    def error(self, outcome: str, **facts: object) -> None:
        """Logs something that could not be done."""
        _LOGGER.error(self._line("ERROR", outcome, facts))

    def _line(self, level: str, outcome: str, facts: dict[str, object]) -> str:
        return json.dumps({"level": level, "outcome": outcome, **self._fields, **facts})


def set_up() -> None:
    """Outcomes go to stdout as they are; called once by main."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("%(message)s"))
    _LOGGER.handlers = [handler]
    _LOGGER.setLevel(logging.INFO)
    _LOGGER.propagate = False
