"""Addresses, connecting to them, and listening on them."""

import errno
import ipaddress
import os
import socket

from msgspec import Struct

from dwcp.errors import ConnectionLostError, InputError

__all__ = ["Address", "connect", "is_loopback", "listen"]

_PRIVILEGED = "it may not be listened on by this user; choose a port from 1024 on"
_NO_LISTENING = {
    errno.EADDRINUSE: "the address is in use already; choose another port, or end the program that has it",
    errno.EADDRNOTAVAIL: "this machine has no such address; name one of its own, or 0.0.0.0 for all of them",
    errno.EAFNOSUPPORT: "this machine has no addresses of that kind; name another one",
    errno.EACCES: _PRIVILEGED,
    errno.EPERM: _PRIVILEGED,
}


class Address(Struct, frozen=True):
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
    except socket.gaierror as error:
        raise InputError(
            f"cannot listen on {address}: there is no host {address.host!r}; name an address of this machine"
        ) from error
    except OSError as error:
        raise InputError(f"cannot listen on {address}: {_why_not(error)}") from error


def _why_not(error: OSError) -> str:
    """Why an address cannot be listened on, and what to do; `socket.create_server` adds words of its own."""
    if error.errno in _NO_LISTENING:
        return _NO_LISTENING[error.errno]
    said = os.strerror(error.errno).lower() if error.errno else str(error)
    return f"{said}; choose another host or port"


def is_loopback(sock: socket.socket) -> bool:
    """Whether both ends of a connection are this machine's loopback."""
    try:
        ends = (sock.getsockname()[0], sock.getpeername()[0])
    except OSError:
        return False
    return all(ipaddress.ip_address(end.partition("%")[0]).is_loopback for end in ends)
