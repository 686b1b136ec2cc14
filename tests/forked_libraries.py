"""What the server that ``tests.forks`` forks from loads, once, by importing this module."""

import pkgutil
from importlib import import_module

import cli
from tests.service_models import read_service_models, share_service_models

share_service_models()
read_service_models("s3", "dynamodb", "cloudformation", "sqs", "stepfunctions", "batch", "logs")
_COMMANDS = (f"cli.{found.name}" for found in pkgutil.iter_modules(cli.__path__))
_AWS = ("boto3", "boto3.s3.transfer", "botocore.endpoint", "botocore.httpsession")
for _name in (*_AWS, "runner.main", *_COMMANDS):
    import_module(_name)
