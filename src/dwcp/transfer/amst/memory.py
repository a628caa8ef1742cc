"""What earlier transfers learned of a path: where the next one starts. It may be wrong, or missing."""

import fcntl
import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct
from msgspec.structs import asdict

from dwcp.errors import StorageError
from dwcp.tasks.compression.contract import Link

__all__ = ["PathMemory", "PathRecord"]

_FORMAT = 1
_MOST_PATHS = 1000
_KEPT_S = 7 * 86_400.0
"""A week: what a path carries follows the day and the week."""


_NOT_OURS = (ValueError, TypeError, LookupError, AttributeError, RecursionError)
"""What understanding a file can end with that something else wrote, or damaged."""


class PathRecord(Struct, frozen=True):
    """What a transfer over a path ended with.

    Attributes:
        bandwidth_mbps: stored bytes that arrived, a second, while the network was the limit.
        rtt_ms: smoothed round-trip time.
        packet_loss: share of bytes sent again (0 to 1).
        streams: how many were best.
        epoch_s: when, in seconds since 1970 UTC.
    """

    bandwidth_mbps: float
    rtt_ms: float
    packet_loss: float
    streams: int
    epoch_s: float

    @property
    def link(self) -> Link:
        """As an estimator begins with it."""
        return Link(self.bandwidth_mbps, self.rtt_ms, 0.0, self.packet_loss)


class PathMemory:
    """The last record of each path, in one JSON file of at most a thousand paths.

    Written whole or not at all, under a lock: several transfers may end at once. A file that cannot be
    understood is set aside as ``paths.json.broken``, and the memory begins anew.

    Args:
        folder: where state is kept; made when first needed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "paths.json"

    def recall(self, path: str, now: float) -> PathRecord | None:
        """The path's record; None where there is none of the last seven days.

        Args:
            path: the destination, ``host:port``.
            now: the time, in seconds since 1970 UTC.

        Raises:
            StorageError: the file cannot be read.
        """
        return self._read(now).get(path)

    def remember(self, path: str, record: PathRecord, now: float) -> None:
        """Keep a record in place of the path's last one; the oldest are dropped where there are too many.

        Args:
            path: the destination, ``host:port``.
            record: what was learned.
            now: the time, in seconds since 1970 UTC.

        Raises:
            StorageError: the file cannot be read or written; what stood before still stands.
        """
        with self._locked():
            records = self._read(now) | {path: record}
            newest = sorted(records, key=lambda name: records[name].epoch_s)[-_MOST_PATHS:]
            self._write({name: asdict(records[name]) for name in sorted(newest)})

    def _read(self, now: float) -> dict[str, PathRecord]:
        try:
            text = self._file.read_bytes()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise self._failed("read", error) from error
        try:
            records = _parsed(text)
        except _NOT_OURS:
            self._set_aside()
            return {}
        return {name: record for name, record in records.items() if abs(now - record.epoch_s) < _KEPT_S}

    def _set_aside(self) -> None:
        try:
            self._file.replace(self._file.with_suffix(".json.broken"))
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._failed("set aside", error) from error

    def _write(self, records: dict[str, object]) -> None:
        text = json.dumps({"format": _FORMAT, "paths": records}, indent=1, allow_nan=False)
        fresh = self._folder / f".paths.{os.getpid()}.json"
        try:
            with open(fresh, "w", encoding="ascii", opener=_private) as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._file)
        except OSError as error:
            fresh.unlink(missing_ok=True)
            raise self._failed("written", error) from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self._folder / ".paths.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise self._failed("locked", error) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _failed(self, doing: str, error: OSError) -> StorageError:
        reason = error.strerror or error
        return StorageError(
            f"the memory of paths {self._file} cannot be {doing} ({reason}); mend or remove it"
        )


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _parsed(text: bytes) -> dict[str, PathRecord]:
    """Every record; one of `_NOT_OURS` is raised for whatever this program has not written."""
    found = json.loads(text)
    if found.get("format") != _FORMAT:
        raise ValueError("another format")
    records = {str(name): PathRecord(**fields) for name, fields in found["paths"].items()}
    if not all(_is_sound(record) for record in records.values()):
        raise ValueError("a value out of range")
    return records


def _is_sound(record: PathRecord) -> bool:
    numbers = (record.bandwidth_mbps, record.rtt_ms, record.packet_loss, record.epoch_s)
    return (
        all(isinstance(number, int | float) and math.isfinite(number) and number >= 0 for number in numbers)
        and record.packet_loss <= 1
        and isinstance(record.streams, int)
        and record.streams >= 1
    )
