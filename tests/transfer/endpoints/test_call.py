"""Calls: connect and greet beside other work; and what becomes of one that nobody needs any more."""

import socket

import pytest

from dwcp.errors import ConnectionLostError, InputError
from dwcp.transfer import SecurityOptions, SendOptions, send
from dwcp.transfer.endpoints import receiver
from dwcp.transfer.endpoints.call import Call
from dwcp.transfer.endpoints.connect import Address
from dwcp.transfer.endpoints.limits import SenderLimits
from dwcp.transfer.security import SenderSecurity

LIMITS = SenderLimits(1, timeout_s=20.0)


@pytest.fixture
def call(environment):
    security = SenderSecurity(environment.keys, SecurityOptions())
    return lambda address, limits=LIMITS: Call(Address.parse(address), security, limits)


def test_the_answer_is_the_receivers_greeting(serve, call):
    with serve() as served:
        made = call(served.address)
        assert made.answer().hello.authentication == "token"
        assert made.was_connected
        made.give_up()
        made.give_up()


def test_where_nobody_listens_the_answer_says_so(call):
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    made = call(address)
    with pytest.raises(ConnectionLostError, match="cannot connect"):
        made.answer()
    assert not made.was_connected
    made.give_up()


def test_an_option_that_the_system_lacks_is_said(serve, call):
    with serve() as served, pytest.raises(InputError, match="congestion control"):
        call(served.address, SenderLimits(1, congestion="no-such")).answer()


@pytest.mark.parametrize("is_answered", [True, False])
def test_a_call_that_is_given_up_is_closed(serve, call, is_answered):
    """The receiver ends when all its connections have: so it would go on waiting for this one."""
    with serve() as served:
        made = call(served.address)
        if is_answered:
            made.answer()
        made.give_up()
    if is_answered:
        assert "before it offered anything" in str(served.failures[0])


def test_small_words_of_the_receiver_do_not_wait_for_each_other(tmp_path, environment, serve, monkeypatch):
    """An ACK and DONE right after it: with Nagle's algorithm, DONE would come a round trip later."""
    seen = []
    real = receiver.answer

    def spied(sock, *rest):
        seen.append(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        return real(sock, *rest)

    monkeypatch.setattr(receiver, "answer", spied)
    (tmp_path / "file").write_bytes(b"x")
    with serve() as served:
        send(tmp_path / "file", served.address, SendOptions(streams=1), environment=environment)
    assert seen
    assert all(seen)
