"""AWS' services as botocore describes them, read once for all sessions of a process."""

from botocore.loaders import create_loader
from botocore.session import Session

_LOADER = create_loader()
_DATA = ("endpoints", "partitions", "sdk-default-configuration", "_retry")


def share_service_models() -> None:
    """Has each new session look where the others did: reading a model is most of a client's cost.

    A program for users makes one session, which keeps what it has read.
    """

    def share(session: Session) -> None:
        session.register_component("data_loader", _LOADER)

    Session._register_data_loader = share  # type: ignore[attr-defined]  # there is no public way


def read_service_models(*services: str) -> None:
    """Reads them before the first client asks for them."""
    for name in _DATA:
        _LOADER.load_data(name)
    for service in services:
        for kind in ("service-2", "endpoint-rule-set-1"):
            _LOADER.load_service_model(service, kind)
