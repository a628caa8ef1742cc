"""What no transfer can beat: the best codecs with hindsight over the link, and reading and writing alone."""

import json
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from benchmarks.transfer.trees import Job
from blake3 import blake3

from dwcp.codecs import codec_named, decode
from dwcp.codecs.probe import probe_block
from dwcp.errors import InputError
from dwcp.evaluation import atomic_write
from dwcp.tasks.compression.calibration import best_of
from dwcp.tasks.compression.contract import TRANSFER, Context, Host, Link, Outcome
from dwcp.tasks.compression.oracle import cost_s

PIECE_BYTES = 1 << 20
CORES = 2
"""Both ends run on this machine, and share its cores."""
MOST_PIECES = 256
"""Of larger data so many pieces, evenly spread, stand for all."""
FIRST_COPY = (
    f"The least time of a first copy: for every piece of {PIECE_BYTES >> 20} MiB the codec, of all that a "
    f"transfer may choose without a reference, with the least of (stored bytes over the payload rate of the "
    f"link) and (compressing plus decompressing over {CORES} cores), summed; and never less than reading, "
    "hashing and writing alone."
)
SECOND_VERSION = (
    "The least time of a second version: the bytes of `zstd -19 --long=27 --patch-from` of each pair over "
    "the payload rate of the link, nothing for files that did not change; and never less than reading, "
    "hashing and writing the changed files alone."
)

_BUDGET_MS = 4.0
_CANDIDATES = sorted(action.name for action in TRANSFER if not action.use_reference)
_Outcomes = Mapping[str, tuple[int, float, float]]
"""Codec to stored bytes, milliseconds of compressing, of decompressing."""


@dataclass(frozen=True)
class Limit:
    """What a job cannot be quicker than over a link.

    Attributes:
        seconds: the least time; see `FIRST_COPY` and `SECOND_VERSION`.
        network_s: of it, what the codecs and the link alone allow.
        stored_bytes: that the oracle sends.
    """

    seconds: float
    network_s: float
    stored_bytes: int


class Oracle:
    """Measured outcomes of every codec on every piece, kept in a file from run to run.

    Args:
        cache: the file.
        workers: processes that measure.
    """

    def __init__(self, cache: Path, workers: int = CORES) -> None:
        self._cache = cache
        self._workers = workers
        self._known: dict[str, dict[str, tuple[int, float, float]]] = {}
        if cache.exists():
            self._known = json.loads(cache.read_bytes())

    def first_copy(self, job: Job, payload_mbps: float, floor_s: float) -> Limit:
        """The limit of a job without an old version; measures what is not known yet."""
        pieces = list(_pieces(job.source))
        chosen = pieces[:: max(1, len(pieces) // MOST_PIECES)]
        scale = sum(length for _, _, length in pieces) / max(1, sum(length for _, _, length in chosen))
        outcomes = self._outcomes(chosen)
        costs = [_best(measured, payload_mbps) for measured in outcomes]
        network_s = scale * sum(cost for cost, _ in costs)
        stored = round(scale * sum(stored_bytes for _, stored_bytes in costs))
        return Limit(max(network_s, floor_s), network_s, stored)

    def second_version(self, job: Job, payload_mbps: float, floor_s: float) -> Limit:
        """The limit of a job with an old version."""
        stored = sum(self._patch_bytes(old, new) for old, new in job.changed)
        network_s = stored * 8 / (payload_mbps * 1e6)
        return Limit(max(network_s, floor_s), network_s, stored)

    def _outcomes(self, pieces: Sequence[tuple[Path, int, int]]) -> list[_Outcomes]:
        with ProcessPoolExecutor(self._workers) as pool:
            keys = list(pool.map(_digest, pieces, chunksize=16))
            new = {key: piece for key, piece in zip(keys, pieces, strict=True) if key not in self._known}
            if new:
                print(f"measuring every codec on {len(new)} pieces, for the limit", flush=True)
                self._known |= dict(zip(new, pool.map(_measure, new.values()), strict=True))
                self._keep()
        return [self._known[key] for key in keys]

    def _patch_bytes(self, old: Path, new: Path) -> int:
        key = f"patch {_digest((old, 0, -1))} {_digest((new, 0, -1))}"
        if key not in self._known:
            self._known[key] = {"patch": (_patched(old, new), 0.0, 0.0)}
            self._keep()
        return self._known[key]["patch"][0]

    def _keep(self) -> None:
        atomic_write(self._cache, json.dumps(self._known).encode())


def _best(measured: _Outcomes, payload_mbps: float) -> tuple[float, int]:
    """Seconds and stored bytes of the cheapest codec."""
    context = _context(payload_mbps)
    costs = []
    for stored_bytes, compress_ms, decompress_ms in measured.values():
        outcome = Outcome(stored_bytes, compress_ms + decompress_ms, None)
        costs.append((cost_s(context, outcome), stored_bytes))
    return min(costs)


@cache
def _context(payload_mbps: float) -> Context:
    """The link and the cores; the facts of the block have no part in what it costs."""
    return Context(probe_block(bytes(1024)), Link(payload_mbps), Host(cpu_workers=CORES))


def _pieces(source: Path) -> Iterable[tuple[Path, int, int]]:
    for path in sorted(path for path in source.rglob("*") if path.is_file()):
        size = path.stat().st_size
        yield from ((path, start, min(PIECE_BYTES, size - start)) for start in range(0, size, PIECE_BYTES))


def _piece(piece: tuple[Path, int, int]) -> bytes:
    path, start, length = piece
    with path.open("rb") as file:
        file.seek(start)
        return file.read(length)


def _digest(piece: tuple[Path, int, int]) -> str:
    return blake3(_piece(piece)).hexdigest()[:32]


def _measure(piece: tuple[Path, int, int]) -> dict[str, tuple[int, float, float]]:
    plain = _piece(piece)
    found = {}
    for name in _CANDIDATES:
        codec = codec_named(name)
        stored, compress_ms = best_of(partial(codec.encode, plain), _BUDGET_MS, least=1)
        _, decompress_ms = best_of(partial(decode, stored, len(plain)), _BUDGET_MS, least=1)
        found[name] = (len(stored), round(compress_ms, 4), round(decompress_ms, 4))
    return found


def _patched(old: Path, new: Path) -> int:
    with tempfile.TemporaryDirectory() as folder:
        stored = Path(folder) / "stored"
        words = ["zstd", "-q", "-19", "--long=27", f"--patch-from={old}", str(new), "-o", str(stored)]
        try:
            done = subprocess.run(words, capture_output=True, text=True, check=False)
        except OSError as error:
            raise InputError("the limit of a second version needs zstd: install it") from error
        if done.returncode:
            raise InputError(f"`{' '.join(words)}` fails: {done.stderr.strip()}")
        return stored.stat().st_size
