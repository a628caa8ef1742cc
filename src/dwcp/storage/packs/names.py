"""What a pack is called: the BLAKE3 of its content, in a folder of its first two digits."""

import re

__all__ = ["PACKS", "pack_id_of", "pack_object"]

PACKS = "packs"
"""The folder of names that packs have."""
_NAME = re.compile(f"{PACKS}/([0-9a-f]{{2}})/([0-9a-f]{{64}})")


def pack_object(pack_id: bytes) -> str:
    """The name of the object that is a pack.

    Args:
        pack_id: BLAKE3 of all its bytes, 32 bytes.
    """
    digits = pack_id.hex()
    return f"{PACKS}/{digits[:2]}/{digits}"


def pack_id_of(name: str) -> bytes | None:
    """The pack that an object's name says it is; None where it is no pack's name."""
    match = _NAME.fullmatch(name)
    if match is None or not match[2].startswith(match[1]):
        return None
    return bytes.fromhex(match[2])
