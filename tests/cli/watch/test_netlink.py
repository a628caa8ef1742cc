"""What the kernel tells, of connections that are really there."""

import socket
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest

from dwcp.cli.watch import netlink
from dwcp.cli.watch.netlink import connections_to, interface_towards
from dwcp.errors import InputError
from dwcp.telemetry.tcp import read_tcp_info

LOCAL = IPv4Address("127.0.0.1")


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
        server.accept()[0] as accepted,
    ):
        yield client, accepted


def test_a_connection_is_found_by_its_other_end(pair) -> None:
    client, accepted = pair
    port = client.getpeername()[1]
    [found] = connections_to(LOCAL, port)
    assert (found.peer, found.peer_port) == (LOCAL, port)
    assert len(found.info) >= 192
    ports = {one.peer_port for one in connections_to(LOCAL)}
    assert {port, accepted.getpeername()[1]} <= ports
    assert connections_to(IPv4Address("127.9.9.9")) == []


def test_it_tells_what_the_socket_itself_tells(pair) -> None:
    client, accepted = pair
    client.sendall(bytes(50_000))
    while accepted.recv(1 << 16, socket.MSG_PEEK) and len(accepted.recv(1 << 16, socket.MSG_PEEK)) < 50_000:
        pass
    [found] = connections_to(LOCAL, client.getpeername()[1])
    info = read_tcp_info(client)
    assert int.from_bytes(found.info[120:128], "little") == info.bytes_acked
    assert int.from_bytes(found.info[68:72], "little") == info.rtt_us


def test_an_ipv4_address_at_an_ipv6_socket_is_found() -> None:
    with (
        socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as server,
        socket.create_connection(("127.0.0.1", server.getsockname()[1])) as client,
        server.accept()[0],
    ):
        [found] = connections_to(LOCAL, client.getsockname()[1])
        assert found.peer == LOCAL


def test_an_ipv6_connection_is_found() -> None:
    with (
        socket.create_server(("::1", 0), family=socket.AF_INET6) as server,
        socket.create_connection(server.getsockname()[:2]),
    ):
        [found] = connections_to(IPv6Address("::1"), server.getsockname()[1])
        assert found.peer == IPv6Address("::1")


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_the_interface_towards_this_host_is_loopback(address: str) -> None:
    assert interface_towards(ip_address(address)) == "lo"


def test_where_no_way_leads_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(netlink, "_ask", lambda *_: [])
    with pytest.raises(InputError, match="no way to"):
        interface_towards(LOCAL)


def test_what_the_kernel_refuses_is_said() -> None:
    with pytest.raises(InputError, match="does not tell of connections and routes: Operation not supported"):
        netlink._ask(0, 999, 0x1, bytes(16))


def test_a_kernel_that_does_not_answer_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_words: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(netlink.socket, "socket", refused)
    with pytest.raises(InputError, match="does not tell of connections and routes: Operation not permitted"):
        connections_to(LOCAL)
