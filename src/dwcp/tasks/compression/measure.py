"""Measure what every candidate makes of real blocks, on this machine."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from random import Random

from dwcp.codecs import Reference, ReferenceStore, codec_named, decode, window_round
from dwcp.codecs.facts import BlockFacts
from dwcp.codecs.probe import probe_block
from dwcp.errors import InputError
from dwcp.task import Progress
from dwcp.tasks.compression.calibration import best_of, calibrate
from dwcp.tasks.compression.contract import CANDIDATES, Action, Outcome
from dwcp.tasks.compression.sources import BlockSource, age

__all__ = ["MeasureOptions", "MeasuredBlock", "ReferenceKind", "measure"]


class ReferenceKind(StrEnum):
    """Where a block's reference came from."""

    NONE = "none"
    REAL = "real"
    """A previous version of the file."""
    AGED = "aged"
    """A made-up previous version, for training only."""


@dataclass(frozen=True, slots=True)
class MeasureOptions:
    """How to measure.

    Attributes:
        budget_ms: thread time to spend on each candidate's repetitions on each block.
        aged_share: share of blocks without a previous version that get a made-up one, for training.
        margin_bytes: how far round a block's own place in the reference a delta may look.
        seed: of the made-up versions.
    """

    budget_ms: float = 20.0
    aged_share: float = 0.3
    margin_bytes: int = 256 * 1024
    seed: int = 42


@dataclass(frozen=True, slots=True)
class MeasuredBlock:
    """One block with everything that was measured on it.

    Attributes:
        file: name of the file.
        family: what must not be split between training and test.
        offset_bytes: where in the file.
        reference_kind: where the reference came from.
        facts: the deepest look.
        outcomes: per candidate; deltas only where there is a reference.
        speed: this machine's calibration.
    """

    file: str
    family: str
    offset_bytes: int
    reference_kind: ReferenceKind
    facts: BlockFacts
    outcomes: dict[Action, Outcome]
    speed: tuple[tuple[str, float], ...]


def measure(
    sources: Sequence[BlockSource], options: MeasureOptions, progress: Progress
) -> Iterator[MeasuredBlock]:
    """Measure block after block.

    A block that the previous version holds as it is needs no decision (its hash is sent) and is left out.

    Raises:
        InputError: a file cannot be read.
    """
    progress(0.0, "calibrating this machine")
    speed = calibrate()
    for done, source in enumerate(sources):
        progress(done / len(sources), source.path.name)
        block = _read(source.path, source.offset_bytes, source.block_bytes)
        rng = Random(f"{options.seed}:{source.path.name}:{source.offset_bytes}")
        kind, reference = _reference(source, block, options, rng)
        if len(block) < source.block_bytes or (
            kind == ReferenceKind.REAL and reference and block in bytes(reference.view)
        ):
            continue
        yield MeasuredBlock(
            source.path.name,
            source.family,
            source.offset_bytes,
            kind,
            _facts(block, kind, reference),
            _run_all(block, reference, options.budget_ms),
            speed,
        )
    progress(1.0, "measured")


def _facts(block: bytes, kind: ReferenceKind, reference: Reference | None) -> BlockFacts:
    facts = probe_block(block, reference=reference)
    if facts.reference is None:
        return facts
    return replace(facts, reference=replace(facts.reference, made_up=kind is ReferenceKind.AGED))


def _read(path: Path, offset_bytes: int, length: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(offset_bytes)
            return file.read(length)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}; check its permissions") from error


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}; measure again without it") from error


def _reference(
    source: BlockSource, block: bytes, options: MeasureOptions, rng: Random
) -> tuple[ReferenceKind, Reference | None]:
    margin = options.margin_bytes
    if source.previous is not None:
        size = _size(source.previous)
        window = window_round(source.offset_bytes, len(block), margin, size)
        older = _read(source.previous, window.offset_bytes, window.length_bytes)
        return (ReferenceKind.REAL, Reference.of(older)) if len(older) >= 64 else (ReferenceKind.NONE, None)
    if rng.random() >= options.aged_share:
        return ReferenceKind.NONE, None
    start = max(source.offset_bytes - margin, 0)
    round_it = _read(source.path, start, source.offset_bytes - start + len(block) + margin)
    return ReferenceKind.AGED, Reference.of(age(round_it, rng))


def _run_all(block: bytes, reference: Reference | None, budget_ms: float) -> dict[Action, Outcome]:
    store = ReferenceStore(capacity_bytes=64 * 1024 * 1024)
    if reference is not None:
        store.add(reference.plain)
    outcomes = {}
    for action in CANDIDATES:
        if action.use_reference and reference is None:
            continue
        codec = codec_named(action.name)
        against = reference if action.use_reference else None
        stored, compress_ms = best_of(partial(codec.encode, block, against), budget_ms)
        _, decompress_ms = best_of(partial(decode, stored, len(block), store), budget_ms / 4, most=5)
        outcomes[action] = Outcome(len(stored), compress_ms, decompress_ms)
    return outcomes
