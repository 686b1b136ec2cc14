"""Writes the template as SAM's transform leaves it, for scanners that know CloudFormation only."""

import json
import os
import sys
from pathlib import Path

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

_TEMPLATE = Path(__file__).resolve().parents[2] / "template.yaml"
_CODE = ("CodeUri", "ContentUri", "DefinitionUri")


class _NoManagedPolicies:
    def load(self) -> dict[str, str]:
        return {}


def main(target: Path) -> None:
    """Transforms offline: code is anywhere, since nobody looks at it."""
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")  # samtranslator asks boto3 for it
    source = yaml_parse(_TEMPLATE.read_text("utf-8"))
    for resource in source["Resources"].values():
        for name in _CODE:
            if name in resource.get("Properties", {}):
                resource["Properties"][name] = "s3://code/package"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(transform(source, {}, _NoManagedPolicies()), indent=1))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
