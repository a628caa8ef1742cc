"""Clients that are slow, silent or no clients at all, on real sockets."""

import json
import socket
import time

import httpx
import pytest

from dwcp.serving.access import Limits

HEAD = b"POST /v2/models/toy/infer HTTP/1.1\r\nHost: x\r\n"


def received(sock):
    """Everything until the other side closes."""
    content = b""
    try:
        while part := sock.recv(65536):
            content += part
    except ConnectionResetError:
        pass
    return content


def answered(sock):
    """The status of one whole answer."""
    content = b""
    while (parts := content.partition(b"\r\n\r\n"))[1] == b"" or len(parts[2]) < _length(parts[0]):
        content += sock.recv(65536)
    return status_of(content)


def _length(head):
    return int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])


def status_of(answer):
    return int(answer.split(b" ", 2)[1]) if answer else None


SLOW = {
    "says nothing": (b"", None),
    "half a line": (b"POST /v2/mod", 408),
    "half a head": (HEAD + b"X-A: b\r\n", 408),
    "no body": (HEAD + b"Content-Length: 10\r\n\r\n", 408),
    "half a body": (HEAD + b"Content-Length: 10\r\n\r\n{", 408),
    "half a chunk": (HEAD + b"Transfer-Encoding: chunked\r\n\r\nff\r\n{", 408),
    "empty lines": (b"\r\n\r\n", 408),
}


@pytest.mark.parametrize("case", SLOW)
def test_slow_clients_are_let_go(case, serve):
    sent, status = SLOW[case]
    server = serve(limits=Limits(header_timeout_s=0.2, body_timeout_s=0.2))
    with server.raw() as sock:
        sock.sendall(sent)
        answer = received(sock)
    assert status_of(answer) == status
    if answer:
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]
    assert server.in_flight.count == 0


def test_a_resting_connection_is_closed(serve):
    with serve(limits=Limits(idle_timeout_s=0.2)).raw() as sock:
        sock.sendall(b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\n\r\n")
        assert status_of(received(sock)) == 200


def test_a_byte_now_and_then_keeps_no_head_open(serve):
    with serve(limits=Limits(header_timeout_s=0.4)).raw() as sock:
        began = time.monotonic()
        answer = b""
        sock.settimeout(0.05)
        while not answer and time.monotonic() - began < 5:
            sock.sendall(b"G")
            try:
                answer = sock.recv(1000)
            except TimeoutError:
                continue
    assert status_of(answer) in (400, 408)
    assert time.monotonic() - began < 2


WRONG = {
    "no HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello\r\n\r\n", 400),
    "two lengths": (HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}", 400),
    "length and chunks": (HEAD + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "negative length": (HEAD + b"Content-Length: -1\r\n\r\n", 400),
    "bad chunk": (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
    "folded header": (HEAD + b"X: a\r\n b\r\n\r\n", 400),
    "long line": (b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\n", 431),
    "long header": (HEAD + b"X: " + b"a" * 400_000, 431),
    "many headers": (HEAD + b"X: a\r\n" * 20_000, 431),
    "long but whole": (HEAD + b"X: " + b"a" * 20_000 + b"\r\n\r\n", 431),
    "too large": (HEAD + b"Content-Length: 99999999999\r\n\r\n", 413),
    "path that is not ASCII": (b"GET /v2/\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "no path": (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 404),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_request_is_answered_and_closed(case, serve, caplog):
    sent, status = WRONG[case]
    with serve(limits=Limits(idle_timeout_s=0.3)).raw() as sock:
        try:
            sock.sendall(sent)
        except ConnectionError:
            assert status == 431
        answer = received(sock)
    # Where much was sent that nobody reads, the answer can be lost on its way.
    assert status_of(answer) == status or (not answer and len(sent) > 65536)
    assert not caplog.records


def test_the_rest_of_a_refused_body_is_read_for_a_while_only(serve):
    server = serve(limits=Limits(max_body_bytes=1000, idle_timeout_s=0.5))
    with server.raw() as sock:
        sock.sendall(HEAD + b"Content-Length: 200000\r\n\r\n" + b"x" * 199_999)
        assert answered(sock) == 413
        sock.sendall(b"x" + b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answered(sock) == 200
    with server.raw() as sock:
        sock.sendall(HEAD + b"Content-Length: 200000\r\n\r\n")
        assert status_of(received(sock)) == 413


def test_a_chunked_body_is_never_kept_beyond_the_limit(serve):
    def endless():
        for _ in range(10_000):
            yield b"x" * 10_000

    with serve(limits=Limits(max_body_bytes=100_000)).client() as client:
        try:
            assert client.post("/v2/models/toy/infer", content=endless()).status_code == 413
        except (httpx.WriteError, httpx.ReadError):
            pytest.fail("the answer was lost")


def test_too_many_connections_are_refused(serve):
    server = serve(limits=Limits(max_connections=2))
    with server.raw() as first, server.raw() as second, server.raw() as third:
        assert status_of(received(third)) == 503
        for sock in (first, second):
            sock.sendall(b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert status_of(received(sock)) == 200


def test_a_client_that_does_not_read_is_let_go(serve, question):
    server = serve(limits=Limits(body_timeout_s=0.3))
    body = json.dumps(question(rows=4096)).encode()
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.connect(("127.0.0.1", server.port))
        sock.settimeout(10)
        sock.sendall((HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body) * 100)
        assert _is_reset(sock)


def _is_reset(sock):
    for _ in range(1000):
        try:
            sock.send(b"x")
        except ConnectionError:
            return True
        time.sleep(0.005)
    return False


def test_pipelined_requests_are_answered_in_order(serve):
    with serve().raw() as sock:
        ask = b"GET /v2/models/%s/ready HTTP/1.1\r\nHost: x\r\n%s\r\n"
        sock.sendall(ask % (b"toy", b"") + ask % (b"none", b"") + ask % (b"toy", b"Connection: close\r\n"))
        answers = received(sock)
    assert [int(part[:3]) for part in answers.split(b"HTTP/1.1 ")[1:]] == [200, 404, 200]


def test_a_body_is_asked_for_only_when_it_is_wanted(serve, question):
    body = json.dumps(question()).encode()
    with serve(limits=Limits(max_body_bytes=len(body))).raw() as sock:
        sock.sendall(HEAD + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body))
        assert sock.recv(1000).startswith(b"HTTP/1.1 100 ")
        sock.sendall(body)
        assert answered(sock) == 200
        sock.sendall(HEAD + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % (len(body) + 1))
        assert answered(sock) == 413
