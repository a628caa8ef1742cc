"""What is watched: the addresses of a host, and what the kernel tells of the way to them."""

import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

from dwcp.cli.watch.meter import InterfaceBytes
from dwcp.cli.watch.netlink import Connection, connections_to, interface_towards
from dwcp.errors import InputError

__all__ = ["Target"]

_INTERFACES = Path("/sys/class/net")


@dataclass(frozen=True, slots=True)
class Target:
    """The other end of a link.

    Attributes:
        name: as it was given.
        addresses: all that the host has.
        port: of the connections; None for any.
    """

    name: str
    addresses: tuple[IPv4Address | IPv6Address, ...]
    port: int | None

    @classmethod
    def parse(cls, text: str) -> "Target":
        """Understand ``HOST`` or ``HOST:PORT``, and look the host up.

        Raises:
            InputError: it is neither, or there is no such host.
        """
        host, port = _parts(text)
        try:
            found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError) as error:
            raise InputError(f"there is no host {host!r}: {getattr(error, 'strerror', error)}") from error
        addresses = dict.fromkeys(ip_address(str(entry[4][0]).partition("%")[0]) for entry in found)
        return cls(text, tuple(addresses), port)

    def connections(self) -> list[Connection]:
        """The connections to it that there are now.

        Raises:
            InputError: the kernel does not tell.
        """
        return [one for address in self.addresses for one in connections_to(address, self.port)]

    def interface(self) -> InterfaceBytes:
        """The interface that leads to it, as it stands now.

        Raises:
            InputError: there is no way to it, or the kernel does not tell.
        """
        name = interface_towards(self.addresses[0])
        folder = _INTERFACES / name / "statistics"
        try:
            received, sent = (int((folder / f"{way}_bytes").read_text()) for way in ("rx", "tx"))
        except (OSError, ValueError) as error:
            raise InputError(f"the counters of {name} cannot be read in {folder}: {error}") from error
        return InterfaceBytes(name, received, sent)


def _parts(text: str) -> tuple[str, int | None]:
    """Host and port. An IPv6 address with a port is in brackets."""
    bare = text.removeprefix("[").removesuffix("]")
    if text.count(":") > 1 and not text.startswith("["):
        return text, None
    if (text.startswith("[") and text.endswith("]")) or ":" not in text:
        host, port = bare, ""
    else:
        host, _, port = text.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
            raise InputError(f"{text!r} is no host; write HOST or HOST:PORT, e.g. backup.example.org:9440")
    if not host:
        raise InputError(f"{text!r} is no host; write HOST or HOST:PORT, e.g. backup.example.org:9440")
    return host, int(port) if port else None
