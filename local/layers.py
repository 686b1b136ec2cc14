"""Lambda's layers: what moto leaves out of them.

What is rebound in moto, and why (a test in `tests/integration/test_local_layers.py` shows stock
moto's fault):

| rebound | stock moto |
|---|---|
| `LayerVersion.get_layer_version` | says that a layer's content is at `s3://` |
| `LayerVersion.physical_resource_id` | CloudFormation knows layers by no id |
"""

from pathlib import Path
from typing import Any

from moto.awslambda.models import LayerVersion

_stock_get_layer_version = LayerVersion.get_layer_version


def install(project: Path) -> None:
    """A layer is the folder that functions have on their path, as it is now: no archive of it."""

    def get_layer_version(self: Any) -> dict[str, Any]:
        answer: dict[str, Any] = _stock_get_layer_version(self)
        if key := self.content.get("S3Key"):
            answer["Content"]["Location"] = (project / key).resolve().as_uri()
        return answer

    LayerVersion.get_layer_version = get_layer_version
    LayerVersion.physical_resource_id = property(lambda self: self.arn)


def uninstall() -> None:
    """Gives moto its own back."""
    LayerVersion.get_layer_version = _stock_get_layer_version
    if "physical_resource_id" in vars(LayerVersion):
        del LayerVersion.physical_resource_id
