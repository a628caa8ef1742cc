"""What a sender has done so far, for whoever shows it."""

from collections import Counter

from msgspec import Struct, field

__all__ = ["Counters", "Skipped"]

_MOST_SKIPPED = 1000


class Skipped(Struct, frozen=True):
    """A path that was left out.

    Attributes:
        path: below the source, its own name first.
        reason: why, in a few words.
    """

    path: bytes
    reason: str


class Counters(Struct):
    """Grows while a session runs; read at any time from any thread.

    Attributes:
        files: read or known, and catalogued.
        files_kept: of them, those that the receiver had by size and time.
        files_cached: of them, those that were not read again.
        plain_bytes: of all files catalogued, zero runs included.
        unsent_bytes: of them, what has no chunks: files kept, and zero runs.
        repeated_bytes: left out because the same chunks were sent before.
        read_bytes: read from files and cut.
        bundles: encoded.
        bundled_bytes: plain bytes of them.
        stored_bytes: as they go on the wire.
        delta_bundles: of them, encoded against a reference.
        acknowledged_bytes: plain bytes that arrived.
        codec: of the latest bundle.
        codecs: plain bytes of all bundles, by codec.
        skipped: the first thousand paths that were left out.
        skipped_paths: how many were.
    """

    files: int = 0
    files_kept: int = 0
    files_cached: int = 0
    plain_bytes: int = 0
    unsent_bytes: int = 0
    repeated_bytes: int = 0
    read_bytes: int = 0
    bundles: int = 0
    bundled_bytes: int = 0
    stored_bytes: int = 0
    delta_bundles: int = 0
    acknowledged_bytes: int = 0
    codec: str = ""
    codecs: Counter[str] = field(default_factory=Counter)
    skipped: list[Skipped] = field(default_factory=list)
    skipped_paths: int = 0

    def skip(self, path: bytes, reason: str) -> None:
        """A path was left out."""
        self.skipped_paths += 1
        if len(self.skipped) < _MOST_SKIPPED:
            self.skipped.append(Skipped(path, reason))
