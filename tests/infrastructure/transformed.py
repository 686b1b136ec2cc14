"""Writes the template as SAM's transform leaves it, for scanners that know CloudFormation only."""

import json
import sys
from pathlib import Path

from tests.infrastructure.stack import transformed


def main(target: Path) -> None:
    """Transforms offline: code is anywhere, since nobody looks at it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(transformed(), indent=1))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
