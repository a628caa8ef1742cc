import socket
from types import SimpleNamespace

import pytest

from dwcp.transfer.security.addresses import is_loopback, peer_name


def connection(own, peer, family=socket.AF_INET6):
    return SimpleNamespace(
        family=family, getsockname=lambda: (own, 1, 0, 0), getpeername=lambda: (peer, 7000, 0, 0)
    )


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_both_ends_on_loopback_stay_here(address):
    assert is_loopback(connection(address, address))


@pytest.mark.parametrize(
    "address",
    ["192.168.1.5", "10.0.0.1", "::ffff:10.0.0.1", "fe80::1%eth0", "2001:db8::1", "0.0.0.0", "128.0.0.1"],
)
def test_one_end_elsewhere_does_not(address):
    assert not is_loopback(connection(address, address))
    assert not is_loopback(connection("127.0.0.1", address))
    assert not is_loopback(connection(address, "127.0.0.1"))


def test_real_sockets(sockets):
    here, there = sockets.pair()
    assert is_loopback(here)
    assert is_loopback(there)
    assert peer_name(there) == f"127.0.0.1:{here.getsockname()[1]}"


def test_a_unix_socket_stays_here():
    here, there = socket.socketpair()
    with here, there:
        assert is_loopback(here)
        assert peer_name(here) == "the other end of a Unix socket"


def test_other_families_may_lead_anywhere():
    virtual = connection(2, 3, socket.AF_VSOCK)
    assert not is_loopback(virtual)
    assert "3" in peer_name(virtual)


def test_a_host_with_colons_is_in_brackets():
    assert peer_name(connection("::1", "2001:db8::1")) == "[2001:db8::1]:7000"
