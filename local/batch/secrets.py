"""Secrets of a container: variables whose values come from Secrets Manager when it starts."""

import json
from collections.abc import Mapping

from moto.secretsmanager.exceptions import SecretsManagerClientError
from moto.secretsmanager.models import secretsmanager_backends

from local.batch.process import CannotStart

_ARN_PARTS = 7  # arn:aws:secretsmanager:region:account:secret:name; then :json-key:stage:version


def secret_values(secrets: Mapping[str, str], account: str, region: str) -> dict[str, str]:
    """The variables with their values; CannotStart where a secret can't be read, as on ECS."""
    return {name: _value(place, account, region) for name, place in secrets.items()}


def secret_arn(place: str) -> str:
    """The ARN of a secret in a definition, without the key, stage and version that may follow."""
    return ":".join(place.split(":")[:_ARN_PARTS])


def _value(place: str, account: str, region: str) -> str:
    parts = place.split(":")
    key, stage, version = [*parts[_ARN_PARTS:], "", "", ""][:3]
    if parts[2:3] != ["secretsmanager"]:
        raise CannotStart(f"ResourceInitializationError: {place} is no secret of Secrets Manager")
    backend = secretsmanager_backends[account][region]
    try:
        answer = backend.get_secret_value(secret_arn(place), version, stage)
    except SecretsManagerClientError as refusal:
        raise CannotStart(
            f"ResourceInitializationError: unable to pull secrets: {place}: {refusal}"
        ) from refusal
    text = str(answer["SecretString"])
    return str(json.loads(text)[key]) if key else text
