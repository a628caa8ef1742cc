"""Proofs that a side knows the token: over both nonces and what binds them to this connection.

``HMAC-SHA256(token, label || binding || sender nonce || receiver nonce)`` (RFC 2104). The binding is the
SHA-256 of the receiver's certificate, much like ``tls-server-end-point`` (RFC 5929, section 4): whoever ends
the encryption in between has to show another certificate, and then no proof fits. The receiver's proof goes
out to anybody who connects, so a token must be too strong to be guessed.
"""

import hashlib
import hmac

from dwcp.errors import InputError, ProtocolError

__all__ = [
    "MIN_TOKEN_CHARACTERS",
    "NONCE_BYTES",
    "NO_BINDING",
    "binding_of",
    "checked_token",
    "proves",
    "receiver_proof",
    "sender_proof",
]

MIN_TOKEN_CHARACTERS = 22
"""Shortest token: 128 bits in base 64."""
_MAX_TOKEN_CHARACTERS = 1024
NONCE_BYTES = 32
"""Length of the random bytes in each HELLO."""
NO_BINDING = bytes(32)
"""The binding of a connection without TLS."""


def binding_of(certificate: bytes) -> bytes:
    """What binds a proof to a receiver's certificate (DER)."""
    return hashlib.sha256(certificate).digest()


def checked_token(token: str) -> str:
    """A token without the white space round it.

    Raises:
        InputError: it is too short or too long, or holds what is not printable ASCII.
    """
    token = token.strip()
    if not MIN_TOKEN_CHARACTERS <= len(token) <= _MAX_TOKEN_CHARACTERS:
        raise InputError(
            f"the token has {len(token)} characters; it needs {MIN_TOKEN_CHARACTERS} to "
            f"{_MAX_TOKEN_CHARACTERS} random ones, or it could be guessed: dwcp keys token prints a good one"
        )
    if not all("!" <= character <= "~" for character in token):
        raise InputError(
            "the token holds blanks or other than ASCII characters: dwcp keys token prints a good one"
        )
    return token


def receiver_proof(token: str, sender_nonce: bytes, receiver_nonce: bytes, binding: bytes) -> bytes:
    """What a receiver says in its HELLO: 32 bytes.

    Raises:
        ProtocolError: a nonce or the binding is not 32 bytes.
    """
    return _proof(token, b"dwcp receiver 1", sender_nonce, receiver_nonce, binding)


def sender_proof(token: str, sender_nonce: bytes, receiver_nonce: bytes, binding: bytes) -> bytes:
    """What a sender answers in its PROOF: 32 bytes.

    Raises:
        ProtocolError: a nonce or the binding is not 32 bytes.
    """
    return _proof(token, b"dwcp sender 1", sender_nonce, receiver_nonce, binding)


def proves(given: bytes, expected: bytes) -> bool:
    """Whether a proof is the expected one; takes as long either way."""
    return hmac.compare_digest(given, expected)


def _proof(token: str, label: bytes, sender_nonce: bytes, receiver_nonce: bytes, binding: bytes) -> bytes:
    # Of fixed lengths, or one message could be read as another.
    if not len(sender_nonce) == len(receiver_nonce) == len(binding) == NONCE_BYTES:
        raise ProtocolError(f"a nonce is not {NONCE_BYTES} bytes long: the other side does not speak DWCP")
    return hmac.digest(token.encode("ascii"), label + binding + sender_nonce + receiver_nonce, "sha256")
