"""One sealed object: a head, and segments that are sealed each, so that a part can be read alone.

The segments are numbered in their nonces, which also say which is the last: the STREAM construction
(Hoang, Reyhanitabar, Rogaway, Vizár: Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance).
"""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dwcp.codecs import Buffer
from dwcp.codecs.buffers import byte_view
from dwcp.errors import CorruptBlockError
from dwcp.storage.sealing.keys import SALT_BYTES, StoreKeys

__all__ = [
    "HEAD_BYTES",
    "SEALED_BYTES",
    "SEGMENT_BYTES",
    "open_head",
    "open_segments",
    "plain_size",
    "seal_object",
]

_MAGIC = b"DWS\x01"
_TAG_BYTES = 16
HEAD_BYTES = len(_MAGIC) + SALT_BYTES
"""Length of what a sealed object begins with: four bytes, and the salt of its key."""
SEGMENT_BYTES = 16 * 1024
"""Plain bytes of each segment but the last, which has fewer, and may have none."""
SEALED_BYTES = SEGMENT_BYTES + _TAG_BYTES
"""Length of each sealed segment but the last."""


def seal_object(keys: StoreKeys, name: str, data: Buffer) -> bytes:
    """Seal an object under its name. The same object gives the same bytes."""
    view = byte_view(data)
    salt = keys.salt(name, view)
    cipher = keys.cipher(name, salt)
    parts = [_MAGIC, salt]
    for number in range(len(view) // SEGMENT_BYTES + 1):
        segment = view[number * SEGMENT_BYTES : (number + 1) * SEGMENT_BYTES]
        parts.append(cipher.encrypt(_nonce(number, len(segment) < SEGMENT_BYTES), segment, None))
    return b"".join(parts)


def open_head(keys: StoreKeys, name: str, head: Buffer) -> AESGCM:
    """What opens an object's segments.

    Args:
        keys: of the store.
        name: of the object.
        head: its first bytes, at least as many as a head has.

    Raises:
        CorruptBlockError: this is not how a sealed object begins.
    """
    found = bytes(head[:HEAD_BYTES])
    if len(found) < HEAD_BYTES or not found.startswith(_MAGIC):
        raise CorruptBlockError("it does not begin as a sealed object does")
    return keys.cipher(name, found[len(_MAGIC) :])


def open_segments(cipher: AESGCM, first: int, sealed: Buffer) -> tuple[bytes, bool]:
    """Open segments that follow each other.

    Args:
        cipher: of the object.
        first: number of the first.
        sealed: the segments; all but the object's last are as long as can be.

    Returns:
        What was sealed, and whether the object's last segment was among them.

    Raises:
        CorruptBlockError: one is not what was sealed there.
    """
    view = byte_view(sealed)
    parts = []
    try:
        for number, begin in enumerate(range(0, len(view), SEALED_BYTES), first):
            segment = view[begin : begin + SEALED_BYTES]
            parts.append(cipher.decrypt(_nonce(number, len(segment) < SEALED_BYTES), segment, None))
    except InvalidTag as error:
        raise CorruptBlockError(f"its segment {number} is not what was sealed there") from error
    return b"".join(parts), len(view) % SEALED_BYTES > 0


def plain_size(sealed_bytes: int) -> int:
    """Length of what was sealed, by the length of the sealed object; of one that was cut short, at most."""
    count, last_bytes = divmod(max(sealed_bytes - HEAD_BYTES, 0), SEALED_BYTES)
    return count * SEGMENT_BYTES + max(last_bytes - _TAG_BYTES, 0)


def _nonce(number: int, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes((is_last,))
