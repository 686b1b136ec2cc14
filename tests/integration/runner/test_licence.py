"""DRAGEN's licence on its way through the runner: to DRAGEN, and to nobody and nothing else."""

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runner.licence import VARIABLE
from seqdrop.domain.failure import EXIT_CODES, FailureClass
from seqdrop.domain.pipeline import Output
from seqdrop.domain.plan import RunPlan
from tests.forks import Ended
from tests.runner_support import RunnerLab, a_stage, pipe, prefix_of

NAME, PASSWORD = "n4mE-of-the-lab", "pa55=word/Of+it"
CREDENTIALS = f"credentials-1={NAME}\ncredentials-2={PASSWORD}\n"
DRAGEN = """\
#!/bin/sh
tr '\\0' '\\n' </proc/$$/environ >>{told}/environments
[ "$1" = --version ] && echo "dragen 4.4.4" && exit
tr '\\0' '\\n' </proc/$PPID/environ >{told}/runner
echo "$@" >{told}/arguments
if [ -e licence ]; then
  cat licence >{told}/credentials
  stat -L -c %a licence >{told}/mode
  readlink -f licence >{told}/place
  ln -f "$(readlink -f licence)" {told}/left
  cat licence licence >&2
fi
echo x >out/y
{then}
"""
OTHER = """\
#!/bin/sh
tr '\\0' '\\n' </proc/$$/environ >>{told}/environments
[ "$1" = --version ] && exit
echo "$@" $(ls) $(ls {secrets}) >>{told}/other
"""


class Licensed:
    """A lab whose jobs get a licence, and where its tools leave what they were told."""

    def __init__(self, lab: RunnerLab) -> None:
        self.lab = lab
        self.told = lab.scratch.parent / "told"
        self.secrets = lab.scratch.parent / "secrets"
        self.told.mkdir()
        self.secrets.mkdir()
        lab.environment |= {VARIABLE: CREDENTIALS, "SEQDROP_SECRETS": str(self.secrets)}
        lab.tool("other", OTHER.format(told=self.told, secrets=self.secrets))
        self.dragen()

    def dragen(self, then: str = "") -> None:
        """Put the tool on PATH; what it does after it has told."""
        self.lab.tool("dragen", DRAGEN.format(told=self.told, then=then))

    def plan(self, *, times: int = 1) -> RunPlan:
        """A tool, then DRAGEN; so many times."""
        steps = (pipe(["other", "-a"]), pipe(["dragen", "-f", "-r", "{ref}/dragen"])) * times
        stage: dict[str, Any] = {"outputs": (Output("y"),), "reads": "", "measures": {}}
        return self.lab.plan(a_stage(steps=steps, **stage))

    def run(self, plan: RunPlan) -> Ended:
        """The runner as Batch starts it: a process with the secret in its first environment."""
        process = self.lab.start(plan)
        out, err = process.communicate(timeout=60)
        assert list(self.lab.scratch.iterdir()) == []
        return Ended(process.returncode, out, err)

    def read(self, name: str) -> str:
        """What a tool left."""
        return (self.told / name).read_text()


@pytest.fixture
def licensed(lab: RunnerLab) -> Iterator[Licensed]:
    found = Licensed(lab)
    yield found
    assert list(found.secrets.iterdir()) == [], "the licence is still there"


def test_dragen_gets_the_licence_as_a_file_that_is_its_owner_s_alone(licensed: Licensed) -> None:
    ended = licensed.run(licensed.plan())
    assert ended.returncode == 0, ended.stderr
    assert licensed.read("arguments") == "-f -r ref/dragen --lic-credentials licence\n"
    assert licensed.read("credentials") == CREDENTIALS
    assert licensed.read("mode") == "600\n"
    assert Path(licensed.read("place").strip()).parent == licensed.secrets
    assert "licence" not in licensed.read("other"), "it is there while DRAGEN runs alone"
    assert ".lic" not in licensed.read("other")


def test_each_of_two_steps_of_dragen_gets_it(licensed: Licensed) -> None:
    ended = licensed.run(licensed.plan(times=2))
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr.count("dragen: credentials-1=***") == 4
    assert licensed.read("other").count("-a ") == 2
    assert "licence" not in licensed.read("other")


