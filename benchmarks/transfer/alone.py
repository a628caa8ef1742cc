"""How long this machine takes to read, hash and write the data, without any network."""

import os
import queue
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.transfer.trees import Job
from blake3 import blake3

_READ_BYTES = 4 << 20
_TURNS = 3


@dataclass(frozen=True)
class Alone:
    """Seconds of this machine without any network, on data in memory; the least of a few turns.

    Attributes:
        read_hash_s: reading and hashing, one thread.
        write_s: writing, one thread.
        both_s: one thread reads and hashes, another hashes again and writes.
    """

    read_hash_s: float
    write_s: float
    both_s: float


def alone(files: Sequence[Path]) -> Alone:
    """Read, hash and write the files without any network; into memory, beside the first of them."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        target = Path(folder) / "written"
        turns = [
            (
                _timed(lambda: _drain(_hashed(_read_all(files)))),
                _write_alone(files, target),
                _timed(lambda: _copy_hashing(files, target)),
            )
            for _ in range(_TURNS)
        ]
    return Alone(*(min(times) for times in zip(*turns, strict=True)))


def files_of(job: Job) -> list[Path]:
    """What has to be read: of a second version the changed files alone."""
    if job.changed:
        return [new for _, new in job.changed]
    return sorted(path for path in job.source.rglob("*") if path.is_file())


def _timed(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return round(time.perf_counter() - started, 4)


def _read_all(files: Sequence[Path]) -> Iterable[bytes]:
    for path in files:
        with path.open("rb") as file:
            while piece := file.read(_READ_BYTES):
                yield piece


def _hashed(pieces: Iterable[bytes]) -> Iterable[bytes]:
    for piece in pieces:
        blake3(piece).digest()
        yield piece


def _drain(pieces: Iterable[bytes]) -> None:
    for _ in pieces:
        pass


def _write_all(pieces: Iterable[bytes], target: Path) -> None:
    with target.open("wb") as file:
        for piece in pieces:
            file.write(piece)


def _write_alone(files: Sequence[Path], target: Path) -> float:
    """Seconds of writing as much as the files hold."""
    piece, left = os.urandom(_READ_BYTES), sum(path.stat().st_size for path in files)
    lengths = [min(_READ_BYTES, left - start) for start in range(0, left, _READ_BYTES)]
    views = [memoryview(piece)[:length] for length in lengths]
    seconds = _timed(lambda: _write_all(views, target))  # type: ignore[arg-type]
    target.unlink(missing_ok=True)
    return seconds


def _copy_hashing(files: Sequence[Path], target: Path) -> None:
    """Two threads with a short queue between them, as two ends of a link without a network."""
    passed: queue.Queue[bytes | None] = queue.Queue(maxsize=4)

    def arriving() -> Iterable[bytes]:
        while (piece := passed.get()) is not None:
            yield piece

    far = threading.Thread(target=lambda: _write_all(_hashed(arriving()), target))
    far.start()
    for piece in _hashed(_read_all(files)):
        passed.put(piece)
    passed.put(None)
    far.join()
