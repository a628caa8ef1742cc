"""What to do with a file on a link: one hint a run of blocks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from dwcp.codecs import Reference, window_round
from dwcp.codecs.facts import BlockFacts, mean_facts
from dwcp.codecs.probe import Look, affordable_depth, affordable_look, looked_at, probe_block, run_blocks
from dwcp.errors import DwcpError, InputError
from dwcp.serving import Advisor, Hint
from dwcp.tasks.compression.contract import Action, Context, Host, Link, Objective

__all__ = ["Advice", "AdviceSource", "Terms", "advise_file", "file_bytes"]

_MARGIN_BYTES = 256 * 1024
"""How far round a block's own place in the previous version a delta may look."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for the whole file."""

    link: Link
    host: Host
    objective: Objective
    candidates: frozenset[Action]


@dataclass(frozen=True, slots=True)
class AdviceSource:
    """The file, its previous version if there is one, and how it is cut."""

    path: Path
    previous: Path | None
    block_bytes: int


@dataclass(frozen=True, slots=True)
class Advice:
    """One decision and what it covers.

    Attributes:
        offset_bytes: where the run begins.
        run_bytes: how long it is.
        action: what to do with it.
        hint: why.
        predicted_s: what the model expects the run to cost; None when it expects nothing.
        plain_s: the same for sending it as it is.
    """

    offset_bytes: int
    run_bytes: int
    action: Action
    hint: Hint[Action | None]
    predicted_s: float | None
    plain_s: float | None

    def as_json(self) -> dict[str, object]:
        """As JSON values."""
        action = self.action
        return {
            "offset_bytes": self.offset_bytes,
            "run_bytes": self.run_bytes,
            "action": action.name,
            "class": action.transfer_class,
            "level": action.published_level,
            "storage_algorithm": action.storage_algorithm,
            "reason": self.hint.reason.value,
            "detail": self.hint.detail,
            "confidence": self.hint.confidence,
            "predicted_s": self.predicted_s,
            "plain_s": self.plain_s,
            "model": None if self.hint.model is None else self.hint.model.version,
        }


def advise_file(
    source: AdviceSource, terms: Terms, advisor: Advisor, progress: Callable[[float, str], None]
) -> Iterator[Advice]:
    """Ask once for each run of blocks, looking at a few of them as deeply as the link affords.

    Raises:
        InputError: a file cannot be read or is empty.
        DwcpError: not even the fallback has an answer.
    """
    size = file_bytes(source.path)
    previous_bytes = None if source.previous is None else file_bytes(source.previous)
    run_bytes = run_blocks(terms.link.bandwidth_mbps, source.block_bytes) * source.block_bytes
    try:
        with source.path.open("rb") as file:
            for offset in range(0, size, run_bytes):
                progress(offset / size, f"{offset / 1e6:,.0f} MB")
                run = range(offset, min(offset + run_bytes, size))
                facts = _look(file, run, source, terms, previous_bytes)
                yield _ask(source, terms, advisor, run, facts)
    except OSError as error:
        raise InputError(f"{error.filename or source.path} cannot be read: {error.strerror}") from error
    progress(1.0, f"{size / 1e6:,.0f} MB")


def _ask(
    source: AdviceSource,
    terms: Terms,
    advisor: Advisor,
    run: range,
    facts: BlockFacts,
) -> Advice:
    context = Context(
        facts, terms.link, terms.host, terms.objective, terms.candidates, flow=str(source.path.absolute())
    )
    hint: Hint[Action | None] = advisor.ask("compression", context)
    if hint.action is None:
        raise DwcpError(f"there is no answer for {source.path}: {hint.detail}")
    scale = len(run) / facts.block_bytes
    predicted, plain = hint.costs.get(hint.action), hint.costs.get(Action("none"))
    return Advice(
        run.start,
        len(run),
        hint.action,
        hint,
        None if predicted is None else predicted * scale,
        None if plain is None else plain * scale,
    )


def _look(
    file: BinaryIO, run: range, source: AdviceSource, terms: Terms, previous_bytes: int | None
) -> BlockFacts:
    bandwidth_mbps = terms.link.bandwidth_mbps
    # Somebody asked: even a run that is over in a moment gets one look.
    look = affordable_look(bandwidth_mbps, len(run)) or Look(affordable_depth(bandwidth_mbps), 1)
    offsets = run[:: source.block_bytes]
    looks = []
    for place in looked_at(len(offsets), look.blocks):
        offset = offsets[place]
        block = _read(file, offset, min(source.block_bytes, run.stop - offset))
        reference = _reference(source.previous, previous_bytes, offset, len(block))
        looks.append(probe_block(block, look.depth, reference))
    return mean_facts(looks)


def _reference(
    previous: Path | None, previous_bytes: int | None, offset: int, length: int
) -> Reference | None:
    if previous is None or previous_bytes is None:
        return None
    window = window_round(offset, length, _MARGIN_BYTES, previous_bytes)
    with previous.open("rb") as file:
        return Reference.of(_read(file, window.offset_bytes, window.length_bytes))


def _read(file: BinaryIO, offset: int, length: int) -> bytes:
    file.seek(offset)
    content = file.read(length)
    if len(content) < length:
        raise InputError(f"{file.name} became shorter while it was read; try again when it is at rest")
    return content


def file_bytes(path: Path) -> int:
    """The size of a file that has something in it.

    Raises:
        InputError: it is missing, a folder, empty, or may not be looked at.
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a file in it")
    try:
        size = path.stat().st_size
    except OSError as error:
        raise InputError(f"{path} cannot be read: {str(error.strerror).lower()}") from error
    if size == 0:
        raise InputError(f"{path} is empty: there is nothing in it to decide on")
    return size