def test_a_dragen_that_takes_no_licence_from_a_file_is_not_started(licensed: Licensed) -> None:
    licensed.lab.tool("dragen", "#!/bin/sh\necho dragen Version 07.021.609.3.9.5\n")
    plan = licensed.plan()
    assert licensed.run(plan).returncode == EXIT_CODES[FailureClass.BAD_PLAN]
    assert "leave DragenLicenceSecretArn empty" in licensed.lab.failure(plan).message


def test_the_licence_is_in_no_environment_log_record_or_result(licensed: Licensed) -> None:
    ended = licensed.run(licensed.plan())
    result = licensed.lab.result()
    assert result is not None
    assert result.commands == ("other -a", "dragen -f -r ref/dragen")
    assert "dragen: credentials-1=***" in ended.stderr, "DRAGEN did say it"
    record = licensed.lab.read(f"{prefix_of('align')}align.json") or b""
    said = [*ended, record.decode(), licensed.read("environments"), licensed.read("runner")]
    assert licensed.read("environments").count("SEQDROP_SECRETS=") == 4  # both, twice
    for text in said:
        assert NAME not in str(text)
        assert PASSWORD not in str(text)
    assert "--lic" not in ended.stdout + ended.stderr + record.decode()
    assert VARIABLE not in licensed.read("environments")


def test_what_fails_takes_the_licence_with_it_and_does_not_name_it(licensed: Licensed) -> None:
    licensed.dragen(then="exit 7")
    plan = licensed.plan()
    ended = licensed.run(plan)
    assert ended.returncode == EXIT_CODES[FailureClass.TOOL_FAILED]
    message = licensed.lab.failure(plan).message
    assert "credentials-2=***" in message
    assert PASSWORD not in message + ended.stdout + ended.stderr
    assert licensed.read("left") == "\0" * len(CREDENTIALS), "removed, not overwritten"


@pytest.mark.parametrize("trap", ["", "trap '' TERM\n"])
def test_a_stop_request_takes_the_licence_with_it(licensed: Licensed, trap: str) -> None:
    licensed.dragen(then=f"{trap}touch {licensed.told}/ready\nwhile :; do sleep 0.1; done")
    process = licensed.lab.start(licensed.plan())
    deadline = time.monotonic() + 30
    while not (licensed.told / "ready").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert len(list(licensed.secrets.iterdir())) == 1
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGTERM
    assert licensed.read("left") == "\0" * len(CREDENTIALS)


def test_a_tool_that_takes_the_licence_away_itself_is_no_fault(licensed: Licensed) -> None:
    licensed.dragen(then='rm "$(readlink -f licence)"')
    assert licensed.run(licensed.plan()).returncode == 0


def test_without_a_licence_dragen_is_told_of_none(licensed: Licensed) -> None:
    del licensed.lab.environment[VARIABLE]
    assert licensed.run(licensed.plan()).returncode == 0
    assert licensed.read("arguments") == "-f -r ref/dragen\n"
    assert not (licensed.told / "credentials").exists()


def test_a_secret_of_the_console_s_form_is_the_same_file(licensed: Licensed) -> None:
    pairs = {"credentials-1": NAME, "credentials-2": PASSWORD}
    licensed.lab.environment[VARIABLE] = json.dumps(pairs)
    assert licensed.run(licensed.plan()).returncode == 0
    assert licensed.read("credentials") == CREDENTIALS


@pytest.mark.parametrize(
    "secret",
    [
        "https://somebody:pa55word@licence.example",
        "pa55word",
        '{"credentials-1": "pa55word", "credentials-2": 7}',
        '{"credentials-1": "pa55word\\ncredentials-3=x"}',
        '{"credentials-1": "pa55word"',
        "credentials-1=pa55word\ncredentials-2=",
        "{}",
    ],
)
def test_a_secret_that_is_no_credentials_file_is_refused_unread(
    licensed: Licensed, secret: str
) -> None:
    licensed.lab.environment[VARIABLE] = secret
    plan = licensed.plan()
    ended = licensed.run(plan)
    failure = licensed.lab.failure(plan)
    assert ended.returncode == EXIT_CODES[FailureClass.BAD_PLAN]
    assert "credentials-1=NAME and credentials-2=PASSWORD" in failure.message
    assert "pa55word" not in failure.message + ended.stdout + ended.stderr
    assert not (licensed.told / "arguments").exists(), "DRAGEN was started all the same"
