"""The template's loops and SAM's transform, done once for each text of it.

Importing the translator and running it takes a third of the runtime's start.
"""

import hashlib
import json
import os
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import uuid4

from infrastructure.expansion import expand

CODE_BUCKET = "seqdrop-local-code"
_CODE_PROPERTIES = ("CodeUri", "ContentUri", "DefinitionUri")


def transformed(text: str, region: str) -> dict[str, Any]:
    """The CloudFormation template that a SAM template stands for."""
    kept = _place_of(text)
    with suppress(OSError):  # it is not there, or no place is
        body: dict[str, Any] = json.loads(kept.read_text("utf-8"))
        return body
    body = _transform(text, region)
    with suppress(OSError):  # no place to keep it: it is made anew next time
        kept.parent.mkdir(parents=True, exist_ok=True)
        part = kept.with_name(f"{kept.name}.{uuid4().hex[:8]}")
        part.write_text(json.dumps(body), "utf-8")
        part.replace(kept)
    return body


def _place_of(text: str) -> Path:
    """A file for this text, this translator and this code: another of them is another file.

    The code is all that lies here, since the text may name some of it.
    """
    files = sorted(path for path in Path(__file__).parent.rglob("*") if path.is_file())
    code = [path.read_text("utf-8") for path in files if "__pycache__" not in path.parts]
    decides = [text, version("aws-sam-translator"), *code]
    digest = hashlib.sha256("\0".join(decides).encode()).hexdigest()[:24]
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "seqdrop" / "templates" / f"{digest}.json"


def _transform(text: str, region: str) -> dict[str, Any]:
    from samtranslator.translator.transform import transform
    from samtranslator.yaml_helper import yaml_parse

    os.environ.setdefault("AWS_DEFAULT_REGION", region)  # samtranslator asks boto3 for it
    source = expand(yaml_parse(text))
    for resource in source["Resources"].values():
        properties = resource.get("Properties", {})
        for name in _CODE_PROPERTIES:
            if name in properties:
                properties[name] = f"s3://{CODE_BUCKET}/{str(properties[name]).rstrip('/')}"
    body: dict[str, Any] = transform(source, {}, _NoManagedPolicies())
    return body


class _NoManagedPolicies:
    def load(self) -> dict[str, str]:
        return {}
