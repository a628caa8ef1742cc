"""Who is on the other side, and nobody else: keys, TLS 1.3, and proofs of a shared token."""

from dwcp.transfer.security.failures import connection_error
from dwcp.transfer.security.keys import KeyFolder, default_key_folder
from dwcp.transfer.security.options import Authentication, SecurityOptions
from dwcp.transfer.security.proofs import NONCE_BYTES
from dwcp.transfer.security.receiver import ReceiverSecurity
from dwcp.transfer.security.sender import SenderSecurity
from dwcp.transfer.security.tls_socket import TlsSocket

__all__ = [
    "NONCE_BYTES",
    "Authentication",
    "KeyFolder",
    "ReceiverSecurity",
    "SecurityOptions",
    "SenderSecurity",
    "TlsSocket",
    "connection_error",
    "default_key_folder",
]
