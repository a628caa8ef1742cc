"""The side that listens: it proves first, and then wants the sender's proof."""

import socket
import ssl
from contextlib import suppress

from dwcp.errors import AuthenticationError, ConnectionLostError, ProtocolError
from dwcp.transfer.protocol import encode, failure_of
from dwcp.transfer.security.failures import SAME_ON_BOTH
from dwcp.transfer.security.proofs import NO_BINDING, binding_of, proves, receiver_proof, sender_proof
from dwcp.transfer.security.side import Side, let_it_read
from dwcp.transfer.security.tls_socket import TlsSocket

__all__ = ["ReceiverSecurity"]

_TLS_HANDSHAKE = b"\x16"
"""The first byte of any TLS connection; DWCP has no frame of that type."""


class ReceiverSecurity(Side):
    """The side that listens.

    `wrap` waits for the sender's first byte. A sender that begins otherwise than this side does is told so.
    Where plain text is not forced, a sender on this host may use TLS all the same.
    """

    _purpose = ssl.PROTOCOL_TLS_SERVER

    def binding(self, sock: socket.socket) -> bytes:
        """What proofs on this connection are bound to: 32 bytes.

        Args:
            sock: what `wrap` gave.
        """
        return binding_of(self._own_certificate) if isinstance(sock, TlsSocket) else NO_BINDING

    def prove(self, sender_nonce: bytes, receiver_nonce: bytes, binding: bytes) -> bytes:
        """The proof for this side's HELLO; empty where no token is used.

        Raises:
            ProtocolError: the sender's nonce is not 32 bytes.
        """
        if self.authentication != "token":
            return b""
        return receiver_proof(self._token, sender_nonce, receiver_nonce, binding)

    def check(self, proof: bytes, sender_nonce: bytes, receiver_nonce: bytes, binding: bytes) -> None:
        """Check the sender's PROOF; there is nothing to check where no token is used.

        Raises:
            AuthenticationError: the sender does not know the token.
            ProtocolError: the sender's nonce is not 32 bytes.
        """
        if self.authentication != "token":
            return
        if not proves(proof, sender_proof(self._token, sender_nonce, receiver_nonce, binding)):
            raise AuthenticationError(
                "the sender does not know this side's token: dwcp keys token prints it here, and there "
                "dwcp keys set-token takes it"
            )

    def _needs_tls(self, sock: socket.socket, peer: str, is_local: bool) -> bool:
        """As the sender begins, where that is as it must be, or where it need not be either way."""
        first = self._first_byte(sock, peer)
        if first == _TLS_HANDSHAKE:
            if self._context is None:
                _refuse(sock, "this side speaks plain text, and what came was TLS")
                raise ProtocolError(f"{peer} speaks TLS, and this side does not: {SAME_ON_BOTH}")
            return True
        if not super()._needs_tls(sock, peer, is_local):
            return False
        _refuse(sock, "this side speaks TLS, and what came was plain text")
        raise ProtocolError(f"{peer} does not speak TLS, and this side does: {SAME_ON_BOTH}")

    def _first_byte(self, sock: socket.socket, peer: str) -> bytes:
        """What the sender begins with; it stays to be read."""
        timeout_s = sock.gettimeout()
        sock.settimeout(self._options.handshake_timeout_s)
        first = sock.recv(1, socket.MSG_PEEK)
        sock.settimeout(timeout_s)
        if not first:
            raise ConnectionLostError(f"{peer} ended the connection before it said anything")
        return first


def _refuse(sock: socket.socket, why: str) -> None:
    """Say in plain text why a sender is refused, and let it read that.

    One that speaks plain text shows it as it is; one that speaks TLS finds out that this side does not.
    """
    with suppress(OSError):
        sock.sendall(encode(failure_of(ProtocolError(f"{why}: {SAME_ON_BOTH}"))))
    let_it_read(sock)
