import errno
import socket
from collections.abc import Iterator

import pytest

from dwcp.errors import ConnectionLostError, InputError
from dwcp.tasks.compression.contract import Link
from dwcp.transfer.amst import congestion_control, is_loss_based, tune

TCP = socket.IPPROTO_TCP


@pytest.fixture
def stream() -> Iterator[socket.socket]:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as near,
        server.accept()[0],
    ):
        yield near


def test_what_every_stream_gets(stream: socket.socket) -> None:
    tune(stream, dead_after_s=40.0)
    assert stream.getsockopt(TCP, socket.TCP_NODELAY) == 1
    assert stream.getsockopt(TCP, socket.TCP_NOTSENT_LOWAT) == 128 * 1024
    assert stream.getsockopt(TCP, socket.TCP_USER_TIMEOUT) == 40_000
    assert stream.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    assert stream.getsockopt(TCP, socket.TCP_KEEPIDLE) == 10
    assert stream.getsockopt(TCP, socket.TCP_KEEPINTVL) == 10
    assert stream.getsockopt(TCP, socket.TCP_KEEPCNT) == 3


@pytest.mark.parametrize(
    ("link", "streams"),
    [(None, 1), (Link(10_000, 0.1), 1), (Link(100, 80), 1), (Link(800, 80), 4)],
)
def test_a_buffer_that_the_kernel_grows_is_left_to_it(
    stream: socket.socket, link: Link | None, streams: int
) -> None:
    before = stream.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
    tune(stream, link, streams=streams)
    assert stream.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) == before


@pytest.mark.parametrize("mbps", [400.0, 1e9])
def test_a_long_fast_path_gets_a_larger_buffer(stream: socket.socket, mbps: float) -> None:
    before = stream.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
    tune(stream, Link(mbps, 80))
    assert stream.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) != before


def test_congestion_control_by_name(stream: socket.socket) -> None:
    tune(stream, congestion="reno")
    assert congestion_control(stream) == "reno"


def test_a_congestion_control_that_is_not_there(stream: socket.socket) -> None:
    with pytest.raises(InputError, match=r"'warp' is not there; this system has: .*cubic"):
        tune(stream, congestion="warp")


def test_a_congestion_control_that_is_not_allowed() -> None:
    class Forbidding(socket.socket):
        def setsockopt(self, level: int, option: int, value: object, *_: object) -> None:
            if (level, option) == (TCP, socket.TCP_CONGESTION) and isinstance(value, bytes):
                raise OSError(errno.EPERM, "Operation not permitted")

    with Forbidding() as sock, pytest.raises(InputError, match="may not be used by this user"):
        tune(sock, congestion="bbr")


def test_a_closed_socket() -> None:
    sock = socket.socket()
    sock.close()
    with pytest.raises(ConnectionLostError, match="cannot be set up"):
        tune(sock, congestion="cubic")
    with pytest.raises(ConnectionLostError, match="cannot be asked"):
        congestion_control(sock)


@pytest.mark.parametrize(
    ("name", "loss_based"), [("cubic", True), ("reno", True), ("bbr", False), ("bbr2", False)]
)
def test_what_takes_losses_for_a_full_link(name: str, loss_based: bool) -> None:
    assert is_loss_based(name) == loss_based
