"""Secrets of a container: variables whose values come from Secrets Manager when it starts."""

import json
from collections.abc import Mapping

from moto.secretsmanager.exceptions import SecretsManagerClientError
from moto.secretsmanager.models import secretsmanager_backends

_ARN_PARTS = 7  # arn:aws:secretsmanager:region:account:secret:name; then :json-key:stage:version


class SecretNotRead(Exception):
    """A secret can't be had, so that the whole task stops; in the words of ECS' agent on EC2."""

    def __init__(self, place: str, region: str, why: str) -> None:
        """``why`` begins with the name of AWS's error, if there is one."""
        super().__init__(
            f"Fetching secret data from AWS Secrets Manager in region {region}: "
            f"secret {secret_arn(place)}: {why}"
        )


def secret_values(secrets: Mapping[str, str], account: str, region: str) -> dict[str, str]:
    """The variables with their values; SecretNotRead where a secret can't be read, as on ECS."""
    return {name: _value(place, account, region) for name, place in secrets.items()}


def secret_arn(place: str) -> str:
    """The ARN of a secret in a definition, without the key, stage and version that may follow."""
    return ":".join(place.split(":")[:_ARN_PARTS])


def whole_arn(place: str, account: str, region: str) -> str:
    """A secret's own ARN, which grants are held against; a definition may leave out its end."""
    found = secretsmanager_backends[account][region].secrets.get(secret_arn(place))
    return str(found.arn) if found else secret_arn(place)


def _value(place: str, account: str, region: str) -> str:
    parts = place.split(":")
    key, stage, version = [*parts[_ARN_PARTS:], "", "", ""][:3]
    if parts[2:3] != ["secretsmanager"]:
        raise SecretNotRead(place, region, "it is no secret of Secrets Manager")
    backend = secretsmanager_backends[account][region]
    try:
        answer = backend.get_secret_value(secret_arn(place), version, stage)
    except SecretsManagerClientError as refusal:
        why = f"{refusal.error_type}: {refusal.message}"
        raise SecretNotRead(place, region, why) from refusal
    if "SecretString" not in answer:
        raise SecretNotRead(place, region, "it holds binary, and a variable takes text")
    text = str(answer["SecretString"])
    return _member(text, key, place, region) if key else text


def _member(text: str, key: str, place: str, region: str) -> str:
    try:
        return str(json.loads(text)[key])
    except (ValueError, TypeError, KeyError) as error:
        why = f"retrieved secret from Secrets Manager did not contain json key {key}"
        raise SecretNotRead(place, region, why) from error
