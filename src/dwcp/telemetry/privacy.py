"""Identifiers leave the node as keyed hashes only: a hash of content cannot be confirmed by guessing."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from blake3 import blake3

from dwcp.errors import InputError, StorageError

__all__ = ["IdentifierHasher", "key_from_text", "load_or_create_key"]

_KEY_BYTES = 32
_HASH_BYTES = 16
_TEXT_KEY_CONTEXT = "dwcp telemetry 2025 identifier key from a setting"


class IdentifierHasher:
    """BLAKE3 in keyed mode, 128 bits, as 32 hex digits.

    Source: BLAKE3 specification, section 2.2 (keyed hash).
    """

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        """Take the deployment's key.

        Raises:
            InputError: the key is not 32 bytes long.
        """
        if len(key) != _KEY_BYTES:
            raise InputError(f"an identifier key has {_KEY_BYTES} bytes, this one has {len(key)}")
        self._key = key

    def __repr__(self) -> str:
        return "IdentifierHasher()"

    def hash(self, identifier: str, namespace: str) -> str:
        """The hash of an identifier; equal identifiers in different namespaces have different hashes."""
        text = f"{namespace}\0{identifier}".encode("utf-8", "surrogatepass")
        return blake3(text, key=self._key).hexdigest(_HASH_BYTES)


def key_from_text(text: str) -> bytes:
    """A key from the text of a setting, however long; the text must be secret and hard to guess.

    Raises:
        InputError: the text is empty.
    """
    if not text:
        raise InputError("the identifier key is empty; leave the setting out to have one made")
    return blake3(text.encode(), derive_key_context=_TEXT_KEY_CONTEXT).digest()


def load_or_create_key(path: Path, draw: Callable[[int], bytes] = secrets.token_bytes) -> bytes:
    """The deployment's key; made once, readable by its owner alone, whole or not there at all.

    Args:
        path: the key file.
        draw: gives that many random bytes.

    Returns:
        32 bytes; two processes that start at once get the same ones.

    Raises:
        InputError: the file is not a key, or others may read it.
        StorageError: the file cannot be read or made.
    """
    try:
        if not path.exists():
            _create(path, draw(_KEY_BYTES))
        key = path.read_bytes()
        mode = path.stat().st_mode
    except OSError as error:
        raise StorageError.of(error, f"key file {path} cannot be used: {error.strerror}") from error
    if len(key) != _KEY_BYTES:
        raise InputError(f"key file {path} does not hold a key of {_KEY_BYTES} bytes; restore it")
    if mode & 0o077:
        raise InputError(f"key file {path} may be read by others; run chmod 600 on it")
    return key


def _create(path: Path, key: bytes) -> None:
    """Link a finished file into place: whoever comes first wins, and no reader sees half a key."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(key)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
        _sync_folder(path.parent)
    except FileExistsError:
        pass
    finally:
        draft.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
