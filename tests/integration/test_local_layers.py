"""Layers of the embedded runtime: known to CloudFormation, and to be had."""

import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.statemachine.bench import ASSAYS, QUICK, open_bench

EMPTY_ZIP = b"PK\5\6" + bytes(18)


def test_the_layer_of_pipelines_is_the_folder_that_functions_read(tmp_path: Path) -> None:
    from cli.deployed_library import deployed_library
    from cli.stack import find_stack

    with open_bench(tmp_path) as bench, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", bench.lab.runtime.url)
        with deployed_library(find_stack()) as known:
            assert known.doubt == ""
            assert known.library.default_assay == "quick"
            assert known.library.pipeline_names() == ["quick"]
        pipelines = tmp_path / "project/pipelines"
        assert (pipelines / "assays.yaml").read_text() == ASSAYS
        assert (pipelines / "quick.yaml").read_text() == QUICK


def test_stock_moto_gives_layers_no_id_and_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """When this fails, `local/layers.py` is needed no more."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        session: Any = boto3.Session(region_name="us-east-1")
        s3, made, layers = map(session.client, ("s3", "cloudformation", "lambda"))
        s3.create_bucket(Bucket="code")
        s3.put_object(Bucket="code", Key="layer", Body=EMPTY_ZIP)
        content = {"S3Bucket": "code", "S3Key": "layer"}
        layer = {"Type": "AWS::Lambda::LayerVersion", "Properties": {"Content": content}}
        made.create_stack(StackName="s", TemplateBody=json.dumps({"Resources": {"Layer": layer}}))
        [found] = made.list_stack_resources(StackName="s")["StackResourceSummaries"]
        assert found["PhysicalResourceId"] == ""
        name = layers.list_layers()["Layers"][0]["LayerName"]
        there = layers.get_layer_version(LayerName=name, VersionNumber=1)
        assert there["Content"]["Location"] == "s3://"
