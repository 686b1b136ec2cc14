"""The endpoint's own part: which service a request is for."""

from collections.abc import Iterator

import pytest
from moto import backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from local.endpoint import Endpoint, PortInUse, _Dispatcher


@pytest.fixture
def listings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Each time that moto lists the folder of its package."""
    seen: list[str] = []
    listed = backends.list_of_moto_modules

    def noted() -> Iterator[str]:
        seen.append("listed")
        return iter(list(listed()))

    monkeypatch.setattr(backends, "list_of_moto_modules", noted)
    return seen


@pytest.mark.parametrize("host", ["s3", "dynamodb", "no-such-host"])
def test_a_host_s_service_is_looked_up_once(host: str, listings: list[str]) -> None:
    stock, ours = DomainDispatcherApplication(create_backend_app), _Dispatcher(create_backend_app)
    expected = {stock.get_backend_for_host(host) for _ in range(2)}
    assert len(listings) == 2, "moto no longer lists its folder each time: _Dispatcher can go"
    assert {ours.get_backend_for_host(host) for _ in range(3)} == expected
    assert len(listings) == 3


def test_port_in_use_is_told() -> None:
    first = Endpoint(0)
    first.start()
    try:
        with pytest.raises(PortInUse, match="--port"):
            Endpoint(first.port)
    finally:
        first.stop()
