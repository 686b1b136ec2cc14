"""Files to and from a bucket: in parts, several at once, every part checked by the bucket."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.progress import Progress

if TYPE_CHECKING:
    from s3transfer.manager import TransferManager

_CHECKED = {"ChecksumAlgorithm": "CRC32", "ChecksumType": "FULL_OBJECT"}
"""Each part's checksum goes with it, and the bucket keeps one of the whole object, which is the
same however the file was cut."""
_AT_ONCE = 10


def upload_all(s3: Any, bucket: str, files: Mapping[str, Path], *, quiet: bool = False) -> None:
    """Puts each file under its key. Ctrl-C ends what is under way, and leaves no part behind."""
    from boto3.s3.transfer import ProgressCallbackInvoker

    total = sum(path.stat().st_size for path in files.values())
    with (
        Progress("uploaded", total, quiet=quiet) as progress,
        transfers(s3) as manager,
    ):
        under_way = [
            manager.upload(
                str(path),
                bucket,
                key,
                extra_args=dict(_CHECKED),
                subscribers=[ProgressCallbackInvoker(progress.advance)],
            )
            for key, path in files.items()
        ]
        for key, transfer in zip(files, under_way, strict=True):
            transfer.result()
            progress.done(f"s3://{bucket}/{key}")


def transfers(s3: Any) -> "TransferManager":
    """What moves files; as a context it waits for all of them, and cancels them on an error."""
    from boto3.s3.transfer import TransferConfig, create_transfer_manager

    return create_transfer_manager(s3, TransferConfig(max_concurrency=_AT_ONCE))
