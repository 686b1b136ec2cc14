"""One clear line for everything that a command may meet outside of itself."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from seqdrop.disk import describe, is_full
from seqdrop.domain.errors import SeqdropError

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

_CODES_OF_THE_RUNTIME = {"NotImplemented", "InsufficientStorage"}
"""With these the embedded runtime says what it lacks, in words of its own."""
_CREDENTIAL_CODES = {
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "RequestExpired",
}


NO_CREDENTIALS = (
    "there are no AWS credentials: log in (`aws configure sso`, then `aws sso login`; or `aws "
    "configure`), and name the profile in AWS_PROFILE unless it is the default one"
)
"""For commands that can only mean the cloud."""


class CommandFailed(SeqdropError):
    """A command can't do what it was asked to; the message says why."""


def expected_faults() -> tuple[type[Exception], ...]:
    """What commands may raise. AWS' libraries are loaded only where something was raised."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    return SeqdropError, BotoCoreError, ClientError, Boto3Error, OSError


def explain(error: BaseException) -> str:
    """What went wrong, in one line."""
    if not isinstance(error, SeqdropError):
        for cause in _causes(error):
            if line := _of_aws(cause):
                return line
    if isinstance(error, OSError):
        return _of_files(error)
    return " ".join(str(error).split()) or type(error).__name__


def _of_aws(error: BaseException) -> str:
    """What AWS, or the way there, has to say; "" where it is about something else."""
    from botocore.exceptions import (
        ClientError,
        ConnectionError,  # noqa: A004  # botocore's own: of connections that never were
        CredentialRetrievalError,
        HTTPClientError,
        NoCredentialsError,
        NoRegionError,
        PartialCredentialsError,
    )

    if isinstance(error, ClientError):
        return _refused(error)
    if isinstance(error, (NoCredentialsError, PartialCredentialsError)):
        return (
            f"{NO_CREDENTIALS}; or set AWS_ENDPOINT_URL to the endpoint that `seqdrop local up` "
            "prints"
        )
    if isinstance(error, NoRegionError):
        return (
            "neither an endpoint nor a region is set: set AWS_ENDPOINT_URL to the endpoint that "
            "`seqdrop local up` prints; or, for a stack in the cloud, AWS_REGION"
        )
    if isinstance(error, CredentialRetrievalError):
        return " ".join(str(error).split())
    return _unreachable(error) if isinstance(error, (ConnectionError, HTTPClientError)) else ""


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """What an error of AWS' libraries was made of: the first cause says it best."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _refused(error: "ClientError") -> str:
    details = error.response["Error"]
    code, message = details.get("Code", "unknown"), " ".join(details.get("Message", "").split())
    asked = error.operation_name
    if code in _CODES_OF_THE_RUNTIME:
        return f"{asked}: {message}"
    if code in _CREDENTIAL_CODES:
        return f"AWS does not take these credentials ({code}): {message} (log in again?)"
    return f"AWS refuses {asked} ({code}): {message}"


def _unreachable(error: BaseException) -> str:
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    if endpoint:
        return f"nothing answers at {endpoint} (AWS_ENDPOINT_URL): is `seqdrop local up` running?"
    said = " ".join(str(error).split())
    return f"AWS can't be reached: {said} (is the region's name right, and the network up?)"


def _of_files(error: OSError) -> str:
    if is_full(error):
        file = error.filename
        where = f" for {describe(Path(file))}" if isinstance(file, str) else " on the disk"
        return f"no space is left{where}: make space there, then do this again"
    if error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split()) or type(error).__name__
