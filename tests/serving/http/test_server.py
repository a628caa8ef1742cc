"""Sockets of several kinds at once, TLS with certificates of clients, and an end in good order."""

import os
import signal
import socket
import ssl
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from dwcp.errors import InputError, StorageError
from dwcp.serving.access import ALL_RIGHTS, Access, Caller
from dwcp.serving.http import bind_tcp, bind_unix
from dwcp.transfer.security.identity import make_identity

INFER = "/v2/models/toy/infer"


@pytest.fixture
def unix():
    """Makes a client of a Unix socket."""

    def make(path):
        return httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), base_url="http://any", timeout=10)

    return make


def test_tcp_and_unix_socket_at_once(serve, unix, question):
    tokens = Access({"t" * 32: Caller("one", ALL_RIGHTS)}, Caller("nobody", frozenset()))
    everybody = Access({}, Caller("this user", ALL_RIGHTS))
    server = serve(tokens, unix=True, socket_access=everybody, hosts=frozenset({"localhost"}))
    assert stat.S_IMODE(server.socket_path.stat().st_mode) == 0o600
    with unix(server.socket_path) as client, server.client() as tcp:
        assert client.post(INFER, json=question()).status_code == 200
        assert tcp.post(INFER, json=question()).status_code == 403
        headers = {"Host": "localhost", "Authorization": f"Bearer {'t' * 32}"}
        assert tcp.post(INFER, json=question(), headers=headers).status_code == 200
    server.end()
    assert server.is_clean
    assert not server.socket_path.exists()


def test_a_live_socket_is_left_alone_and_a_dead_one_replaced(tmp_path):
    path = tmp_path / "s"
    first = bind_unix(path)
    with pytest.raises(InputError, match="a server listens on"):
        bind_unix(path)
    first.sock.close()
    second = bind_unix(path)
    first.close()
    assert path.exists(), "a server listens there"
    second.close()
    assert not path.exists()
    path.write_text("precious")
    with pytest.raises(InputError, match="is not a socket"):
        bind_unix(path)
    path.unlink()
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="is not a socket"):
        bind_unix(path)


def test_places_that_cannot_be_listened_on(tmp_path):
    with pytest.raises(InputError, match="no address nowhere"):
        bind_tcp("nowhere.invalid", 0)
    taken = bind_tcp("127.0.0.1", 0)
    with pytest.raises(InputError, match="name another port"):
        bind_tcp("127.0.0.1", taken.sock.getsockname()[1])
    taken.close()
    with pytest.raises(InputError, match="too long"):
        bind_unix(tmp_path / ("a" * 200))
    with pytest.raises(StorageError, match="cannot be made"):
        bind_unix(tmp_path / "missing" / "s")


def test_requests_at_work_end_before_the_server_does(serve, inference, question):
    server = serve(inline_batch=0)
    inference.held.clear()
    with ThreadPoolExecutor(1) as pool, server.client() as client, server.client() as other:
        slow = pool.submit(client.post, INFER, json=question())
        assert other.get("/v2/health/ready").status_code == 200
        assert inference.entered.wait(10)
        server.drain()
        while other.get("/v2/health/ready").status_code == 200:
            pass
        refused = other.get("/v2")
        assert refused.status_code == 503
        assert refused.headers["connection"] == "close"
        assert other.get("/v2/health/live").status_code == 200
        inference.held.set()
        assert slow.result(10).status_code == 200
    server.end()
    assert server.is_clean
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port), 1)


def test_a_request_that_does_not_end_is_cut_off(serve, inference, question):
    server = serve(inline_batch=0, drain_s=0.1)
    inference.held.clear()
    with ThreadPoolExecutor(1) as pool, server.client() as client:
        slow = pool.submit(client.post, INFER, json=question())
        assert inference.entered.wait(10)
        server.end()
        assert server.is_clean is False
        inference.held.set()
        assert slow.exception(10) or slow.result().status_code == 500


def test_certificates_of_clients(serve, tmp_path):
    server_pem, client_pem, stranger_pem = (
        tmp_path / f"{name}.pem" for name in ("server", "client", "stranger")
    )
    for file in (server_pem, client_pem, stranger_pem):
        file.write_bytes(make_identity())
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(server_pem)
    tls.load_verify_locations(client_pem)
    tls.verify_mode = ssl.CERT_REQUIRED
    server = serve(tls=tls)
    assert server.url.startswith("https://")

    def context(own):
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        made.check_hostname = False
        made.load_verify_locations(server_pem)
        if own is not None:
            made.load_cert_chain(own)
        return made

    with server.client(verify=context(client_pem)) as client:
        assert client.get("/v2").status_code == 200
    for own in (None, stranger_pem):
        with server.client(verify=context(own)) as client, pytest.raises(httpx.TransportError):
            client.get("/v2")


ANOTHER = """
import asyncio, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from dwcp.serving.access import ALL_RIGHTS, Access, Caller, InFlight, Limits
from dwcp.serving.http import HttpServer, HttpSettings, bind_unix, make_app

everybody = Access({}, Caller("everybody", ALL_RIGHTS))
app = make_app(None, HttpSettings(everybody, everybody), ThreadPoolExecutor(1), InFlight(1))
server = HttpServer(app, [bind_unix(Path(sys.argv[1]))], InFlight(1), Limits())
asyncio.run(server.serve(asyncio.Event(), 1.0, lambda: print("begun", flush=True)))
"""


def test_after_a_kill_the_socket_is_taken_over(tmp_path, unix):
    path = tmp_path / "s"
    for _ in range(2):
        command = [sys.executable, "-c", ANOTHER, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout.readline() == "begun\n"
            with unix(path) as client:
                assert client.get("/v2/health/live").json() == {"live": True}
            os.kill(process.pid, signal.SIGKILL)
        assert path.exists()
