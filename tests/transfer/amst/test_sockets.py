import errno
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dwcp.errors import ConnectionLostError, InputError
from dwcp.tasks.compression.contract import Link
from dwcp.transfer.amst import congestion_control, fit_send_buffer, is_loss_based, tune
from dwcp.transfer.amst.sockets import PAYLOAD_SHARE

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


@pytest.fixture
def allowing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """A system that allows buffers of so many bytes."""

    def allow(text: str) -> None:
        (tmp_path / "wmem_max").write_text(text, encoding="ascii")
        monkeypatch.setattr("dwcp.transfer.amst.sockets._MOST_SET", tmp_path / "wmem_max")

    return allow


class Told(socket.socket):
    """A socket that takes any buffer, as the kernel does: doubled."""

    buffer_bytes = 87_040

    def setsockopt(self, level: int, option: int, value: object, *_: object) -> None:
        assert (level, option) == (socket.SOL_SOCKET, socket.SO_SNDBUF)
        assert isinstance(value, int)
        self.buffer_bytes = 2 * value

    def getsockopt(self, level: int, option: int, *_: object) -> int:  # type: ignore[override]
        assert (level, option) == (socket.SOL_SOCKET, socket.SO_SNDBUF)
        return self.buffer_bytes


def test_a_long_fast_path_gets_a_larger_buffer_which_never_shrinks(allowing: Callable[[str], None]) -> None:
    allowing("100000000\n")
    held_bytes = 800 * 125 * 80
    with Told() as sock:
        fit_send_buffer(sock, Link(800, 80), 1)
        large_bytes = sock.buffer_bytes
        assert held_bytes < PAYLOAD_SHARE * large_bytes < 1.1 * held_bytes
        for mbps in (820.0, 500.0, 100.0, 1.0):
            fit_send_buffer(sock, Link(mbps, 80), 1)
            assert sock.buffer_bytes == large_bytes
        fit_send_buffer(sock, Link(1600, 80), 1)
        assert sock.buffer_bytes > 1.9 * large_bytes
        fit_send_buffer(sock, Link(1e9, 80), 1)
        assert sock.buffer_bytes == 200_000_000, "no more than allowed"


@pytest.mark.parametrize("allowed", ["212992\n", "nonsense", ""])
def test_where_a_larger_buffer_is_not_allowed_the_kernels_own_stays(
    allowing: Callable[[str], None], allowed: str
) -> None:
    allowing(allowed)
    with Told() as sock:
        fit_send_buffer(sock, Link(1e9, 80), 1)
        assert sock.buffer_bytes == Told.buffer_bytes


def test_a_real_stream_gets_what_it_is_allowed(
    stream: socket.socket, allowing: Callable[[str], None]
) -> None:
    before = stream.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
    allowing("100000000")
    tune(stream, Link(400, 80))
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
