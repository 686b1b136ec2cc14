"""A disk that is full while objects are put: a small one, in a mount namespace of its own."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.lab import PROJECT

MOUNT = 'mount -t tmpfs -o size=20m tmpfs "$0" && exec "$@"'
START = """
import json, logging, os, sys, tempfile
from pathlib import Path
import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from boto3.s3.transfer import TransferConfig
from local import s3_bodies, s3_events
from local.endpoint import Endpoint

disk = Path(sys.argv[1])
tempfile.tempdir = str(disk)
said = []
class Said(logging.Handler):
    def emit(self, record):
        said.append(record.getMessage())
logging.basicConfig(level=logging.ERROR, handlers=[Said()])
events = []
s3_events.put_event = lambda *_, detail, **__: events.append(detail["object"]["key"])
s3_events.install()
if "stock" not in sys.argv:
    s3_bodies.install()
endpoint = Endpoint(0)
endpoint.start()
session = boto3.Session("local", "local", region_name="us-east-1")
s3 = session.client("s3", endpoint_url=endpoint.url)
s3.create_bucket(Bucket="bucket")
s3.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})
s3.put_bucket_notification_configuration(
    Bucket="bucket", NotificationConfiguration={"EventBridgeConfiguration": {}}
)

def attempt(call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        answer = error.response
        return [answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"],
                answer["Error"]["Message"], answer["ResponseMetadata"]["RetryAttempts"]]
    return "ok"

def keys():
    return [each["Key"] for each in s3.list_objects_v2(Bucket="bucket").get("Contents", [])]

def fill(free):
    usage = os.statvfs(disk)
    with (disk / "filler").open("wb") as filler:
        os.posix_fallocate(filler.fileno(), 0, usage.f_bavail * usage.f_frsize - free)
"""


def on_a_small_disk(tmp_path: Path, script: str, *arguments: str) -> Any:
    """What a script prints that runs with a disk of 20 MiB."""
    if not shutil.which("unshare"):
        pytest.skip("needs unshare(1)")
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["unshare", "-rm", "sh", "-c", MOUNT, str(disk)]
    if subprocess.run([*command, "true"], capture_output=True, check=False).returncode:
        pytest.skip("may mount nothing in a namespace of its own")
    ended = subprocess.run(
        [*command, sys.executable, "-c", START + script, str(disk), *arguments],
        cwd=PROJECT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    return json.loads(ended.stdout)


def test_an_object_that_finds_no_room_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    script = """
body = os.urandom(17 << 20)  # moto keeps 5 MiB in memory
fill(8 << 20)
found = {"first": attempt(s3.put_object, Bucket="bucket", Key="x", Body=body)}
found |= {"keys": keys(), "events": list(events), "said": list(said)}
found["free"] = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
found["small"] = attempt(s3.put_object, Bucket="bucket", Key="small", Body=b"is in memory")
(disk / "filler").unlink()
found["second"] = attempt(s3.put_object, Bucket="bucket", Key="x", Body=body)
found["same"] = s3.get_object(Bucket="bucket", Key="x")["Body"].read() == body
found["then"] = [keys(), events]
print(json.dumps(found))
"""
    found = on_a_small_disk(tmp_path, script)
    status, code, message, retries = found["first"]
    assert (status, code, retries) == (507, "InsufficientStorage", 0)
    where = rf"{tmp_path}/disk \(the disk at {tmp_path}/disk has \d MiB free\)"
    told = f"no space is left for {where}: make space there, then do this again"
    assert re.fullmatch(told, message)
    assert (found["keys"], found["events"]) == ([], [])
    assert found["said"] == [f"PUT /bucket/x: {message}"]
    assert found["free"] >= 8 << 20, "what was written of it is gone"
    assert (found["small"], found["second"], found["same"]) == ("ok", "ok", True)
    assert found["then"] == [["small", "x"], ["small", "x"]]


def test_an_upload_in_parts_that_finds_no_room_is_refused_and_works_again(tmp_path: Path) -> None:
    script = """
body = os.urandom(17 << 20)
import io
fill(8 << 20)
once = TransferConfig(max_concurrency=3)
def send():
    s3.upload_fileobj(io.BytesIO(body), "bucket", "x", Config=once)
found = {"first": attempt(send), "keys": keys(), "events": list(events)}
found["left"] = s3.list_multipart_uploads(Bucket="bucket").get("Uploads", [])
(disk / "filler").unlink()
found["second"] = attempt(send)
found["same"] = s3.get_object(Bucket="bucket", Key="x")["Body"].read() == body
found["then"] = [keys(), events]
print(json.dumps(found))
"""
    found = on_a_small_disk(tmp_path, script)
    assert found["first"][:2] == [507, "InsufficientStorage"]
    assert (found["keys"], found["events"], found["left"]) == ([], [], [])
    assert (found["second"], found["same"]) == ("ok", True)
    assert found["then"] == [["x"], ["x"]]


def test_what_was_written_of_an_object_without_room_is_given_back(tmp_path: Path) -> None:
    """Stock moto keeps it. Fails once it does not: `s3_bodies` may then go."""
    script = """
free = lambda: os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize >> 20
before = free()
attempt(s3.put_object, Bucket="bucket", Key="x", Body=os.urandom(21 << 20))
print(json.dumps([before, free()]))
"""
    before, after = on_a_small_disk(tmp_path, script, "stock")
    assert after < before, "moto gives back what it took: s3_bodies can go"
    (tmp_path / "disk").rmdir()
    before, after = on_a_small_disk(tmp_path, script)
    assert after == before
