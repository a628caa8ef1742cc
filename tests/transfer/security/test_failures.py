import errno
import ssl

import pytest

from dwcp.errors import AuthenticationError, ConnectionLostError, ProtocolError
from dwcp.transfer.security import connection_error


def tls(reason, kind=ssl.SSLError):
    error = kind(1, f"[SSL: {reason}] text")
    error.reason = reason
    return error


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (TimeoutError("timed out"), ConnectionLostError, "did not answer in time"),
        (
            ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"),
            ConnectionLostError,
            "connection reset",
        ),
        (OSError(errno.EHOSTUNREACH, "No route to host"), ConnectionLostError, "no route to host"),
        (BrokenPipeError(), ConnectionLostError, "the other side ended it"),
        (ssl.SSLEOFError(8, "EOF occurred"), ConnectionLostError, "eof occurred"),
        (tls("DECRYPTION_FAILED_OR_BAD_RECORD_MAC"), ConnectionLostError, "changed on the way"),
        (
            tls("TLSV13_ALERT_CERTIFICATE_REQUIRED"),
            AuthenticationError,
            "does not trust this side's certificate",
        ),
        (tls("TLSV1_ALERT_UNKNOWN_CA"), AuthenticationError, "does not trust this side's certificate"),
        (
            tls("SSLV3_ALERT_CERTIFICATE_EXPIRED"),
            AuthenticationError,
            "does not trust this side's certificate",
        ),
        (tls("PEER_DID_NOT_RETURN_A_CERTIFICATE"), AuthenticationError, "shows no certificate"),
        (tls("WRONG_VERSION_NUMBER"), ProtocolError, "does not speak TLS, and this side does"),
        (tls("UNSUPPORTED_PROTOCOL"), ProtocolError, r"does not speak TLS 1\.3"),
        (tls("BAD_EXTENSION"), ProtocolError, r"does not keep to TLS \(bad extension\)"),
        (tls(None), ProtocolError, r"does not keep to TLS \(unknown reason\)"),
    ],
)
def test_every_failure_has_a_sentence(error, kind, words):
    told = connection_error(error, "server:7000")
    assert type(told) is kind
    with pytest.raises(kind, match=rf"server:7000.*{words}|{words}.*server:7000"):
        raise told
    assert told.retryable == (kind is ConnectionLostError)
