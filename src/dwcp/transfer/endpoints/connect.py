"""Addresses, connecting to them, and listening on them."""

import ipaddress
import socket
from dataclasses import dataclass

from dwcp.errors import ConnectionLostError, InputError

__all__ = ["Address", "connect", "is_loopback", "listen"]


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a port, as given: ``backup.example.org:9440``, ``10.0.0.1:9440``, ``[::1]:9440``."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Understand ``HOST:PORT``.

        Raises:
            InputError: it is not one.
        """
        host, colon, port = text.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        if not (colon and host and port.isascii() and port.isdigit() and int(port) < 65536):
            raise InputError(f"{text!r} is not an address; write HOST:PORT, e.g. backup.example.org:9440")
        return cls(host, int(port))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def connect(address: Address, timeout_s: float) -> socket.socket:
    """Connect, trying each of the host's addresses.

    Raises:
        ConnectionLostError: nobody answers there.
        InputError: there is no such host.
    """
    try:
        return socket.create_connection((address.host, address.port), timeout_s)
    except socket.gaierror as error:
        raise InputError(f"there is no host {address.host!r}: {error.strerror}") from error
    except OSError as error:
        reason = "it did not answer in time" if isinstance(error, TimeoutError) else error.strerror or error
        raise ConnectionLostError(
            f"cannot connect to {address}: {reason}; is `dwcp receive` running there, and the port open?"
        ) from error


def listen(address: Address) -> socket.socket:
    """Listen.

    Raises:
        InputError: the address cannot be listened on.
    """
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        return socket.create_server((address.host, address.port), family=family, backlog=128)
    except (OSError, OverflowError) as error:
        raise InputError(f"cannot listen on {address}: {error}; choose another host or port") from error


def is_loopback(sock: socket.socket) -> bool:
    """Whether both ends of a connection are this machine's loopback."""
    try:
        ends = (sock.getsockname()[0], sock.getpeername()[0])
    except OSError:
        return False
    return all(ipaddress.ip_address(end.partition("%")[0]).is_loopback for end in ends)
