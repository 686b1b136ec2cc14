"""Says of a built core layer what Lambda would not take, or would start slowly with."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

LARGEST_BYTES = 15 * 1024 * 1024
_NEEDED = ("seqdrop", "msgspec", "aws_lambda_powertools", "yaml")
_RUNTIMES_OWN = ("boto3", "botocore")
_NATIVE = re.compile(r"\.cpython-313-aarch64-linux-gnu\.so$|\.abi3\.so$")


def faults(layer: Path) -> Iterator[str]:
    """What is wrong with a layer's folder, as `sam build` left it."""
    packages = layer / "python"
    for name in _NEEDED:
        if not (packages / name).is_dir():
            yield f"{name} is not in it"
    for name in _RUNTIMES_OWN:
        if (packages / name).exists():
            yield f"{name} is in it: the runtime has its own"
    size = sum(path.stat().st_size for path in layer.rglob("*") if path.is_file())
    if size > LARGEST_BYTES:
        yield f"it has {size / 2**20:.1f} MiB: at most {LARGEST_BYTES / 2**20:.0f}"
    native = sorted(packages.rglob("*.so"))
    if not any(path.parent.name == "msgspec" for path in native):
        yield "msgspec has no native part"
    for path in native:
        if not _NATIVE.search(path.name):
            yield f"{path.name} is not for Python 3.13 on arm64"


def main(layer: Path) -> None:
    """Ends with 1 where anything is wrong."""
    found = list(faults(layer))
    for fault in found:
        sys.stderr.write(f"{layer}: {fault}\n")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
