"""What both sides of a secured connection have in common."""

import socket
import ssl
from contextlib import suppress
from typing import ClassVar

from dwcp.errors import AuthenticationError, TransferError
from dwcp.transfer.security.addresses import is_loopback, peer_name
from dwcp.transfer.security.failures import TRUST_THERE, connection_error
from dwcp.transfer.security.keys import KeyFolder
from dwcp.transfer.security.options import SecurityOptions, chosen_authentication, chosen_certificates
from dwcp.transfer.security.tls_context import make_context
from dwcp.transfer.security.tls_socket import TlsSocket

__all__ = ["Side", "let_it_read"]

_LAST_WORDS_S = 1.0
_LAST_READS = 4


class Side:
    """One side. One object serves any number of connections, from any thread.

    Keys are read when it is made: what ``dwcp keys`` changes later is seen by the next object.

    Args:
        keys: the folder of this side's keys; what is missing in it is made, unless nothing authenticates.
        options: what was chosen; the defaults when None.

    Raises:
        InputError: nobody is trusted, a key file is damaged or lies open to others.
        StorageError: the folder cannot be written.
    """

    _purpose: ClassVar[int]

    def __init__(self, keys: KeyFolder, options: SecurityOptions | None = None) -> None:
        self._options = options or SecurityOptions()
        self.authentication = chosen_authentication(self._options, keys)
        """How both sides show that they may: ``none``, ``token`` or ``certificate``."""
        self._token = keys.token() if self.authentication == "token" else ""
        self._trusted: frozenset[bytes] = frozenset()
        if self.authentication == "certificate":
            self._trusted = chosen_certificates(self._options, keys)
        self._own_certificate = b""
        self._context: ssl.SSLContext | None = None
        if self.authentication != "none" and not self._options.plain:
            self._own_certificate = keys.certificate()
            self._context = make_context(self._purpose, keys, self._trusted)

    def wrap(self, sock: socket.socket) -> socket.socket:
        """Secure a connected socket; on failure it is closed.

        Takes as long as the handshake may last: call it in the connection's own thread. The timeout of the
        socket stays what it was.

        Returns:
            A `TlsSocket`, or ``sock`` itself where plain text is used.

        Raises:
            AuthenticationError: the other side is not trusted, or what is neither encrypted nor
                authenticated would leave this host.
            ProtocolError: the other side does not speak TLS 1.3, or does where plain text is used here.
            ConnectionLostError: the connection ended, or the handshake took too long.
        """
        peer = "the other side"
        try:
            peer, is_local = peer_name(sock), is_loopback(sock)
            if self.authentication == "none" and not is_local:
                raise AuthenticationError(f"{peer} is not on this host: use the token or certificates")
            return self._begin_tls(sock, peer) if self._needs_tls(sock, peer, is_local) else sock
        except OSError as error:
            sock.close()
            raise connection_error(error, peer) from error
        except TransferError:
            sock.close()
            raise

    def _needs_tls(self, sock: socket.socket, peer: str, is_local: bool) -> bool:  # noqa: ARG002 - a receiver looks
        if self._context is None:
            return False
        return not is_local or self._options.plain is False or self.authentication == "certificate"

    def _begin_tls(self, sock: socket.socket, peer: str) -> TlsSocket:
        assert self._context is not None
        timeout_s = sock.gettimeout()
        sock.settimeout(self._options.handshake_timeout_s)
        is_server = self._purpose == ssl.PROTOCOL_TLS_SERVER
        tls = self._context.wrap_socket(sock, server_side=is_server, do_handshake_on_connect=False)
        assert isinstance(tls, TlsSocket)
        try:
            self._shake_hands(tls, peer)
        except BaseException:
            tls.close()
            raise
        tls.ready()
        tls.settimeout(timeout_s)
        return tls

    def _shake_hands(self, tls: TlsSocket, peer: str) -> None:
        try:
            tls.do_handshake()
        except ssl.SSLCertVerificationError:
            let_it_read(tls)
            raise
        # A trusted certificate might have signed others: those are not trusted.
        if self._trusted and tls.getpeercert(binary_form=True) not in self._trusted:
            raise AuthenticationError(f"{peer} shows a certificate that is not trusted here: {TRUST_THERE}")


def let_it_read(sock: socket.socket) -> None:
    """Wait a little until the other side has read why it is refused.

    Closing at once, with its words unread, would reset the connection, and ours could be lost.
    """
    with suppress(OSError):
        sock.settimeout(_LAST_WORDS_S)
        sock.shutdown(socket.SHUT_WR)
        for _ in range(_LAST_READS):
            if not socket.socket.recv(sock, 4096):
                return
