"""A key and its self-signed certificate: who a host is.

The certificate itself is the identity: no name in it and no authority is believed, only whether it is exactly
the one that is trusted. It therefore never expires: 99991231235959Z stands for "no well-defined expiration"
(RFC 5280, section 4.1.2.5).
"""

import base64
import hashlib
import re
import warnings
from datetime import UTC, datetime

from dwcp.errors import InputError

__all__ = ["certificate_of", "fingerprint_of", "make_identity", "read_certificate"]

_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----\s+([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----")
_PRIVATE_KEY = b"PRIVATE KEY-----"
_FIRST_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)
"""A host whose clock was reset is let in all the same."""
_NO_EXPIRATION = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


def make_identity() -> bytes:
    """A new Ed25519 key (PKCS 8) and its certificate, as PEM, one after the other."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = Ed25519PrivateKey.generate()
    public = key.public_key()
    identifier = x509.SubjectKeyIdentifier.from_public_key(public)
    # A name of its own for each: anchors are looked up by name, and must not be taken for one another.
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"dwcp {identifier.digest.hex()}")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_FIRST_MOMENT)
        .not_valid_after(_NO_EXPIRATION)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(identifier, critical=False)
    )
    certificate = builder.sign(key, None)
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return secret + certificate.public_bytes(Encoding.PEM)


def certificate_of(pem: bytes) -> bytes:
    """The first certificate in a PEM text, as DER; what is in it is not looked at.

    Raises:
        ValueError: there is none.
    """
    found = _CERTIFICATE.search(pem)
    if found is None:
        raise ValueError("there is no certificate in it")
    return base64.b64decode(b"".join(found[1].split()), validate=True)


def read_certificate(pem: bytes) -> bytes:
    """The one certificate that somebody gave as PEM, understood and as DER.

    Raises:
        InputError: there is none, there are several, it is damaged, or a private key lies beside it.
    """
    if _PRIVATE_KEY in pem:
        raise InputError(
            "it holds a private key, which must stay where it was made: give what dwcp keys export writes"
        )
    found = _understood(pem)
    if len(found) != 1:
        raise InputError(f"it holds {len(found)} certificates; give one alone, without those that signed it")
    return found[0]


def _understood(pem: bytes) -> list[bytes]:
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.utils import CryptographyDeprecationWarning

    try:
        with warnings.catch_warnings():
            # Said of what keeps to no standard.
            warnings.simplefilter("error", CryptographyDeprecationWarning)
            certificates = x509.load_pem_x509_certificates(pem)
            for certificate in certificates:
                certificate.public_key()
    except (ValueError, x509.InvalidVersion, UnsupportedAlgorithm, CryptographyDeprecationWarning) as error:
        raise InputError("it is not a PEM certificate: give what dwcp keys export writes") from error
    return [certificate.public_bytes(Encoding.DER) for certificate in certificates]


def fingerprint_of(der: bytes) -> str:
    """SHA-256 of a certificate as ``openssl x509 -fingerprint -sha256`` writes it: ``AB:CD:...``."""
    return hashlib.sha256(der).digest().hex(":").upper()
