"""Copies of a sample's reads in a work folder of the bucket, for tools that read from S3 alone.

S3 makes them itself, of the very versions that are checked: a path in S3 names no version.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from botocore.exceptions import ClientError

from runner.faults import StageFault
from runner.objects import Objects, is_gone, transfers
from runner.streaming.mates import Mate
from seqdrop.domain.failure import FailureClass
from seqdrop.domain.identity import ObjectName
from seqdrop.domain.plan import StoredObject

PART_BYTES = 512 * 2**20
"""Larger objects are copied in parts; S3 copies at most 5 GiB at once."""
_MARK = "copied-from"
_ODD = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(frozen=True)
class ReadCopies:
    """The copies of all mates of a stage, below one key."""

    folder: ObjectName
    """The bucket, and what the copies' keys begin with."""
    objects: Objects

    def place(self, number: int, mate: Mate) -> ObjectName:
        """Where the copy of a mate is: of the pair of this number, without odd characters."""
        lane = _ODD.sub("_", mate.pair.id)
        key = f"{self.folder.key}{number}.{lane}_{mate.read}.fastq.gz"
        return ObjectName(self.folder.bucket, key)

    def task(self, number: int, mate: Mate) -> Callable[[], None]:
        """What makes the copy, unless it is there."""
        return partial(self._copy, mate.stored, self.place(number, mate))

    def _copy(self, stored: StoredObject, to: ObjectName) -> None:
        """A copy that is there already keeps its time, by which Nextflow knows it again."""
        source = {"Bucket": stored.bucket, "Key": stored.key}
        if stored.version_id:
            source["VersionId"] = stored.version_id
        named = f"{stored.bucket}/{stored.key}?{stored.version_id or stored.checksum}"
        mark = hashlib.sha256(named.encode()).hexdigest()
        if self._is_there(to, mark, stored.size):
            return
        with transfers(f"copying s3://{stored.bucket}/{stored.key} to {to.uri}"):
            try:
                self._transfer(source, to, mark)
            except ClientError as error:
                if is_gone(error):
                    raise StageFault(
                        FailureClass.BAD_INPUT,
                        f"s3://{stored.bucket}/{stored.key} (version {stored.version_id}) is gone",
                    ) from error
                raise
        if not self._is_there(to, mark, stored.size):
            message = f"{to.uri} is not the copy of s3://{stored.bucket}/{stored.key}"
            raise StageFault(FailureClass.TRANSFER_FAILED, message)

    def _transfer(self, source: dict[str, str], to: ObjectName, mark: str) -> None:
        from s3transfer.manager import TransferConfig, TransferManager

        config = TransferConfig(multipart_threshold=PART_BYTES, multipart_chunksize=PART_BYTES)
        # Neither metadata nor tags of the upload: they may say something of the patient.
        given = {
            "Metadata": {_MARK: mark},
            "MetadataDirective": "REPLACE",
            "TaggingDirective": "REPLACE",
        }
        with TransferManager(self.objects.client, config) as manager:
            manager.copy(source, to.bucket, to.key, extra_args=given).result()

    def _is_there(self, place: ObjectName, mark: str, size: int) -> bool:
        with transfers(f"looking for {place.uri}"):
            try:
                found = self.objects.client.head_object(Bucket=place.bucket, Key=place.key)
            except ClientError as error:
                if is_gone(error):
                    return False
                raise
        return found["Metadata"].get(_MARK) == mark and found["ContentLength"] == size
