"""The object ``config`` of an encrypted store: its key and its settings, behind a passphrase."""

import unicodedata

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from dwcp.blocks.canonical import fields, to_canonical
from dwcp.errors import CorruptBlockError, InputError, StorageError, StoreError
from dwcp.storage.sealing.cost import DATA_KEY_BYTES, KeyCost
from dwcp.storage.settings import CONFIG, SEALED_TAG, StoreSettings, open_config, with_checksum

__all__ = ["CONFIG_SALT_BYTES", "open_sealed_config", "sealed_config"]

CONFIG_SALT_BYTES = 32
"""Length of the salt that a passphrase is stretched with."""
_NONCE = bytes(12)
"""A key that a new salt gave seals one text, so its nonce need not differ from any."""


def sealed_config(
    settings: StoreSettings, data_key: bytes, passphrase: str, cost: KeyCost, salt: bytes
) -> bytes:
    """The bytes of the object ``config``.

    Args:
        settings: of the store.
        data_key: 32 bytes that all is sealed with.
        passphrase: that opens it.
        cost: of trying one.
        salt: 32 random bytes, never used before.

    Raises:
        InputError: the passphrase is empty or no text.
    """
    head = [SEALED_TAG, cost.memory_kib, cost.passes, cost.lanes, salt]
    cipher = AESGCM(_stretched(passphrase, cost, salt))
    sealed = cipher.encrypt(_NONCE, data_key + settings.to_bytes(), to_canonical(head))
    return with_checksum(to_canonical([*head, sealed]))


def open_sealed_config(data: bytes, passphrase: str, shown: str) -> tuple[StoreSettings, bytes]:
    """Open the object ``config``.

    Args:
        data: its bytes.
        passphrase: that may open it.
        shown: where the store is, for messages.

    Returns:
        The settings and the key that all is sealed with.

    Raises:
        InputError: this is not the store's passphrase.
        StoreError: the object is damaged, of a newer version, or asks for too much memory or time.
    """
    try:
        *head, sealed = fields(open_config(data), str, int, int, int, bytes, bytes)
        _, memory_kib, passes, lanes, salt = head
        cost = KeyCost(memory_kib, passes, lanes)
    except (CorruptBlockError, InputError) as error:
        raise StoreError(f"the store's object {CONFIG} is not understood: {error}") from error
    cipher = AESGCM(_stretched(passphrase, cost, salt))
    try:
        plain = cipher.decrypt(_NONCE, sealed, to_canonical(head))
    except InvalidTag as error:
        raise InputError(f"this is not the passphrase of the store in {shown}") from error
    return StoreSettings.from_bytes(plain[DATA_KEY_BYTES:]), plain[:DATA_KEY_BYTES]


def _stretched(passphrase: str, cost: KeyCost, salt: bytes) -> bytes:
    """A key, by Argon2id (RFC 9106), of the text as every keyboard gives it (Unicode's form NFC)."""
    if not passphrase:
        raise InputError("a passphrase has at least one character")
    try:
        text = unicodedata.normalize("NFC", passphrase).encode()
    except UnicodeEncodeError:
        raise InputError("a passphrase is text in UTF-8") from None
    if len(salt) != CONFIG_SALT_BYTES:
        raise StoreError(
            f"the store's object {CONFIG} has a salt of {len(salt)} bytes, not {CONFIG_SALT_BYTES}"
        )
    kdf = Argon2id(
        salt=salt, length=32, iterations=cost.passes, lanes=cost.lanes, memory_cost=cost.memory_kib
    )
    try:
        return kdf.derive(text)
    except MemoryError as error:
        raise StorageError(
            f"{cost.memory_kib >> 10} MiB of memory are needed to try a passphrase; free some, then try again"
        ) from error
