"""Counts and sizes as people write them."""

__all__ = ["bytes_text", "counted"]

_UNITS = ((1e12, ".1f", "TB"), (1e9, ".1f", "GB"), (1e6, ".1f", "MB"), (1e3, ".0f", "kB"))


def counted(count: int, one: str, many: str = "") -> str:
    """A number and what there is that number of: ``1 file``, ``1,200 files``, ``2 entries``.

    Args:
        count: how many.
        one: the word for a single one.
        many: the word for any other number; ``one`` with an s unless given.
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def bytes_text(size_bytes: int) -> str:
    """A size in powers of ten: ``23.4 GB``, ``64.8 MB``, ``12 kB``, ``512 bytes``."""
    for unit_bytes, digits, unit in _UNITS:
        if size_bytes >= unit_bytes:
            return f"{size_bytes / unit_bytes:,{digits}} {unit}"
    return counted(size_bytes, "byte")
