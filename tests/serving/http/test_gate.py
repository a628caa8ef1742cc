"""Who is let in, and how much of what they send is read; without sockets."""

import asyncio
import gzip
import tracemalloc

import pytest
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from dwcp.serving.access import ALL_RIGHTS, Access, Caller, InFlight, Limits, Right
from dwcp.serving.http import HttpSettings, RouteGroup, make_app

INFER = "/v2/models/toy/infer"
ACCESS = Access(
    {
        "o" * 32: Caller("ops", ALL_RIGHTS),
        "b" * 32: Caller("board", frozenset({Right.INFER})),
        "h" * 32: Caller("hinted", frozenset({Right.HINTS})),
    },
    Caller("nobody", frozenset()),
)


def bearer(letter):
    return {"Authorization": f"Bearer {letter * 32}"}


async def _page(request):
    return PlainTextResponse(str(len(await request.body())))


HINTS = RouteGroup([Route("/v1/hints/{method}", _page, methods=["POST"])], Right.HINTS)
PAGE = RouteGroup([Route("/", _page)])


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        *(("POST", INFER, "ob"), ("GET", "/v2/models/toy", "ob"), ("POST", "/v2/repository/index", "ob")),
        *(("POST", "/v2/repository/models/toy/load", "o"), ("POST", "/v2/repository/models/toy/unload", "o")),
        *(("POST", "/v1/hints/Any", "oh"), ("GET", "/", "obh"), ("GET", "/v2", "obh")),
        *(
            ("GET", "/openapi.json", "obh"),
            ("GET", "/v2/health/live", "obh-"),
            ("GET", "/v2/health/ready", "obh-"),
        ),
    ],
)
def test_rights(method, path, allowed, make_client, question):
    client = make_client(ACCESS, more_routes=[HINTS, PAGE])
    ask = client.get if method == "GET" else lambda path, **more: client.post(path, json=question(), **more)
    for letter in "obh":
        assert (ask(path, headers=bearer(letter)).status_code == 200) == (letter in allowed)
        assert ask(path, headers=bearer(letter)).status_code in (200, 403)
    answer = ask(path)
    assert answer.status_code == (200 if "-" in allowed else 401)
    if answer.status_code == 401:
        assert answer.headers["www-authenticate"] == "Bearer"
        assert "Bearer TOKEN" in answer.json()["error"]


def test_what_is_unknown_is_not_told_without_a_token(make_client):
    assert make_client(ACCESS).get("/nothing").status_code == 401


def asgi_scope(path=INFER, method="POST", headers=(), server=("127.0.0.1", 80)):
    return {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "scheme": "http",
        "headers": [(name.encode(), value.encode()) for name, value in headers],
        "client": ("127.0.0.1", 1),
        "server": server,
    }


class Asked:
    """Calls an application, with a body in parts; counts the parts that are read."""

    def __init__(self, parts):
        self.parts = list(parts)
        self.read = 0
        self.sent = []

    async def receive(self):
        self.read += 1
        part = self.parts.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(self.parts)}

    async def send(self, message):
        self.sent.append(message)

    def ask(self, app, scope):
        asyncio.run(app(scope, self.receive, self.send))
        return self.sent[0]["status"]


@pytest.fixture
def app(inference, workers):
    def make(access=ACCESS, hosts=(), in_flight=None, **limits):
        limits = Limits(**limits)
        settings = HttpSettings(access, EVERYBODY, limits, frozenset(hosts))
        return make_app(inference, settings, workers, in_flight or InFlight(8))

    return make


EVERYBODY = Access({}, Caller("everybody", ALL_RIGHTS))


def test_nothing_is_read_of_a_body_without_a_token(app):
    asked = Asked([b"x"])
    assert asked.ask(app(), asgi_scope()) == 401
    assert asked.read == 0


def test_nothing_is_read_of_a_body_that_declares_too_much(app):
    asked = Asked([b"x"])
    headers = [("content-length", "101")]
    assert asked.ask(app(EVERYBODY, max_body_bytes=100), asgi_scope(headers=headers)) == 413
    assert asked.read == 0


