"""The program that looks after a Batch host, run as it is."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.host_support import FACTS, NOTICE, PROGRAM, TIME, Machine, machine

DRAINED = "UpdateContainerInstancesState arn:c/1 DRAINING"
RECLAIMED = {**FACTS, "reclaimed": TIME}


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Machine]:
    with machine(tmp_path) as one:
        yield one


def ended(name: str) -> str:
    """A container was asked to end, and could read by then that EC2 takes its host back."""
    return f"stop {name} {json.dumps(RECLAIMED)}"


def test_jobs_read_what_host_they_are_on(host: Machine) -> None:
    host.start_container("a")
    with host.program():
        host.until(host.host_file.exists)
        host.look_again()
    assert host.reads() == FACTS
    assert host.host_file.stat().st_mode & 0o777 == 0o644
    assert (host.told, host.containers) == ([], {"a"})


def test_a_host_on_demand_is_not_asked_for_a_notice(host: Machine) -> None:
    host.metadata["meta-data/instance-life-cycle"] = "on-demand"
    with host.program():
        host.until(host.host_file.exists)
        before = host.looks
        host.start_container("a")
        host.request.touch()
        host.until(lambda: DRAINED in host.told)
    assert host.looks == before
    assert host.reads()["market"] == "on-demand"


def test_at_a_notice_ecs_sends_no_more_and_the_jobs_end(host: Machine) -> None:
    """In this order: what is ended is tried again at once, and may not come back here."""
    host.start_container("a")
    host.start_container("b")
    host.start_container("other", reads=False)  # of a workflow's own job definition
    with host.program():
        host.until(host.host_file.exists)
        host.take_back()
        host.until(lambda: host.containers == {"other"})
    assert host.told == [DRAINED, ended("a"), ended("b")]
    assert host.reads() == RECLAIMED


def test_what_comes_after_the_notice_ends_too_and_each_is_asked_once(host: Machine) -> None:
    host.take_back()
    with host.program():
        host.until(lambda: DRAINED in host.told)
        for name in ("a", "b"):
            host.start_container(name)
            host.until(lambda: not host.containers)
    assert host.told == [DRAINED, ended("a"), ended("b")]


def test_what_docker_could_not_end_is_asked_again(host: Machine) -> None:
    host.broken_docker.touch()
    host.start_container("a")
    host.take_back()
    with host.program():
        host.until(lambda: host.told.count(ended("a")) >= 2)
        host.broken_docker.unlink()
        host.until(lambda: not host.containers)


def test_jobs_end_where_ecs_refuses_and_ecs_is_asked_again(host: Machine) -> None:
    host.refuses = True
    host.start_container("a")
    host.take_back()
    with host.program():
        host.until(lambda: not host.containers and host.told.count(DRAINED) >= 2)
        host.refuses = False
        host.until(lambda: "ECS sends no more tasks here" in host.journal)
    assert host.told[0] == DRAINED
    assert host.told.count(ended("a")) == 1
    assert "draining failed: <HTTPError 400" in host.journal


@pytest.mark.parametrize(
    "text", ["", "{", "null", "[]", "{}", '{"action": "rebalance", "time": ""}', "<html>"]
)
def test_what_is_no_notice_ends_nothing(host: Machine, text: str) -> None:
    host.metadata[NOTICE] = text
    host.start_container("a")
    with host.program():
        host.until(lambda: host.looks >= 3)
    assert (host.told, host.reads()) == ([], FACTS)
    host.take_back()
    with host.program():
        host.until(lambda: not host.containers)


def test_metadata_that_refuse_tokens_are_asked_until_they_give_one(host: Machine) -> None:
    host.no_tokens = True
    host.start_container("a")
    host.take_back()
    with host.program():
        host.until(lambda: host.journal.count("asking for a notice failed: <HTTPError 403") >= 2)
        assert (host.told, host.containers, host.host_file.exists()) == ([], {"a"}, False)
        host.no_tokens = False
        host.until(lambda: not host.containers)
    assert host.told == [DRAINED, ended("a")]


def test_a_token_that_has_ended_is_replaced(host: Machine) -> None:
    with host.program():
        host.until(host.host_file.exists)
        host.tokens = set()
        host.until(lambda: bool(host.tokens))
        host.take_back()
        host.until(lambda: DRAINED in host.told)
    assert "failed" not in host.journal


@pytest.mark.parametrize("text", ["the board does not work\n", "", "\x00\xff"])
def test_a_host_that_a_job_gives_up_drains_and_ends_after_its_jobs(
    host: Machine, text: str
) -> None:
    """However little of the request was written: its writer may have died over it."""
    host.start_container("a")
    host.start_container("other", reads=False)
    with host.program():
        host.until(host.host_file.exists)
        host.request.write_text(text)
        host.until(lambda: DRAINED in host.told)
        host.end_container("a")
        host.look_again(20)  # more than the shortest time without jobs
        assert host.told == [DRAINED]
        host.end_container("other")
        host.until(lambda: "shutdown -h now" in host.told)
    assert host.told[:2] == [DRAINED, "shutdown -h now"]
    assert host.reads() == FACTS  # EC2 does not take it back


def test_a_host_that_ecs_does_not_drain_ends_all_the_same(host: Machine) -> None:
    host.agent = {"Cluster": "c", "ContainerInstanceArn": None}
    host.refuses = True
    host.request.touch()
    with host.program():
        host.until(lambda: "shutdown -h now" in host.told)


def test_killed_and_started_again_it_goes_on(host: Machine) -> None:
    host.broken_docker.touch()
    host.start_container("a")
    host.take_back()
    with host.program():
        host.until(lambda: ended("a") in host.told)
    host.broken_docker.unlink()
    with host.program():
        host.until(lambda: not host.containers)
    assert host.reads() == RECLAIMED
    assert host.told.count(DRAINED) == 2  # which changes nothing


def test_a_file_that_it_died_over_is_written_anew(host: Machine) -> None:
    (host.folder / "host/.host.json.new").write_text('{"instance_id": "i-0')
    with host.program():
        host.until(host.host_file.exists)
    assert host.reads() == FACTS


def test_ecs_takes_what_it_is_asked(tmp_path: Path, endpoint: str) -> None:
    """By moto's ECS, which does not look at signatures: see the unit tests."""
    keys: Any = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
    known: Any = {"endpoint_url": endpoint, "region_name": "us-east-1", **keys}
    ecs: Any = boto3.client("ecs", **known)
    ec2: Any = boto3.client("ec2", **known)
    ecs.create_cluster(clusterName="c")
    started = ec2.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1)
    document = json.dumps({"instanceId": started["Instances"][0]["InstanceId"]})
    joined = ecs.register_container_instance(cluster="c", instanceIdentityDocument=document)
    arn = joined["containerInstance"]["containerInstanceArn"]

    def status() -> str:
        answer = ecs.describe_container_instances(cluster="c", containerInstances=[arn])
        return str(answer["containerInstances"][0]["status"])

    assert status() == "ACTIVE"
    with machine(tmp_path / "host", f"{endpoint}/") as host:
        host.agent["ContainerInstanceArn"] = arn
        host.take_back()
        with host.program():
            host.until(lambda: "ECS sends no more tasks here" in host.journal)
    assert status() == "DRAINING"


def test_it_is_python_3_6_and_nothing_else() -> None:
    """As RHEL 8 has it for its own tools; hosts of user data get it in ASCII."""
    text = PROGRAM.read_text("ascii")
    tree = ast.parse(text, feature_version=(3, 6))
    modules = {
        alias.name.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    } | {
        str(node.module).partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
    }
    assert modules == {
        "argparse", "collections", "hashlib", "hmac", "http", "json", "pathlib", "subprocess",
        "sys", "time", "urllib",
    }  # fmt: skip
