"""The side that listens: it proves first, and then wants the sender's proof."""

import socket
import ssl

from dwcp.errors import AuthenticationError, ConnectionLostError, ProtocolError
from dwcp.transfer.security.proofs import NO_BINDING, binding_of, proves, receiver_proof, sender_proof
from dwcp.transfer.security.side import Side
from dwcp.transfer.security.tls_socket import TlsSocket

__all__ = ["ReceiverSecurity"]

_TLS_HANDSHAKE = b"\x16"
"""The first byte of any TLS connection; DWCP has no frame of that type."""


class ReceiverSecurity(Side):
    """The side that listens.

    In plain text, `wrap` waits for the sender's first byte. Where plain text is not forced, a sender on this
    host may use TLS all the same.
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
        return super()._needs_tls(sock, peer, is_local) or self._speaks_tls(sock, peer)

    def _speaks_tls(self, sock: socket.socket, peer: str) -> bool:
        """Whether the sender begins with TLS where it need not."""
        timeout_s = sock.gettimeout()
        sock.settimeout(self._options.handshake_timeout_s)
        first = sock.recv(1, socket.MSG_PEEK)
        sock.settimeout(timeout_s)
        if not first:
            raise ConnectionLostError(f"{peer} ended the connection before it said anything")
        if first == _TLS_HANDSHAKE and self._context is None:
            raise ProtocolError(f"{peer} speaks TLS where plain text is used here: let both do the same")
        return first == _TLS_HANDSHAKE
