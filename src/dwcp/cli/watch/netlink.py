"""Questions to the Linux kernel by netlink: its TCP connections, and which interface leads to an address.

Messages are as in netlink(7), sock_diag(7) and rtnetlink(7); nobody needs to be root for what is asked here.
"""

import errno
import os
import socket
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from struct import Struct, calcsize, error, pack, unpack_from
from typing import NamedTuple

from dwcp.errors import InputError

__all__ = ["Connection", "connections_to", "interface_towards"]

Address = IPv4Address | IPv6Address

_HEADER = Struct("=IHHII")
_REQUEST, _DUMP = 0x1, 0x300
_ERROR, _DONE = 2, 3
_ROUTE_PROTOCOL, _DIAG_PROTOCOL = 0, 4
_GET_ROUTE, _BY_FAMILY = 26, 20
_DESTINATION, _OUT_INTERFACE = 1, 4
_INFO = 2
_ESTABLISHED = 1
_WAIT_S = 2.0
_DIAG_BYTES, _ROUTE_BYTES = 72, 12
_ROOM_BYTES = 1 << 16


class Connection(NamedTuple):
    """An established TCP connection of this host.

    Attributes:
        cookie: the kernel's number of the socket.
        peer: address at the other end.
        peer_port: port at the other end.
        info: the kernel's ``struct tcp_info``.
    """

    cookie: int
    peer: Address
    peer_port: int
    info: bytes


def connections_to(address: Address, port: int | None = None) -> list[Connection]:
    """The established TCP connections of this host, in this network namespace, to an address.

    Args:
        address: of the other end.
        port: of the other end; any unless given.

    Raises:
        InputError: the kernel does not tell.
    """
    found = [
        connection
        for family in _families(address)
        for connection in _connections(family)
        if connection.peer == address and port in (None, connection.peer_port)
    ]
    return sorted(found)


def interface_towards(address: Address) -> str:
    """The network interface by which packets leave for an address.

    Raises:
        InputError: there is no way to it, or the kernel does not tell.
    """
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    target = address.packed
    asked = pack("=BBBBBBBBI", family, 8 * len(target), *(0,) * 6, 0)
    asked += pack("=HH", 4 + len(target), _DESTINATION) + target
    for message in _ask(_ROUTE_PROTOCOL, _GET_ROUTE, _REQUEST, asked):
        index = _attributes(message, _ROUTE_BYTES).get(_OUT_INTERFACE)
        if index is not None:
            return socket.if_indextoname(unpack_from("=I", index)[0])
    raise InputError(f"there is no way to {address} from this host; see to its routes")


def _families(address: Address) -> list[int]:
    """An IPv4 address may be at the end of an IPv6 socket, too."""
    return [socket.AF_INET6] if address.version == 6 else [socket.AF_INET, socket.AF_INET6]


def _connections(family: int) -> Iterator[Connection]:
    states = 1 << _ESTABLISHED
    asked = pack("=BBBBI", family, socket.IPPROTO_TCP, 1 << (_INFO - 1), 0, states) + bytes(48)
    for message in _ask(_DIAG_PROTOCOL, _BY_FAMILY, _REQUEST | _DUMP, asked):
        info = _attributes(message, _DIAG_BYTES).get(_INFO)
        if info is None:
            continue
        (peer_port,) = unpack_from(">H", message, 6)
        (cookie,) = unpack_from("=Q", message, 44)
        packed = message[24:28] if family == socket.AF_INET else message[24:40]
        yield Connection(cookie, _plain(ip_address(packed)), peer_port, info)


def _plain(address: Address) -> Address:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _ask(protocol: int, kind: int, flags: int, body: bytes) -> list[bytes]:
    """Bodies of the answers."""
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol) as kernel:
            kernel.settimeout(_WAIT_S)
            kernel.send(_HEADER.pack(_HEADER.size + len(body), kind, flags, 1, 0) + body)
            return list(_answers(kernel, whole=not flags & _DUMP))
    except (OSError, error) as failure:
        why = getattr(failure, "strerror", None) or failure
        raise InputError(f"the kernel does not tell of connections and routes: {why}") from failure


def _answers(kernel: socket.socket, *, whole: bool) -> Iterator[bytes]:
    """Until the last message of a dump; of anything else, there is one datagram."""
    while True:
        received = kernel.recv(_ROOM_BYTES)
        place = 0
        while place + _HEADER.size <= len(received):
            length, kind, *_ = _HEADER.unpack_from(received, place)
            body = received[place + _HEADER.size : place + length]
            if kind == _DONE:
                return
            if kind == _ERROR:
                number = -unpack_from("=i", body)[0]
                raise OSError(number, os.strerror(number) if number else errno.errorcode[errno.EPROTO])
            yield body
            place += max(_HEADER.size, (length + 3) & ~3)
        if whole:
            return


def _attributes(message: bytes, place: int) -> dict[int, bytes]:
    found = {}
    while place + calcsize("=HH") <= len(message):
        length, kind = unpack_from("=HH", message, place)
        found[kind] = message[place + 4 : place + length]
        place += max(4, (length + 3) & ~3)
    return found
