"""The keys of an encrypted store: all are derived from one that was drawn when it was made."""

from blake3 import blake3
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from dwcp.codecs import Buffer
from dwcp.errors import InputError
from dwcp.storage.sealing.cost import DATA_KEY_BYTES

__all__ = ["SALT_BYTES", "StoreKeys"]

SALT_BYTES = 32
"""Length of what an object's key is derived with."""
_CACHE_ID_BYTES = 16
_SIV_BYTES = 16


class StoreKeys:
    """What seals names and objects. It has no text that shows a key."""

    def __init__(self, data_key: bytes) -> None:
        """Derive the keys by HKDF (RFC 5869), one for each purpose.

        Args:
            data_key: 32 random bytes.

        Raises:
            InputError: it has another length.
        """
        if len(data_key) != DATA_KEY_BYTES:
            raise InputError(f"a store's key has {DATA_KEY_BYTES} bytes, not {len(data_key)}")
        self.data_key = data_key
        self._names = AESSIV(_expanded(data_key, b"dwcp store/1 names", 64))
        self._salt_key = _expanded(data_key, b"dwcp store/1 salts", 32)
        self._object_key = _expanded(data_key, b"dwcp store/1 objects", 32)
        self.cache_id = _expanded(data_key, b"dwcp store/1 cache", _CACHE_ID_BYTES).hex()

    def seal_name(self, name: str) -> str:
        """What an object is called in the backend: the same each time. Its first folder can be read.

        The rest is AES-SIV (RFC 5297), which takes no nonce, in hexadecimal.
        """
        folder, slash, _ = name.partition("/")
        if not slash:
            return name
        digits = self._names.encrypt(name.encode(), None).hex()
        return f"{folder}/{digits[:2]}/{digits}"

    def open_name(self, sealed: str) -> str | None:
        """The name that a sealed one stands for; None where it stands for none."""
        if "/" not in sealed:
            return sealed
        try:
            name = self._names.decrypt(bytes.fromhex(sealed.rpartition("/")[2]), None).decode()
        except (InvalidTag, ValueError):
            return None
        return name if self.seal_name(name) == sealed else None

    def salt(self, name: str, data: Buffer) -> bytes:
        """What an object's key is derived with: differs where name or content do, and tells neither.

        No random number is needed that could come twice: a key never seals two contents.
        """
        digest = blake3(key=self._salt_key)
        digest.update(b"%d %b " % (len(name), name.encode()))
        digest.update(data)
        return digest.digest(SALT_BYTES)

    def cipher(self, name: str, salt: bytes) -> AESGCM:
        """What seals the one object of this name and salt; under another name it opens nothing."""
        info = b"dwcp store/1 object " + name.encode()
        return AESGCM(HKDF(SHA256(), 32, salt, info).derive(self._object_key))


def _expanded(key: bytes, info: bytes, length: int) -> bytes:
    return HKDFExpand(SHA256(), length, info).derive(key)
