import socket
import ssl
from random import Random

import pytest

from dwcp.errors import ConnectionLostError
from dwcp.transfer.security import ReceiverSecurity, SecurityOptions, SenderSecurity, connection_error

MIB = 1 << 20


@pytest.fixture
def ends(here, there, sockets):
    tls = SecurityOptions(plain=False)
    return sockets.meet(ReceiverSecurity(here, tls), SenderSecurity(there, tls))


def take(sock, count):
    buffer = bytearray(count)
    view, got = memoryview(buffer), 0
    while got < count:
        more = sock.recv_into(view[got:])
        assert more
        got += more
    return bytes(buffer)


@pytest.fixture
def overlaps(monkeypatch):
    """The connections that were used by two threads at once, which OpenSSL forbids."""
    busy, found = set(), []

    def watched(step):
        def call(sock, *arguments):
            if sock.fileno() in busy:
                found.append(sock)
            busy.add(sock.fileno())
            try:
                return step(sock, *arguments)
            finally:
                busy.discard(sock.fileno())

        return call

    for name in ("recv_into", "send"):
        monkeypatch.setattr(ssl.SSLSocket, name, watched(getattr(ssl.SSLSocket, name)))
    return found


def test_one_thread_reads_while_another_writes(ends, sockets, overlaps):
    big, small = Random(1).randbytes(MIB), Random(2).randbytes(300)
    here, there = ends

    def send(sock, data, count):
        for _ in range(count):
            sock.sendall(data)

    def check(sock, data, count):
        return all(take(sock, len(data)) == data for _ in range(count))

    started = [
        sockets.start(send, there, big, 48),
        sockets.start(send, here, small, 20_000),
        sockets.start(check, here, big, 48),
        sockets.start(check, there, small, 20_000),
    ]
    assert [one.result(60) for one in started] == [None, None, True, True]
    assert overlaps == []


def test_much_is_taken_at_once(ends, sockets):
    here, there = ends
    there.sendall(bytes(100_000))
    assert here.recv(20_000) == bytes(20_000)
    buffer = bytearray(200_000)
    got = here.recv_into(buffer)
    while got < 80_000:
        got += here.recv_into(memoryview(buffer)[got:])
    assert got == 80_000
    there.sendall(b"abcdef")
    assert here.recv_into(buffer, 4) == 4
    assert here.recv_into(memoryview(buffer)[4:]) == 2
    assert buffer[:6] == b"abcdef"


def test_waiting_has_an_end(ends):
    here, there = ends
    here.settimeout(0.02)
    assert here.gettimeout() == 0.02
    with pytest.raises(TimeoutError, match=r"nothing moved for 0\.02 s"):
        here.recv(1)
    there.settimeout(0.02)
    with pytest.raises(TimeoutError):
        there.sendall(bytes(64 * MIB))


def test_waiting_goes_on_after_a_timeout(ends):
    here, there = ends
    here.setblocking(False)
    with pytest.raises(TimeoutError):
        here.recv(1)
    here.setblocking(True)
    there.sendall(b"late")
    assert here.recv(10) == b"late"


def test_shutdown_wakes_who_waits(ends, sockets):
    here, _ = ends
    here.settimeout(None)
    waiting = sockets.start(here.recv, 1)
    here.shutdown(socket.SHUT_RDWR)
    assert waiting.result(10) == b""


def test_the_end_is_the_end(ends):
    here, there = ends
    there.sendall(b"last")
    there.shutdown(socket.SHUT_WR)
    assert take(here, 4) == b"last"
    assert here.recv(1) == b""
    assert here.recv_into(bytearray(1)) == 0


@pytest.mark.parametrize("how", ["shutdown", "close"])
def test_nothing_is_ever_sent_in_plain_text(ends, how):
    here, there = ends
    wire = socket.socket(fileno=here.fileno())
    try:
        there.shutdown(socket.SHUT_RD)
        there.close() if how == "close" else there.shutdown(socket.SHUT_WR)
        with pytest.raises(OSError, match=r".*"):
            there.sendall(b"secret")
        with pytest.raises(OSError, match=r".*"):
            there.send(b"secret")
        wire.settimeout(10)
        assert wire.recv(100) == b""
    finally:
        wire.detach()


def test_a_flipped_bit_on_the_way_is_told(ends):
    here, there = ends
    wire = socket.socket(fileno=there.fileno())
    try:
        wire.sendall(b"\x17\x03\x03\x00\x20" + bytes(32))
    finally:
        wire.detach()
    with pytest.raises(ssl.SSLError) as failed:
        here.recv(1)
    error = connection_error(failed.value, "server:7000")
    assert isinstance(error, ConnectionLostError)
    assert str(error) == "what came from server:7000 was changed on the way"


def test_buffers_of_other_kinds(ends):
    import array

    here, there = ends
    there.sendall(array.array("I", [1, 2, 3]))
    there.sendall(b"")
    target = array.array("I", [0, 0, 0])
    assert here.recv_into(target) == 12
    assert list(target) == [1, 2, 3]
