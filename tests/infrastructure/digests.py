"""A digest of each resource that a stack gets, to see what a change of the template changes.

``python -m tests.infrastructure.digests`` writes them anew: the difference in version control then
names the resources that a deployment will touch.
"""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from tests.infrastructure.stack import made

STORED = Path(__file__).with_name("digests.json")
DEPLOYMENTS: list[dict[str, str]] = [
    {"SubnetIds": "subnet-1", "SecurityGroupIds": "sg-1"},
    {"EnableFpga": "true", "SubnetIds": "subnet-1", "SecurityGroupIds": "sg-1"},
    {
        "EnableFpga": "true",
        **{f"Image{number}": f"i{number}=lab/i@sha256:{number}" for number in range(1, 9)},
        "FpgaGenomeDragenFrom": "host",
        "FpgaExomeDragenFrom": "host",
        "DragenLicences": "4",
        "DragenLicenceSecretArn": "arn:secret",
        "DragenSoftwareLicenceSecretArn": "arn:other-secret",
        "DragenLicenceKmsKeyArn": "arn:licence-key",
        "CreateNetwork": "true",
        "NetworkZones": "us-east-1a,us-east-1b",
        "ScratchGib": "500",
        "KmsKeyArn": "arn:key",
        "UploadsExpireDays": "30",
        "AuditObjectLock": "COMPLIANCE",
        "NextflowImage": "lab/nextflow@sha256:9",
    },
]
"""Small, with FPGA, and with all that can be chosen."""


def digests() -> dict[str, dict[str, str]]:
    """Type and digest of each resource by its logical id, over all of these deployments."""
    stacks = [_without_code(made(**parameters)) for parameters in DEPLOYMENTS]
    names = sorted({name for stack in stacks for name in stack})
    found = {}
    for name in names:
        each = [stack.get(name) for stack in stacks]
        (kind,) = {resource["Type"] for resource in each if resource}
        text = json.dumps(each, sort_keys=True)
        found[name] = {"type": kind, "digest": hashlib.sha256(text.encode()).hexdigest()[:12]}
    return found


def _without_code(stack: dict[str, Any]) -> dict[str, Any]:
    """A layer's logical id ends with a hash of where its code is."""
    text = re.sub(r"(CoreLayer|PipelinesLayer)[0-9a-f]{10}", r"\1", json.dumps(stack))
    bare: dict[str, Any] = json.loads(text)
    return bare


if __name__ == "__main__":
    STORED.write_text(json.dumps(digests(), indent=1) + "\n")