def test_no_more_than_the_limit_is_read_of_a_body_that_declares_nothing(app):
    asked = Asked([b"x" * 40] * 1000)
    headers = [("transfer-encoding", "chunked")]
    assert asked.ask(app(EVERYBODY, max_body_bytes=100), asgi_scope(headers=headers)) == 413
    assert asked.read == 3


def test_a_body_without_a_length_is_wanted_with_one(app):
    assert Asked([b""]).ask(app(EVERYBODY), asgi_scope()) == 411


def test_a_small_body_that_becomes_large_is_refused(app):
    bomb = gzip.compress(bytes(100_000_000))
    headers = [("content-encoding", "gzip"), ("content-length", str(len(bomb)))]
    serving = app(EVERYBODY, max_body_bytes=1_000_000)
    tracemalloc.start()
    assert Asked([bomb]).ask(serving, asgi_scope(headers=headers)) == 413
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000


@pytest.mark.parametrize(
    "content",
    [b"no gzip", gzip.compress(b"{}")[:-4], gzip.compress(b"{}") + b"more"],
    ids=["other", "cut", "more"],
)
def test_what_is_not_compressed_as_it_says_is_refused(content, app):
    headers = [("content-encoding", "gzip"), ("content-length", str(len(content)))]
    assert Asked([content]).ask(app(EVERYBODY), asgi_scope(headers=headers)) == 400


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:80", 200),
        ("LOCALHOST", 200),
        ("[::1]:80", 200),
        ("evil.example:80", 403),
        ("", 403),
        ("a@localhost", 403),
        ("[", 403),
    ],
)
def test_only_names_of_this_host_are_served(host, status, app):
    serving = app(EVERYBODY, hosts=["127.0.0.1", "localhost", "::1"])
    assert Asked([b""]).ask(serving, asgi_scope("/v2", "GET", [("host", host)])) == status


def test_a_unix_socket_has_any_name_and_needs_no_token(app):
    scope = asgi_scope("/v2", "GET", [("host", "any")], ("/run/dwcp.sock", None))
    assert Asked([b""]).ask(app(hosts=["localhost"]), scope) == 200


@pytest.mark.parametrize(
    ("origin", "status"),
    [("http://localhost:80", 200), ("https://evil.example", 403), ("null", 403), ("http://[", 403)],
)
def test_pages_of_other_sites_are_refused(origin, status, app):
    headers = [("host", "localhost:80"), ("origin", origin)]
    assert Asked([b""]).ask(app(EVERYBODY), asgi_scope("/v2", "GET", headers)) == status


def test_too_many_at_once_are_refused_at_once(app):
    in_flight = InFlight(1)
    serving = app(EVERYBODY, in_flight=in_flight)
    assert in_flight.enter()
    asked = Asked([b""])
    assert asked.ask(serving, asgi_scope("/v2", "GET")) == 429
    assert dict(asked.sent[0]["headers"])[b"retry-after"] == b"1"
    assert Asked([b""]).ask(serving, asgi_scope("/v2/health/live", "GET")) == 200
    in_flight.leave()
    assert Asked([b""]).ask(serving, asgi_scope("/v2", "GET")) == 200
    assert in_flight.count == 0


def test_a_draining_server_refuses_and_is_not_ready(app):
    in_flight = InFlight(1)
    serving = app(EVERYBODY, in_flight=in_flight)
    in_flight.drain()
    asked = Asked([b""])
    assert asked.ask(serving, asgi_scope("/v2", "GET")) == 503
    assert dict(asked.sent[0]["headers"])[b"connection"] == b"close"
    assert Asked([b""]).ask(serving, asgi_scope("/v2/health/ready", "GET")) == 503


def test_strangers_leave_no_trace(app, caplog):
    serving = app()
    tracemalloc.start()

    async def ask(count):
        for i in range(count):
            asked = Asked([b"x"])
            headers = [("authorization", f"Bearer {i}"), ("x-padding", str(i) * 100)]
            await serving(asgi_scope(f"/v2/{i}", headers=headers), asked.receive, asked.send)
            assert asked.sent[0]["status"] == 401

    asyncio.run(ask(200))
    before, _ = tracemalloc.get_traced_memory()
    asyncio.run(ask(5000))
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 50_000
    assert len(caplog.records) == 1
