import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from struct import pack_into

import pytest

from dwcp.errors import ConnectionLostError, InputError
from dwcp.telemetry import TcpInfo, read_tcp_info
from dwcp.telemetry.tcp import _FIELDS, parse_tcp_info

PAYLOAD_BYTES = 3_000_000


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as near,
        server.accept()[0] as far,
    ):
        yield near, far


def _send(near: socket.socket, far: socket.socket) -> None:
    left = PAYLOAD_BYTES
    near.setblocking(False)
    while left:
        try:
            left -= near.send(bytes(min(left, 65_536)))
        except BlockingIOError:
            far.recv(1 << 20)
    near.setblocking(True)


def test_counters_follow_what_was_sent(pair: tuple[socket.socket, socket.socket]) -> None:
    near, far = pair
    before = read_tcp_info(near)
    _send(near, far)
    after = read_tcp_info(near)
    since = after.since(before)
    assert since.bytes_sent == after.bytes_sent
    assert after.bytes_sent is not None
    assert 0 < after.bytes_sent <= PAYLOAD_BYTES
    assert since.bytes_acked is not None
    assert 0 < since.bytes_acked <= PAYLOAD_BYTES
    assert after.bytes_resent == after.retransmits == 0
    assert after.segment_bytes > 500
    assert 0 < after.rtt_us < 1_000_000
    assert after.min_rtt_us is not None
    assert after.min_rtt_us <= after.rtt_us
    assert after.cwnd_segments >= 2
    assert after.delivery_bytes_s is not None
    assert after.delivery_bytes_s > 1_000_000


def test_before_anything_was_sent(pair: tuple[socket.socket, socket.socket]) -> None:
    info = read_tcp_info(pair[0])
    assert info.bytes_sent == 0
    assert info.delivery_bytes_s is None
    assert info.notsent_bytes == 0


def test_a_descriptor_will_do_and_stays_open(pair: tuple[socket.socket, socket.socket]) -> None:
    near, far = pair
    assert read_tcp_info(near.fileno()).segment_bytes == read_tcp_info(near).segment_bytes
    near.sendall(b"still open")
    assert far.recv(10) == b"still open"


def test_a_socket_wrapped_in_tls_will_do(pair: tuple[socket.socket, socket.socket]) -> None:
    context = ssl.create_default_context()
    with context.wrap_socket(pair[0], do_handshake_on_connect=False, server_hostname="localhost") as wrapped:
        assert read_tcp_info(wrapped).cwnd_segments >= 2


def test_what_is_no_open_tcp_socket_is_told() -> None:
    closed = socket.socket()
    closed.close()
    with pytest.raises(ConnectionLostError, match="closed"):
        read_tcp_info(closed)
    near, far = os.pipe()
    with pytest.raises(ConnectionLostError):
        read_tcp_info(near)
    os.close(near)
    os.close(far)
    with pytest.raises(ConnectionLostError):
        read_tcp_info(near)
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other,
        pytest.raises(InputError, match="TCP_INFO"),
    ):
        read_tcp_info(other)


def _structure(length: int) -> bytes:
    """A structure whose fields hold 1, 2, 3 and so on."""
    whole = bytearray(256)
    for number, (offset, kind) in enumerate(_FIELDS):
        pack_into(f"={kind}", whole, offset, number + 1)
    return bytes(whole[:length])


def test_fields_are_read_by_their_offsets() -> None:
    info = parse_tcp_info(_structure(256))
    assert info[1:] == tuple(range(2, len(_FIELDS) + 1))
    assert info.app_limited is True
    assert (info.rtt_us, info.cwnd_segments, info.bytes_resent) == (4, 7, 20)


@pytest.mark.parametrize(
    ("length", "known"),
    [(104, 8), (112, 9), (128, 10), (159, 13), (160, 14), (168, 15), (192, 18), (216, 20)],
)
def test_a_shorter_structure_of_an_older_kernel(length: int, known: int) -> None:
    info = parse_tcp_info(_structure(length))
    assert info[1:known] == tuple(range(2, known + 1))
    assert set(info[known:]) <= {None}


def test_values_that_mean_unknown() -> None:
    whole = bytearray(_structure(256))
    pack_into("=I", whole, 148, 0xFFFF_FFFF)
    pack_into("=Q", whole, 104, 0xFFFF_FFFF_FFFF_FFFF)
    pack_into("=Q", whole, 160, 0)
    pack_into("=B", whole, 7, 0x06)
    info = parse_tcp_info(bytes(whole))
    assert (info.min_rtt_us, info.pacing_bytes_s, info.delivery_bytes_s) == (None, None, None)
    assert info.app_limited is False


def test_since_another_stream_or_an_old_kernel() -> None:
    info = parse_tcp_info(_structure(256))
    assert info.since(None) is info
    assert info.since(info._replace(bytes_acked=1000)) is info
    same = info.since(info)
    assert (same.retransmits, same.bytes_acked, same.busy_us) == (0, 0, 0)
    assert (same.rtt_us, same.cwnd_segments) == (info.rtt_us, info.cwnd_segments)
    old = parse_tcp_info(_structure(104))
    assert old.since(old).bytes_acked is None


def test_every_field_has_its_place() -> None:
    assert len(TcpInfo._fields) == len(_FIELDS)
    assert [offset for offset, _ in _FIELDS] == sorted(offset for offset, _ in _FIELDS)


def test_reading_is_cheap(pair: tuple[socket.socket, socket.socket]) -> None:
    """About 2 microseconds; the bound leaves room for a busy machine."""
    best_s = 1.0
    for _ in range(5):
        began = time.perf_counter()
        for _ in range(200):
            read_tcp_info(pair[0])
        best_s = min(best_s, (time.perf_counter() - began) / 200)
    assert best_s < 50e-6


def test_importing_it_loads_nothing_heavy() -> None:
    program = (
        "import sys, dwcp.telemetry; print([n for n in ('polars', 'pyarrow', 'numpy') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
