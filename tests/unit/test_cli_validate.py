"""Which run of a control `seqdrop validate` judges."""

from types import SimpleNamespace
from typing import Any

import pytest

from cli.faults import CommandFailed
from cli.validate import _run
from tests.domain_support import analysis


def test_a_control_that_a_person_has_dismissed_says_nothing() -> None:
    dismissed = analysis(status="DISMISSED", why="tube swapped")
    stack: Any = SimpleNamespace(analysis=lambda *_: dismissed)
    for run in ("", "83ed"):
        with pytest.raises(CommandFailed) as refused:
            _run(stack, "wes", "NA1", run)
        assert str(refused.value) == "NA1 was dismissed: tube swapped: it says nothing of wes"
