"""Addresses as people write them."""

import errno
import socket

import pytest

from dwcp.errors import ConnectionLostError, InputError
from dwcp.transfer.amst import PathMemory, PathRecord
from dwcp.transfer.endpoints.connect import Address, connect, is_loopback, listen
from dwcp.transfer.endpoints.doors import doors, in_order


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [("a.example:1", "a.example", 1), ("10.0.0.1:9440", "10.0.0.1", 9440), ("[::1]:0", "::1", 0)],
)
def test_an_address_is_understood_and_written_back(text, host, port):
    address = Address.parse(text)
    assert (address.host, address.port) == (host, port)
    assert str(address) == text


@pytest.mark.parametrize("text", ["", ":", "a", "a:", ":9", "a:b", "a:65536", "a:-1", "a:٣"])
def test_what_is_none_is_refused(text):
    with pytest.raises(InputError, match="HOST:PORT"):
        Address.parse(text)


def test_no_such_host_is_said():
    with pytest.raises((InputError, ConnectionLostError), match=r"nowhere\.invalid"):
        connect(Address("nowhere.invalid", 1), 5.0)


def test_a_port_in_use_is_said():
    with listen(Address("127.0.0.1", 0)) as first:
        port = first.getsockname()[1]
        with pytest.raises(InputError) as raised:
            listen(Address("127.0.0.1", port))
    assert str(raised.value) == (
        f"cannot listen on 127.0.0.1:{port}: the address is in use already; choose another port, or end the "
        "program that has it"
    )


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (PermissionError(errno.EACCES, "x"), "not be listened on by this user; choose a port from 1024 on"),
        (
            OSError(errno.EADDRNOTAVAIL, "x"),
            "this machine has no such address; name one of its own, or 0.0.0.0",
        ),
        (OSError(errno.ENOBUFS, "x"), "no buffer space available; choose another host or port"),
        (OSError("odd"), "odd; choose another host or port"),
        (socket.gaierror(-2, "x"), "there is no host 'a'; name an address of this machine"),
    ],
)
def test_what_cannot_be_listened_on_is_said_without_numbers(monkeypatch, error, words):
    def refuse(*_, **__):
        raise error

    monkeypatch.setattr(socket, "create_server", refuse)
    with pytest.raises(InputError, match="cannot listen on a:80: ") as raised:
        listen(Address("a", 80))
    assert words in str(raised.value)
    assert "Errno" not in str(raised.value)


def test_both_ends_tell_loopback():
    with (
        listen(Address("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as near,
        listener.accept()[0] as far,
    ):
        assert is_loopback(near)
        assert is_loopback(far)


def test_of_several_doors_the_nearest_known_one_comes_first(tmp_path):
    memory, now = PathMemory(tmp_path), 1e9
    for name, rtt_ms in (("far:1", 90.0), ("near:1", 2.0)):
        memory.remember(name, PathRecord(100.0, rtt_ms, 0.0, 1, now), now)
    order = in_order(doors("far:1,near:1"), None, memory, 0, now)
    assert [str(address) for address in order] == ["near:1", "far:1"]


def test_one_door_needs_no_choice():
    assert in_order(doors("a:1"), None, None, 0, 0.0) == (Address("a", 1),)
