"""The side that connects: it wants the receiver's proof before it says anything else."""

import socket
import ssl

from dwcp.errors import AuthenticationError
from dwcp.transfer.security.failures import TRUST_THERE
from dwcp.transfer.security.proofs import NO_BINDING, binding_of, proves, receiver_proof, sender_proof
from dwcp.transfer.security.side import Side
from dwcp.transfer.security.tls_socket import TlsSocket

__all__ = ["SenderSecurity"]

_MISMATCHES = {
    ("token", "certificate"): f"the receiver uses certificates, and none is trusted here: {TRUST_THERE}",
    ("certificate", "token"): "the receiver uses the token, and this side certificates: let it trust this "
    "side's with dwcp keys trust, or trust nobody here with dwcp keys distrust",
}
"""What to do where this side's way is not the receiver's."""


class SenderSecurity(Side):
    """The side that connects."""

    _purpose = ssl.PROTOCOL_TLS_CLIENT

    def wrap(self, sock: socket.socket, binding: bytes | None = None) -> socket.socket:
        """Secure a connected socket as `Side.wrap` does; further streams must lead where the first one led.

        Args:
            sock: connected.
            binding: that of the session's first stream, so that its ticket is told to nobody else.

        Raises:
            AuthenticationError: as of `Side.wrap`, or another receiver answers.
        """
        wrapped = super().wrap(sock)
        if binding is not None and self.binding(wrapped) != binding:
            wrapped.close()
            raise AuthenticationError("another receiver answers than at first: start the transfer again")
        return wrapped

    def binding(self, sock: socket.socket) -> bytes:
        """What proofs on this connection are bound to: 32 bytes.

        Args:
            sock: what `wrap` gave.
        """
        if not isinstance(sock, TlsSocket):
            return NO_BINDING
        return binding_of(sock.getpeercert(binary_form=True) or b"")

    def prove(self, sender_nonce: bytes, receiver_nonce: bytes, binding: bytes) -> bytes:
        """The PROOF, to be sent after `check` only; empty where no token is used.

        Raises:
            ProtocolError: the receiver's nonce is not 32 bytes.
        """
        if self.authentication != "token":
            return b""
        return sender_proof(self._token, sender_nonce, receiver_nonce, binding)

    def check(
        self, authentication: str, proof: bytes, sender_nonce: bytes, receiver_nonce: bytes, binding: bytes
    ) -> None:
        """Check the receiver's HELLO: how it authenticates, and that it knows the token where one is used.

        Raises:
            AuthenticationError: it authenticates otherwise, or does not know the token.
            ProtocolError: the receiver's nonce is not 32 bytes.
        """
        if authentication != self.authentication:
            both = (
                f"the receiver uses {authentication[:20]!r}, this side {self.authentication!r}: use the same"
            )
            raise AuthenticationError(_MISMATCHES.get((self.authentication, authentication), both))
        if self.authentication != "token":
            return
        if not proves(proof, receiver_proof(self._token, sender_nonce, receiver_nonce, binding)):
            raise AuthenticationError(
                "the receiver does not know this side's token, or somebody sits in between: dwcp keys token "
                "prints it there, and here dwcp keys set-token takes it"
            )
