import asyncio
from pathlib import Path

import pytest

from dwcp.errors import InputError
from dwcp.telemetry.sources.etcd import Access, Answer, Endpoint, HttpClient, Outcome, parse_endpoint

SOON_S = 5.0


def test_connections_are_kept_and_bodies_come_whole(fakes) -> None:
    body = bytes(range(256)) * 300

    async def ask() -> None:
        answers = {"/a": fakes.chunked(body), "/b": fakes.plain(body), "/c": fakes.plain(b"no", "503 Busy")}
        async with fakes.member(answers.__getitem__) as member:
            client = HttpClient(parse_endpoint(member.address))
            assert await client.get("/a", SOON_S) == Answer(Outcome.OK, 200, body)
            assert (await client.post("/b", b"{}", SOON_S)).body == body
            assert await client.get("/c", SOON_S) == Answer(Outcome.ERROR, 503, b"no", "HTTP status 503")
            assert member.connections == 1
            assert member.requests[1].endswith(b"\r\n\r\n{}")
            await client.close()

    asyncio.run(ask())


@pytest.mark.parametrize(
    ("answer", "outcome", "why"),
    [
        (None, Outcome.TIMEOUT, "no answer within"),
        (b"", Outcome.REFUSED, "the connection ended before"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", Outcome.REFUSED, "does not speak HTTP"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            Outcome.REFUSED,
            "does not speak HTTP",
        ),
        (b"SSH-2.0-OpenSSH\r\n\r\n", Outcome.REFUSED, "does not speak HTTP"),
    ],
)
def test_what_goes_wrong_is_an_answer(fakes, answer: bytes | None, outcome: Outcome, why: str) -> None:
    async def ask() -> Answer:
        async with fakes.member(lambda _: answer) as member:
            return await HttpClient(parse_endpoint(member.address)).get(
                "/", 0.05 if answer is None else SOON_S
            )

    found = asyncio.run(ask())
    assert found.outcome is outcome
    assert why in found.why


def test_a_connection_that_was_closed_meanwhile_is_made_anew(fakes) -> None:
    async def ask() -> None:
        async with fakes.member(lambda _: fakes.plain(b"x")) as member:
            client = HttpClient(parse_endpoint(member.address))
            await client.get("/", SOON_S)
            for task in member.tasks:
                task.cancel()
            await asyncio.sleep(0.01)
            assert (await client.get("/", SOON_S)).outcome is Outcome.OK
            assert member.connections == 2
            await client.close()

    asyncio.run(ask())


def test_nobody_there_is_refused() -> None:
    found = asyncio.run(HttpClient(Endpoint("127.0.0.1", 1)).get("/", SOON_S))
    assert found.outcome is Outcome.REFUSED
    assert "refused" in found.why or "connect" in found.why


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("10.0.0.1", Endpoint("10.0.0.1", 2379)),
        ("etcd-1:4001", Endpoint("etcd-1", 4001)),
        ("https://[::1]:2379/", Endpoint("::1", 2379, encrypted=True)),
    ],
)
def test_endpoints_are_read_as_etcdctl_reads_them(text: str, endpoint: Endpoint) -> None:
    assert parse_endpoint(text) == endpoint
    assert parse_endpoint(str(endpoint)) == endpoint


@pytest.mark.parametrize("text", ["", "ftp://a", "http://a:99999", "http://a/metrics", "http://:2379"])
def test_what_is_no_endpoint_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="no endpoint of etcd"):
        parse_endpoint(text)


def test_certificates_that_cannot_be_used_are_named_and_no_password_is_shown(tmp_path: Path) -> None:
    access = Access(ca=tmp_path / "ca.pem", user="root", password="secret")
    with pytest.raises(InputError, match=r"ca\.pem"):
        access.context()
    assert "secret" not in repr(access)
