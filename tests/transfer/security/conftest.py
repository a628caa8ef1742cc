"""Two sides that meet on real sockets of this host, each in a thread of its own."""

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dwcp.errors import DwcpError
from dwcp.transfer.security import KeyFolder, ReceiverSecurity, SenderSecurity, connection_error

PATIENCE_S = 10.0


def outcome(done: "Future[Any]") -> Any:
    """What a side came to: its result, or the package's error."""
    try:
        return done.result(PATIENCE_S)
    except DwcpError as error:
        return error
    except OSError as error:
        return connection_error(error, "the other side")


@dataclass
class Sockets:
    """Makes connections and closes everything in the end."""

    opened: list[socket.socket]
    pool: ThreadPoolExecutor

    def keep(self, sock: socket.socket) -> socket.socket:
        self.opened.append(sock)
        return sock

    def listen(self) -> socket.socket:
        return self.keep(socket.create_server(("127.0.0.1", 0)))

    def connect(self, address: Any) -> socket.socket:
        sock = self.keep(socket.create_connection(address))
        sock.settimeout(PATIENCE_S)
        return sock

    def accept(self, listener: socket.socket) -> socket.socket:
        sock = self.keep(listener.accept()[0])
        sock.settimeout(PATIENCE_S)
        return sock

    def pair(self) -> tuple[socket.socket, socket.socket]:
        """The receiver's end and the sender's."""
        listener = self.listen()
        there = self.connect(listener.getsockname())
        return self.accept(listener), there

    def start(self, call: Callable[..., Any], *arguments: Any) -> "Future[Any]":
        return self.pool.submit(call, *arguments)

    def meet(self, receiver: Any, sender: Any, ends: Any = None) -> tuple[Any, Any]:
        """Let both sides secure a connection; gives what each came to."""
        ends = ends or self.pair()
        first, second = self.start(receiver.wrap, ends[0]), self.start(sender.wrap, ends[1])
        # A receiver in plain text waits for the first byte.
        there = outcome(second)
        if isinstance(there, socket.socket):
            self.keep(there)
            if type(there) is socket.socket:
                there.sendall(b"\x01")
        here = outcome(first)
        return (self.keep(here) if isinstance(here, socket.socket) else here), there


@pytest.fixture
def sockets() -> Iterator[Sockets]:
    opened: list[socket.socket] = []
    with ThreadPoolExecutor(8) as pool:
        yield Sockets(opened, pool)
        for sock in opened:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()


@pytest.fixture
def far(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every connection for one that leaves this host."""
    monkeypatch.setattr("dwcp.transfer.security.side.is_loopback", lambda _: False)


@pytest.fixture
def here(tmp_path: Path) -> KeyFolder:
    """The receiver's keys."""
    return KeyFolder(tmp_path / "receiver")


@pytest.fixture
def there(tmp_path: Path, here: KeyFolder) -> KeyFolder:
    """The sender's keys; both know the token."""
    keys = KeyFolder(tmp_path / "sender")
    keys.set_token(here.token())
    return keys


def read(sock: socket.socket, count: int) -> bytes:
    """Exactly this many bytes."""
    got = bytearray()
    while len(got) < count:
        more = sock.recv(count - len(got))
        if not more:
            raise ConnectionResetError
        got += more
    return bytes(got)


def receive(security: ReceiverSecurity, raw: socket.socket) -> str:
    """The opening of a session, as the receiver's endpoint does it."""
    with closing(security.wrap(raw)) as sock:
        binding = security.binding(sock)
        theirs, mine = read(sock, 32), bytes(range(32))
        proof = security.prove(theirs, mine, binding)
        sock.sendall(mine + proof.ljust(32, b"\0") + security.authentication.ljust(11).encode())
        given = read(sock, 32) if proof else b""
        security.check(given, theirs, mine, binding)
        sock.sendall(b"welcome")
        return "met"


def send(security: SenderSecurity, raw: socket.socket) -> str:
    """The opening of a session, as the sender's endpoint does it."""
    with closing(security.wrap(raw)) as sock:
        binding = security.binding(sock)
        mine = bytes(range(32, 64))
        sock.sendall(mine)
        said = read(sock, 75)
        theirs, proof, authentication = said[:32], said[32:64], said[64:].decode().strip()
        security.check(authentication, proof, mine, theirs, binding)
        sock.sendall(security.prove(mine, theirs, binding))
        return read(sock, 7).decode()


@pytest.fixture
def greet(sockets: Sockets) -> Callable[..., tuple[Any, Any]]:
    """Let both sides open a session; gives what the receiver came to, and the sender."""

    def call(receiver: ReceiverSecurity, sender: SenderSecurity, ends: Any = None) -> tuple[Any, Any]:
        ends = ends or sockets.pair()
        both = sockets.start(receive, receiver, ends[0]), sockets.start(send, sender, ends[1])
        return outcome(both[0]), outcome(both[1])

    return call
