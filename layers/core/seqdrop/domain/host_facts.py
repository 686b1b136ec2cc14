"""What host a job ran on: what the host's own service says of it (``infrastructure/host``)."""

import msgspec


class HostFacts(msgspec.Struct, frozen=True, omit_defaults=True):
    """``host.json``. What is not known is empty."""

    instance_id: str = ""
    instance_type: str = ""
    zone: str = ""
    market: str = ""
    """``spot`` or ``on-demand``, in EC2's words."""
    ami: str = ""
    reclaimed: str = ""
    """When EC2 takes it back, once it has said so."""


def read_host(body: bytes) -> HostFacts | None:
    """What the service has written; None where it is no such thing."""
    try:
        return msgspec.json.decode(body, type=HostFacts)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
