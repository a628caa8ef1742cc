"""The first words on every stream: versions, nonces, and proofs that both sides know the token."""

import os
import socket

from msgspec import Struct

from dwcp.errors import AuthenticationError, ConnectionLostError, DwcpError, ProtocolError
from dwcp.transfer.endpoints.channel import Channel
from dwcp.transfer.endpoints.wire import Wire
from dwcp.transfer.protocol import (
    MAGIC,
    VERSION,
    Conversation,
    Failure,
    Hello,
    Message,
    Proof,
    error_of,
    failure_of,
)
from dwcp.transfer.security import ReceiverSecurity, SenderSecurity

__all__ = ["CODECS", "Greeting", "answer", "greet", "join"]

CODECS = ("none", "lz4", "lz4hc", "zstd", "delta")
"""What this implementation decodes in a bundle."""


class Greeting(Struct, frozen=True):
    """A stream whose HELLOs were exchanged.

    Attributes:
        channel: the stream.
        hello: what the other side said.
        binding: of the connection, which further streams must share.
    """

    channel: Channel
    hello: Hello
    binding: bytes


def greet(sock: socket.socket, security: SenderSecurity, timeout_s: float) -> Greeting:
    """Open stream 0 as the sender: HELLO, the receiver's proof checked, ours sent.

    Args:
        sock: connected.
        security: how the receiver is known, and we to it.
        timeout_s: how long nothing may move.

    Raises:
        AuthenticationError: the receiver is not the one that was meant, or does not want us.
        ProtocolError: it does not speak DWCP, or not this version.
        ConnectionLostError: it went away.
    """
    sock.settimeout(timeout_s)
    wrapped = security.wrap(sock)
    channel = Channel(Wire(wrapped, timeout_s), Conversation("sender", 0))
    try:
        return _greet(channel, security, security.binding(wrapped))
    except BaseException:
        channel.close()
        raise


def _greet(channel: Channel, security: SenderSecurity, binding: bytes) -> Greeting:
    ours = Hello(MAGIC, (VERSION, VERSION), os.urandom(32), 0, codecs=CODECS)
    channel.send(ours)
    theirs = _hello(channel)
    security.check(theirs.authentication, theirs.proof, ours.nonce, theirs.nonce, binding)
    if theirs.authentication == "token":
        channel.send(Proof(security.prove(ours.nonce, theirs.nonce, binding)))
    return Greeting(channel, theirs, binding)


def join(
    sock: socket.socket,
    security: SenderSecurity,
    binding: bytes,
    ticket: bytes,
    stream: int,
    timeout_s: float,
) -> Channel:
    """Open a further stream as the sender; data may follow at once.

    Args:
        sock: connected.
        security: as for stream 0.
        binding: of stream 0: the ticket is told to the same receiver alone.
        ticket: from ACCEPT.
        stream: its number.
        timeout_s: how long nothing may move.
    """
    sock.settimeout(timeout_s)
    channel = Channel(Wire(security.wrap(sock, binding), timeout_s), Conversation("sender", stream))
    channel.send(Hello(MAGIC, (VERSION, VERSION), os.urandom(32), stream, ticket, CODECS))
    return channel


def answer(sock: socket.socket, security: ReceiverSecurity, handshake_s: float, timeout_s: float) -> Greeting:
    """Take a connection as the receiver: their HELLO, ours, and on stream 0 their proof.

    Args:
        sock: accepted.
        security: who may send.
        handshake_s: how long nothing may move until the sender has shown who it is.
        timeout_s: the same afterwards.

    Raises:
        AuthenticationError: the sender does not show that it may.
        ProtocolError: it does not speak DWCP, or not this version.
        ConnectionLostError: it went away.
    """
    sock.settimeout(handshake_s)
    wrapped = security.wrap(sock)
    conversation = Conversation("receiver", None, authentication=security.authentication)
    channel = Channel(Wire(wrapped, handshake_s), conversation)
    try:
        greeting = _answer(channel, security, security.binding(wrapped))
    except DwcpError as error:
        channel.send_last(failure_of(error))
        channel.end()
        channel.close()
        raise
    channel.be_patient(timeout_s)
    return greeting


def _answer(channel: Channel, security: ReceiverSecurity, binding: bytes) -> Greeting:
    theirs = _hello(channel)
    nonce = os.urandom(32)
    if theirs.stream:
        channel.send(Hello(MAGIC, (VERSION, VERSION), nonce, theirs.stream, codecs=CODECS))
        return Greeting(channel, theirs, binding)
    authentication = security.authentication
    proof = security.prove(theirs.nonce, nonce, binding)
    channel.send(Hello(MAGIC, (VERSION, VERSION), nonce, 0, b"", CODECS, authentication, proof))
    if authentication == "token":
        said = channel.receive()
        if said is None:
            raise AuthenticationError(
                "the sender left when it saw our proof: it has another token (dwcp keys token prints ours)"
            )
        if not isinstance(said, Proof):
            raise ProtocolError("the sender did not prove that it knows the token")
        security.check(said.proof, theirs.nonce, nonce, binding)
    return Greeting(channel, theirs, binding)


def _hello(channel: Channel) -> Hello:
    said = _expected(channel)
    if not isinstance(said, Hello) or said.magic != MAGIC:
        raise ProtocolError("the other side does not speak DWCP; check host and port")
    lowest, highest = said.versions
    if not lowest <= VERSION <= highest:
        raise ProtocolError(
            f"the other side speaks versions {lowest} to {highest} of the protocol, this one {VERSION}: "
            "install the same release on both"
        )
    return said


def _expected(channel: Channel) -> Message:
    said = channel.receive()
    if said is None:
        raise ConnectionLostError("the other side closed the connection before it said anything")
    if isinstance(said, Failure):
        raise error_of(said)
    return said
