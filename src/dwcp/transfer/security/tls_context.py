"""TLS 1.3 and nothing older, with this side's certificate and exactly the trusted ones."""

import ssl
from collections.abc import Iterable

from dwcp.errors import InputError
from dwcp.transfer.security.keys import KeyFolder
from dwcp.transfer.security.tls_socket import TlsSocket

__all__ = ["make_context"]


def make_context(purpose: int, keys: KeyFolder, trusted: Iterable[bytes]) -> ssl.SSLContext:
    """A context that gives `TlsSocket` objects.

    Args:
        purpose: ``ssl.PROTOCOL_TLS_SERVER`` or ``ssl.PROTOCOL_TLS_CLIENT``.
        keys: where this side's certificate is.
        trusted: certificates (DER) of which the other side must show one; none where a token decides.

    Raises:
        InputError: the file with this side's key is damaged.
    """
    context = ssl.SSLContext(purpose)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.sslsocket_class = TlsSocket
    if purpose == ssl.PROTOCOL_TLS_CLIENT:
        context.check_hostname = False
    else:
        # Each stream shows its certificate anew: it costs a millisecond, and no round trip.
        context.num_tickets = 0
    try:
        context.load_cert_chain(keys.identity_file, password="")  # an empty one is never asked for
    except OSError as error:
        raise keys.damaged() from error
    anchors = b"".join(trusted)
    context.verify_mode = ssl.CERT_REQUIRED if anchors else ssl.CERT_NONE
    if anchors:
        _trust(context, anchors)
    return context


def _trust(context: ssl.SSLContext, anchors: bytes) -> None:
    try:
        context.load_verify_locations(cadata=anchors)
    except OSError as error:
        raise InputError(
            "a trusted certificate is damaged: dwcp keys distrust it, then trust it again"
        ) from error
