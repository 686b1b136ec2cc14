"""The endpoint's own part: which service a request is for, and who is answered at all."""

import http.client
import socket
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from moto import backends
from moto.moto_api._internal import moto_api_backend
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from local.endpoint import HOST, Endpoint, PortInUse, _Dispatcher


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


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    endpoint = Endpoint(0)
    endpoint.start()
    yield endpoint
    endpoint.stop()
    moto_api_backend.reset()


def client(endpoint: Endpoint, service: str, **settings: Any) -> Any:
    once = Config(retries={"max_attempts": 0})
    session: Any = boto3.Session("local", "local", region_name="us-east-1")
    return session.client(service, endpoint_url=endpoint.url, config=once, **settings)


def ask(
    endpoint: Endpoint, target: str, method: str = "GET", **headers: str
) -> tuple[int, str, http.client.HTTPMessage]:
    """Raw HTTP: what is given (`_` is `-`), and if it says no other, a good Host and signature."""
    connection = http.client.HTTPConnection(HOST, endpoint.port, timeout=10)
    connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
    scope = "Credential=local/20260101/us-east-1/s3/aws4_request"
    usual = {
        "Host": f"{HOST}:{endpoint.port}",
        "Authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=x",
    }
    for name, value in (usual | headers).items():
        if value:
            connection.putheader(name.replace("_", "-"), value)
    connection.endheaders()
    answer = connection.getresponse()
    found = answer.status, answer.read().decode(), answer.headers
    connection.close()
    return found


@pytest.fixture(scope="module")
def bucket(endpoint: Endpoint) -> str:
    client(endpoint, "s3").create_bucket(Bucket="a-bucket")
    client(endpoint, "s3").put_object(Bucket="a-bucket", Key="x", Body=b"secret")
    return "a-bucket"


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:80", "127.0.0.1", "127.0.0.1:4566", "[::1]:4566", "localhost:"]
)
def test_each_name_of_this_machine_is_answered(endpoint: Endpoint, bucket: str, host: str) -> None:
    assert ask(endpoint, f"/{bucket}/x", Host=host)[:2] == (200, "secret")


def test_a_bucket_s_name_may_stand_before_localhost(endpoint: Endpoint, bucket: str) -> None:
    assert ask(endpoint, "/x", Host=f"{bucket}.localhost:{endpoint.port}")[:2] == (200, "secret")


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "evil.example:4566",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "evillocalhost",
        "evil.example/localhost",
        "user@127.0.0.1",
        "10.0.0.1",
        "0.0.0.0",  # noqa: S104  # no address that is listened on
        "s3.amazonaws.com",
        "motoapi.amazonaws.com",
    ],
)
def test_a_foreign_host_is_refused(endpoint: Endpoint, bucket: str, host: str) -> None:
    status, body, _ = ask(endpoint, f"/{bucket}/x", Host=host)
    assert (status, "secret" in body) == (403, False)


def test_the_host_in_the_request_line_counts(endpoint: Endpoint, bucket: str) -> None:
    assert ask(endpoint, f"http://evil.example/{bucket}/x")[0] == 403
    assert ask(endpoint, f"http://localhost/{bucket}/x")[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:3000"},
        {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "no-cors"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "same-origin"},
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE", "OPTIONS"])
def test_a_web_page_is_refused(
    endpoint: Endpoint, bucket: str, method: str, headers: dict[str, str]
) -> None:
    status, body, answered = ask(endpoint, f"/{bucket}/x", method, **headers)
    assert (status, "secret" in body) == (403, False)
    assert not [name for name in answered if name.lower().startswith("access-control")]
    assert ask(endpoint, f"/{bucket}/x")[:2] == (200, "secret")  # nothing was done


def test_an_address_that_a_person_pasted_is_answered(endpoint: Endpoint, bucket: str) -> None:
    assert ask(endpoint, f"/{bucket}/x", Sec_Fetch_Site="none")[0] == 200


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("POST", "/moto-api/reset"),
        ("POST", "/moto-api/reset-auth"),
        ("POST", "/moto-api/seed?a=42"),
        ("POST", "/moto-api/config"),
        ("POST", "/moto-api/recorder/start-recording"),
        ("POST", "/moto-api/state-manager/set-transition"),
        ("GET", "/moto-api/data.json"),
        ("GET", "/moto-api/"),
        ("GET", "/moto-api"),
        ("POST", "/%6doto-api/reset"),
    ],
)
def test_moto_s_control_paths_are_off(
    endpoint: Endpoint, bucket: str, method: str, target: str
) -> None:
    stock = DomainDispatcherApplication(create_backend_app)
    assert stock.get_application({"PATH_INFO": "/moto-api/reset"}).service == "moto_api"
    status, body, _ = ask(endpoint, target, method)
    assert (status, "control paths are off" in body) == (403, True)
    assert ask(endpoint, f"/{bucket}/x")[0] == 200


def test_no_other_way_leads_to_moto_s_control_paths(endpoint: Endpoint, bucket: str) -> None:
    for service in ("moto_api", "motoapi"):
        signed = f"AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/{service}/aws4_request, S=x"
        for target in ("/moto-api/reset", "//moto-api/reset", "/x/../moto-api/reset"):
            ask(endpoint, target, "POST", Authorization=signed)
    assert ask(endpoint, f"/{bucket}/x")[0] == 200


@pytest.mark.parametrize("service", ["s3", "dynamodb", "sqs", "cloudformation", "batch"])
def test_a_client_shows_why_it_was_refused(endpoint: Endpoint, service: str) -> None:
    call = {
        "s3": "list_buckets",
        "dynamodb": "list_tables",
        "sqs": "list_queues",
        "cloudformation": "list_stacks",
        "batch": "describe_job_queues",
    }[service]
    caller = client(endpoint, service)
    caller.meta.events.register(
        "before-send.*", lambda request, **_: request.headers.__setitem__("Host", "evil.example")
    )
    with pytest.raises(ClientError, match=r"AccessDenied.*for programs of this machine"):
        getattr(caller, call)()


def test_the_endpoint_listens_on_loopback_alone(endpoint: Endpoint) -> None:
    addresses = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None)}
    for address in {str(a) for a in addresses if not str(a).startswith("127.")} - {"::1"}:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
            assert probe.connect_ex((address, endpoint.port)) != 0, address
