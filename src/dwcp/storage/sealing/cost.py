"""What it costs to turn a passphrase into a key, for us and for whoever guesses."""

from msgspec import Struct

from dwcp.errors import InputError

__all__ = ["DATA_KEY_BYTES", "DEFAULT_KEY_COST", "KeyCost"]

DATA_KEY_BYTES = 32
"""Length of the random key that all others of a store are derived from."""

_MIN_MEMORY_KIB = 16 * 1024
_MAX_MEMORY_KIB = 1024 * 1024
_MAX_PASSES = 10
_MAX_LANES = 16


class KeyCost(Struct, frozen=True):
    """The parameters of Argon2id (RFC 9106). A store says its own, so they are bounded before use.

    Attributes:
        memory_kib: taken while the key is made, 16 MiB to 1 GiB, in KiB.
        passes: over that memory, 1 to 10.
        lanes: that could be gone through side by side, 1 to 16.
    """

    memory_kib: int
    passes: int
    lanes: int

    def __post_init__(self) -> None:
        """Check the parameters.

        Raises:
            InputError: one is out of range.
        """
        if not _MIN_MEMORY_KIB <= self.memory_kib <= _MAX_MEMORY_KIB:
            raise InputError(
                f"a key is made in {_MIN_MEMORY_KIB} to {_MAX_MEMORY_KIB} KiB, not {self.memory_kib}"
            )
        if not (1 <= self.passes <= _MAX_PASSES and 1 <= self.lanes <= _MAX_LANES):
            raise InputError(
                f"a key is made in 1 to {_MAX_PASSES} passes and 1 to {_MAX_LANES} lanes, "
                f"not {self.passes} and {self.lanes}"
            )


DEFAULT_KEY_COST = KeyCost(256 * 1024, 3, 4)
"""Between the two that RFC 9106 recommends."""
