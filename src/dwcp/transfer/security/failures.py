"""What goes wrong with a connection, as the package's own errors: whose fault, and what to do about it."""

import ssl

from dwcp.errors import AuthenticationError, ConnectionLostError, ProtocolError, TransferError

__all__ = ["SAME_ON_BOTH", "TRUST_THERE", "connection_error"]

SAME_ON_BOTH = "give both sides --plain, or both --tls"
"""What to do where one side speaks TLS and the other plain text."""

TRUST_THERE = "dwcp keys trust NAME FILE takes what dwcp keys export writes there"
"""What to do about a certificate that is not trusted here."""

_NOT_TLS = {
    "BAD_RECORD_TYPE",
    "HTTPS_PROXY_REQUEST",
    "HTTP_REQUEST",
    "PACKET_LENGTH_TOO_LONG",
    "RECORD_LAYER_FAILURE",
    "UNEXPECTED_MESSAGE",
    "UNKNOWN_PROTOCOL",
    "WRONG_VERSION_NUMBER",
}
_TOO_OLD = {"TLSV1_ALERT_PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL"}
_CHANGED = {"BAD_RECORD_MAC", "DECRYPTION_FAILED_OR_BAD_RECORD_MAC", "SSLV3_ALERT_BAD_RECORD_MAC"}


def connection_error(error: OSError, peer: str) -> TransferError:
    """The error to raise for what a socket raised, encrypted or not.

    That the receiver does not trust the sender's certificate only shows when the sender first reads: reading
    and writing need this as much as the handshake does.

    Args:
        error: what the socket raised.
        peer: the other side, as a person knows it.
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        return AuthenticationError(
            f"{peer} shows a certificate that is not trusted here ({error.verify_message}): {TRUST_THERE}"
        )
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return _tls_error(error.reason or "", peer)
    if isinstance(error, TimeoutError):
        return ConnectionLostError(f"{peer} did not answer in time: see that it runs and the network is up")
    said = error.strerror or "the other side ended it"
    return ConnectionLostError(f"the connection to {peer} was lost ({said.lower()})")


def _tls_error(reason: str, peer: str) -> TransferError:
    if reason == "PEER_DID_NOT_RETURN_A_CERTIFICATE":
        return AuthenticationError(
            f"{peer} shows no certificate, and here one is asked for: use one on both sides"
        )
    if "ALERT" in reason and any(word in reason for word in ("CERTIFICATE", "UNKNOWN_CA", "ACCESS_DENIED")):
        return AuthenticationError(
            f"{peer} does not trust this side's certificate: there, dwcp keys trust NAME FILE takes what "
            f"dwcp keys export writes here"
        )
    if reason in _TOO_OLD:
        return ProtocolError(f"{peer} does not speak TLS 1.3: bring it up to date")
    if reason in _NOT_TLS:
        return ProtocolError(f"{peer} does not speak TLS, and this side does: {SAME_ON_BOTH}")
    if reason in _CHANGED:
        return ConnectionLostError(f"what came from {peer} was changed on the way")
    return ProtocolError(
        f"{peer} does not keep to TLS ({reason.lower().replace('_', ' ') or 'unknown reason'})"
    )
