"""Where a connection leads: told by the addresses the socket really has, never by a name."""

import socket
from ipaddress import IPv6Address, ip_address

__all__ = ["is_loopback", "peer_name"]


def is_loopback(sock: socket.socket) -> bool:
    """Whether a connected socket stays on this host: both its ends are loopback addresses.

    A Unix socket does too. A loopback address at one end alone is not enough: a packet filter may have
    rewritten the other.

    Raises:
        OSError: the socket is not connected (any more).
    """
    if sock.family == socket.AF_UNIX:
        return True
    if sock.family not in (socket.AF_INET, socket.AF_INET6):
        return False
    return all(_is_loopback_address(str(end[0])) for end in (sock.getsockname(), sock.getpeername()))


def peer_name(sock: socket.socket) -> str:
    """The other end as a person writes it: ``HOST:PORT``, the host in brackets where it holds colons.

    Raises:
        OSError: the socket is not connected (any more).
    """
    if sock.family == socket.AF_UNIX:
        return "the other end of a Unix socket"
    if sock.family not in (socket.AF_INET, socket.AF_INET6):
        return f"the other end ({sock.getpeername()})"
    host, port = sock.getpeername()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _is_loopback_address(text: str) -> bool:
    address = ip_address(text)
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped.is_loopback
    return address.is_loopback
