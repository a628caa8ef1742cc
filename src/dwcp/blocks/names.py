"""What an entry of a directory may be called, and what may be said of it."""

from dwcp.errors import InputError

__all__ = [
    "MAX_MODE",
    "MAX_NAME_BYTES",
    "MAX_SIZE_BYTES",
    "MAX_TARGET_BYTES",
    "check_mode",
    "check_mtime",
    "check_name",
    "check_size",
    "check_target",
]

MAX_NAME_BYTES = 255
"""Longest name of an entry."""
MAX_TARGET_BYTES = 4095
"""Longest target of a symbolic link."""
MAX_MODE = 0o7777
"""Permission bits, with set-user-id, set-group-id and sticky; no file type."""
MAX_SIZE_BYTES = 2**63 - 1
"""Longest file."""


def check_name(name: bytes) -> None:
    """Refuse what cannot name an entry, or would lead out of its directory.

    Args:
        name: one path component, as the file system spells it; need not be UTF-8.

    Raises:
        InputError: it is empty, ``.``, ``..``, longer than 255 bytes, or has a slash or a NUL in it.
    """
    if name in (b"", b".", b".."):
        raise InputError(f"an entry cannot be called {name!r}: that is no name of its own")
    if len(name) > MAX_NAME_BYTES:
        raise InputError(f"an entry's name has {len(name)} bytes; at most {MAX_NAME_BYTES} are accepted")
    if b"/" in name or b"\0" in name:
        raise InputError(f"an entry cannot be called {name!r}: a name has no slash and no NUL")


def check_mode(mode: int) -> None:
    """Refuse what is more than permission bits.

    Raises:
        InputError: it is not 0 to 0o7777.
    """
    if not 0 <= mode <= MAX_MODE:
        raise InputError(f"a mode has permission bits alone, 0 to {MAX_MODE:#o}, but is {mode:#o}")


def check_mtime(mtime_ns: int) -> None:
    """Refuse a time that does not fit 64 bits; one before 1970 is negative.

    Raises:
        InputError: it does not fit.
    """
    if not -(2**63) <= mtime_ns < 2**63:
        raise InputError(f"a time of last change must fit a signed number of 64 bits, but is {mtime_ns} ns")


def check_size(size_bytes: int) -> None:
    """Refuse what no file can have.

    Raises:
        InputError: it is negative, or does not fit 63 bits.
    """
    if not 0 <= size_bytes <= MAX_SIZE_BYTES:
        raise InputError(f"a size must be 0 to {MAX_SIZE_BYTES} bytes, but is {size_bytes}")


def check_target(target: bytes) -> None:
    """Refuse what no symbolic link can hold. Where it leads is not looked at: it is never followed.

    Raises:
        InputError: it is empty, longer than 4095 bytes, or has a NUL in it.
    """
    if not 1 <= len(target) <= MAX_TARGET_BYTES or b"\0" in target:
        raise InputError(
            f"a symbolic link's target has 1 to {MAX_TARGET_BYTES} bytes and no NUL; this one, of "
            f"{len(target)} bytes, cannot be taken"
        )
