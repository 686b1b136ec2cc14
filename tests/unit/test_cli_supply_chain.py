"""What an image is built on, the list of its packages, and what ECR's scan found in it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from cli.doctor.account import Account
from cli.faults import CommandFailed
from cli.image_base import pinned_base
from cli.images import Registry
from cli.options import Severity
from cli.shell import Shell
from cli.supply_chain import refuse_findings, write_sboms

DIGEST = "sha256:" + "a" * 64
IMAGE = f"123456789012.dkr.ecr.us-east-1.amazonaws.com/seqdrop/cpu@{DIGEST}"


@dataclass
class Said(Shell):
    """Keeps what it is to run; Docker knows these digests of the base."""

    digests: str = ""
    ran: list[list[str]] = field(default_factory=list)

    def run(self, command: Sequence[str], standard_input: str = "") -> None:
        assert (standard_input == "secret") == ("--password-stdin" in command)
        self.ran.append([*command])

    def output(self, command: Sequence[str]) -> str:
        assert command[:3] == ["docker", "image", "inspect"]
        return self.digests


def dockerfile(folder: Path, text: str = "ARG BASE_IMAGE=debian:bookworm-slim\n") -> Path:
    path = folder / "Dockerfile"
    path.write_text(text)
    return path


@pytest.fixture(autouse=True)
def _no_base_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BASE_IMAGE", raising=False)


@pytest.mark.parametrize(
    ("name", "digests", "base"),
    [
        ("", "debian@sha256:1", "debian@sha256:1"),
        ("lab:5000/debian:12", "debian@sha256:1 lab:5000/debian@sha256:2",
         "lab:5000/debian@sha256:2"),
        ("lab:5000/debian", "lab:5000/debian@sha256:2", "lab:5000/debian@sha256:2"),
        # Docker leaves the registry's own name out.
        ("docker.io/library/debian:12", "debian@sha256:1", "debian@sha256:1"),
    ],
)  # fmt: skip
def test_a_base_is_taken_by_the_digest_of_its_own_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, digests: str, base: str
) -> None:
    if name:
        monkeypatch.setenv("BASE_IMAGE", name)
    shell = Said(digests)
    assert pinned_base(dockerfile(tmp_path), shell) == base
    assert shell.ran == [
        ["docker", "pull", "--platform", "linux/amd64", name or "debian:bookworm-slim"]
    ]


def test_a_base_that_is_named_by_digest_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BASE_IMAGE", f"debian@{DIGEST}")
    shell = Said()
    assert pinned_base(dockerfile(tmp_path), shell) == f"debian@{DIGEST}"
    assert shell.ran == []


def test_a_base_without_a_digest_and_no_base_at_all_are_told(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="debian:bookworm-slim has no digest: push it to a reg"):
        pinned_base(dockerfile(tmp_path), Said())
    with pytest.raises(CommandFailed, match="has no base of its own: name yours in BASE_IMAGE"):
        pinned_base(dockerfile(tmp_path, "ARG BASE_IMAGE\n"), Said())


def client() -> Any:
    make: Any = boto3.client
    return make("ecr", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")


def scanned(*answers: dict[str, Any] | None) -> tuple[Account, Stubber]:
    """An account whose ECR gives these answers about one image; None where no scan has begun."""
    ecr = client()
    stub = Stubber(ecr)
    for answer in answers:
        if answer is None:
            stub.add_client_error("describe_image_scan_findings", "ScanNotFoundException")
        else:
            asked = {"repositoryName": "seqdrop/cpu", "imageId": {"imageDigest": DIGEST}}
            stub.add_response("describe_image_scan_findings", answer, asked)
    return Account(lambda _: ecr, "us-east-1"), stub


def scan(status: str, **counts: int) -> dict[str, Any]:
    found = {"findingSeverityCounts": counts}
    return {"imageScanStatus": {"status": status}, "imageScanFindings": found}


def test_an_image_with_a_severe_finding_is_refused_with_its_name_and_counts() -> None:
    account, stub = scanned(scan("COMPLETE", CRITICAL=1, HIGH=3, LOW=9))
    with stub, pytest.raises(CommandFailed, match="cpu has 3 high, 1 critical findings") as told:
        refuse_findings({"cpu": IMAGE}, Severity.HIGH, account)
    assert IMAGE in str(told.value)


def test_less_severe_findings_stop_nothing_and_the_scan_is_waited_for() -> None:
    quiet = scan("COMPLETE", HIGH=2, UNDEFINED=5, INFORMATIONAL=1)
    account, stub = scanned(None, scan("IN_PROGRESS"), scan("PENDING"), quiet)
    waited: list[float] = []
    with stub:
        refuse_findings({"cpu": IMAGE}, Severity.CRITICAL, account, wait=waited.append)
    assert len(waited) == 3
    stub.assert_no_pending_responses()


@pytest.mark.parametrize("status", ["FAILED", "UNSUPPORTED_IMAGE", "SCAN_ELIGIBILITY_EXPIRED"])
def test_an_image_that_was_not_scanned_is_refused(status: str) -> None:
    account, stub = scanned(scan(status))
    with stub, pytest.raises(CommandFailed, match=f"its scan is {status}"):
        refuse_findings({"cpu": IMAGE}, Severity.LOW, account)


def test_a_scan_without_an_end_is_not_waited_for_for_ever() -> None:
    account, stub = scanned(*[scan("IN_PROGRESS")] * 60)
    with stub, pytest.raises(CommandFailed, match="its scan is IN_PROGRESS"):
        refuse_findings({"cpu": IMAGE}, Severity.LOW, account, wait=lambda _: None)


def test_each_image_has_a_list_of_its_packages(tmp_path: Path) -> None:
    class Ecr:
        def get_authorization_token(self) -> Any:
            return {"authorizationData": [{"authorizationToken": "QVdTOnNlY3JldA=="}]}

    registry = Registry(Account(lambda _: Ecr(), "us-east-1"), "123456789012")
    shell = Said()
    write_sboms({"cpu": IMAGE}, tmp_path / "lists", registry, shell)
    assert (tmp_path / "lists").is_dir()
    assert shell.ran[0] == ["make", ".venv-syft/.ready"]
    assert shell.ran[2] == ["docker", "pull", IMAGE]
    file = tmp_path / "lists" / "cpu-aaaaaaaaaaaa.spdx.json"
    assert shell.ran[3][-3:] == [f"docker:{IMAGE}", "--output", f"spdx-json={file}"]
    assert "secret" not in str(shell.ran)
