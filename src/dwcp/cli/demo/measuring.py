"""Measuring within a time budget; an interrupted run is gone on with, a finished one is re-used."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from blake3 import blake3

import dwcp
from dwcp.cli.demo.files import Found, choose, short_name
from dwcp.cli.demo.kinds import Kind, kind_of
from dwcp.errors import DwcpError, InputError
from dwcp.evaluation import atomic_write
from dwcp.task import Progress
from dwcp.tasks.compression.measure import MeasuredBlock, MeasureOptions, measure
from dwcp.tasks.compression.sources import BlockSource
from dwcp.tasks.compression.table import read_table, write_table
from dwcp.training.provenance import instruction_set

__all__ = ["BLOCK_BYTES", "Measured", "Plan", "measure_within", "plan"]

BLOCK_BYTES = 256 * 1024
_MOST_BLOCKS = 2000
_FEWEST_BLOCKS = 24
"""Measured whatever the budget, or there would be nothing to learn from."""
_OPTIONS = MeasureOptions(budget_ms=10.0)
_SAVE_EVERY_S = 10.0
_CODEC_LIBRARIES = ("backports.zstd", "cramjam", "lz4")


@dataclass(frozen=True, slots=True)
class Plan:
    """Which blocks to measure, in order.

    Attributes:
        sources: the blocks.
        fingerprint: of files, options, codecs and processor: tables of one fingerprint are one table.
    """

    sources: tuple[BlockSource, ...]
    fingerprint: str


@dataclass(slots=True)
class Measured:
    """What has been measured so far.

    Attributes:
        table: the Parquet file.
        sources: every block there is to measure, in order.
        blocks: those that were measured.
        consumed: how many of the sources are done with, measured or left out.
        spent_s: seconds that measuring took, over every run.
        vanished: files that could no longer be read when their turn came, in this run.
        found_before: blocks that an earlier run had measured already.
    """

    table: Path
    sources: tuple[BlockSource, ...]
    blocks: list[MeasuredBlock] = field(default_factory=list)
    consumed: int = 0
    spent_s: float = 0.0
    vanished: int = 0
    found_before: int = 0

    @property
    def reused(self) -> bool:
        """Whether nothing had to be measured."""
        return self.found_before == len(self.blocks)

    def enough(self, seconds: float) -> bool:
        """Whether the time is up, or there is nothing left to measure."""
        over = self.spent_s >= seconds and len(self.blocks) >= _FEWEST_BLOCKS
        return over or self.consumed >= len(self.sources)


def plan(found: Sequence[Found], *, versions: bool) -> Plan:
    """Choose blocks, and sum up everything that what is measured on them depends on.

    Args:
        found: the files to choose from.
        versions: whether a file's previous version, by its name, is something to encode against.
    """
    sources = tuple(choose(found, BLOCK_BYTES, _MOST_BLOCKS, versions=versions))
    chosen = {source.path for source in sources}
    # A log grows while one looks; what was measured of it is no worse for that.
    files = sorted(
        (str(file.path), *(() if kind_of(file.path) is Kind.LOGS else (file.size_bytes, file.modified_ns)))
        for file in found
        if file.path in chosen
    )
    made_with = [dwcp.__version__, repr(_OPTIONS), BLOCK_BYTES, _MOST_BLOCKS, versions, instruction_set()]
    made_with += [f"{name} {version(name)}" for name in _CODEC_LIBRARIES]
    return Plan(sources, blake3(json.dumps([made_with, files]).encode()).hexdigest())


def measure_within(
    wanted: Plan,
    folder: Path,
    seconds: float,
    *,
    fresh: bool,
    clock: Callable[[], float],
    progress: Progress,
) -> Measured:
    """Measure blocks until the time is up, going on from what an earlier run has measured.

    What is measured is saved every few seconds, and whenever measuring is interrupted.

    Args:
        wanted: which blocks, and of what fingerprint.
        folder: where tables lie.
        seconds: how long measuring may take, over every run.
        fresh: begin anew.
        clock: seconds that only go forward.
        progress: told the share of the time that is over and a few words.

    Raises:
        InputError: nothing could be measured.
        StorageError: the disk is full or may not be written.
    """
    measured = _begin(wanted, folder, fresh=fresh)
    begun_s, saved_s = clock() - measured.spent_s, clock()
    try:
        while not measured.enough(seconds):
            for _ in _go_on(measured, lambda words: progress(min(measured.spent_s / seconds, 1.0), words)):
                measured.spent_s = clock() - begun_s
                if measured.enough(seconds):
                    break
                if clock() - saved_s >= _SAVE_EVERY_S:
                    _save(measured)
                    saved_s = clock()
    finally:
        if not measured.reused:
            _save(measured)
    if not measured.blocks:
        raise InputError("nothing could be measured: none of the files could be read; name others")
    return measured


def _go_on(measured: Measured, told: Callable[[str], None]) -> Iterator[None]:
    """Measure what is left, block by block; ends early at a file that cannot be read, and passes over it."""
    begin, place = measured.consumed, 0
    left = measured.sources[begin:]

    def note(share: float, words: str) -> None:
        nonlocal place
        place = round(share * len(left))
        told(words)

    try:
        for block in measure(left, _OPTIONS, note):
            measured.blocks.append(replace(block, file=short_name(left[place].path)))
            measured.consumed = begin + place + 1
            yield
        measured.consumed = len(measured.sources)
    except (InputError, OSError):
        measured.vanished += 1
        measured.consumed = begin + place + 1


def _begin(wanted: Plan, folder: Path, *, fresh: bool) -> Measured:
    """What an earlier run left behind, or an empty table."""
    table = folder / f"demo-{wanted.fingerprint[:16]}.parquet"
    if fresh:
        table.unlink(missing_ok=True)
    try:
        notes = json.loads(_notes(table).read_text(encoding="utf-8"))
        sources = tuple(_source(entry) for entry in notes["sources"])
        blocks = read_table(table)
        last = (blocks[-1].file, blocks[-1].offset_bytes)
        places = {(short_name(s.path), s.offset_bytes): place for place, s in enumerate(sources)}
        return Measured(table, sources, blocks, places[last] + 1, float(notes["spent_s"]), 0, len(blocks))
    except (OSError, ValueError, LookupError, TypeError, DwcpError):
        return Measured(table, wanted.sources)


def _save(measured: Measured) -> None:
    """Write the table, then the notes: a table is never shorter than its notes say."""
    write_table(measured.blocks, measured.table)
    notes = {"spent_s": measured.spent_s, "sources": [_entry(source) for source in measured.sources]}
    atomic_write(_notes(measured.table), (json.dumps(notes) + "\n").encode())


def _notes(table: Path) -> Path:
    return table.with_suffix(".json")


def _entry(source: BlockSource) -> list[object]:
    previous = None if source.previous is None else str(source.previous)
    return [str(source.path), source.offset_bytes, source.block_bytes, source.family, previous]


def _source(entry: list[Any]) -> BlockSource:
    path, offset_bytes, block_bytes, family, previous = entry
    return BlockSource(Path(path), offset_bytes, block_bytes, family, previous and Path(previous))
