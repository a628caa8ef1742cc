"""``dwcp measure``: what every codec makes of real files, on this machine."""

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Annotated

import typer

from dwcp.cli.options import BlockBytesOption, JsonFlag, SeedOption
from dwcp.cli.output import note, print_json, print_table, require_writable, say
from dwcp.cli.progress import progress
from dwcp.cli.session import Session, session_of
from dwcp.errors import DwcpError, InputError
from dwcp.words import counted

if TYPE_CHECKING:
    from dwcp.tasks.compression.measure import MeasuredBlock
    from dwcp.tasks.compression.sources import BlockSource

__all__ = ["measure"]

_NAMED_AT_MOST = 5


def measure(
    context: typer.Context,
    paths: Annotated[list[Path], typer.Argument(help="Files and folders to measure.", show_default=False)],
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The table; tables/compression.parquet in the home unless given."),
    ] = None,
    block_bytes: BlockBytesOption = 262_144,
    blocks_per_file: Annotated[
        int,
        typer.Option(
            min=0, metavar="N", help="At most this many blocks of each file, evenly spread; 0 for all."
        ),
    ] = 8,
    seconds: Annotated[
        float | None,
        typer.Option(
            min=1,
            metavar="SECONDS",
            help="Stop after about this long; blocks are then taken in random order.",
        ),
    ] = None,
    by_folder: Annotated[
        bool, typer.Option("--by-folder", help="Files of one folder and suffix are one kind of data.")
    ] = False,
    seed: SeedOption = 42,
    json: JsonFlag = False,
) -> None:
    """Measure what every codec makes of your files, on this machine.

    Every candidate is run on every block and the table is written as Parquet: what `dwcp train compression`
    learns from. A file whose name ends in a version (app-1.2.tar after app-1.1.tar) is also encoded against
    the version before. Interrupting keeps what was measured.

    For example: dwcp measure ~/data --seconds 120
    """
    session = session_of(context)
    table = out or session.table("compression")
    require_writable(table)
    plan = _plan(paths, block_bytes, blocks_per_file or None, by_folder=by_folder)
    for line in _skipped_lines(plan.skipped):
        note(session, line)
    run = _run(session, plan.sources, seconds, seed)
    if not run.blocks and run.interrupted:
        raise KeyboardInterrupt
    if not run.blocks and run.error is not None:
        raise run.error
    _write(run.blocks, table)
    _report(table, run, plan, json=json)
    if run.error is not None:
        raise run.error
    if run.interrupted:
        note(session, "what was measured until then is in the table")
        raise KeyboardInterrupt


@dataclass(frozen=True, slots=True)
class _Plan:
    """What to measure, and which files and folders cannot be read."""

    sources: list["BlockSource"]
    files: int
    skipped: list[str]


@dataclass(slots=True)
class _Run:
    """What was measured, and what ended it early."""

    blocks: list["MeasuredBlock"]
    interrupted: bool = False
    error: DwcpError | None = None


def _plan(paths: Sequence[Path], block_bytes: int, blocks_per_file: int | None, *, by_folder: bool) -> _Plan:
    from dwcp.tasks.compression.sources import cut, find_files

    found = find_files(paths)
    unreadable = {file: why for file in found if (why := _unreadable(file))}
    files = [file for file in found if file not in unreadable]
    skipped = [*_unreadable_folders(paths), *(f"{file} ({why})" for file, why in unreadable.items())]
    if not files:
        raise InputError(f"no file can be read, the first is {skipped[0]}; allow reading")
    sources = list(cut(files, block_bytes, blocks_per_file, by_folder=by_folder))
    return _Plan(sources, len(files), skipped)


def _unreadable(file: Path) -> str:
    try:
        file.open("rb").close()
    except OSError as error:
        return str(error.strerror).lower()
    return ""


def _unreadable_folders(paths: Iterable[Path]) -> Iterator[str]:
    for path in filter(Path.is_dir, paths):
        errors: list[OSError] = []
        for _ in os.walk(path, onerror=errors.append):
            pass
        yield from (f"{error.filename} ({str(error.strerror).lower()})" for error in errors)


def _skipped_lines(skipped: Sequence[str]) -> Iterator[str]:
    if skipped:
        named = ", ".join(skipped[:_NAMED_AT_MOST])
        more = f" and {len(skipped) - _NAMED_AT_MOST} more" if len(skipped) > _NAMED_AT_MOST else ""
        yield f"skipped {len(skipped)} that cannot be read: {named}{more}"


def _run(session: Session, sources: list["BlockSource"], seconds: float | None, seed: int) -> _Run:
    from dwcp.tasks.compression.measure import MeasureOptions
    from dwcp.tasks.compression.measure import measure as measure_blocks

    if seconds is not None:
        Random(seed).shuffle(sources)
    run = _Run([])
    with progress(session, "measuring") as show, _kept(run):
        started_s = time.monotonic()

        def share_of_time(share: float, words: str) -> None:
            spent = 0.0 if seconds is None else (time.monotonic() - started_s) / seconds
            show(min(1.0, max(share, spent)), words)

        for block in measure_blocks(sources, MeasureOptions(seed=seed), share_of_time):
            run.blocks.append(block)
            if seconds is not None and time.monotonic() - started_s >= seconds:
                show(1.0, "time is up")
                break
    return run


@contextmanager
def _kept(run: _Run) -> Iterator[None]:
    """What ends measuring early ends nothing else: the table is still written."""
    try:
        yield
    except KeyboardInterrupt:
        run.interrupted = True
    except DwcpError as error:
        run.error = error


def _write(blocks: list["MeasuredBlock"], table: Path) -> None:
    from dwcp.tasks.compression.table import write_table

    write_table(sorted(blocks, key=lambda block: (block.family, block.file, block.offset_bytes)), table)


def _report(table: Path, run: _Run, plan: _Plan, *, json: bool) -> None:
    codecs = list(_by_codec(run.blocks))
    if json:
        print_json(
            {
                "table": table,
                "blocks": len(run.blocks),
                "files": len({block.file for block in run.blocks}),
                "skipped": plan.skipped,
                "interrupted": run.interrupted,
                "codecs": [codec.as_json() for codec in codecs],
            }
        )
        return
    header = ("codec", "blocks", "ratio", "in MB/s", "out MB/s")
    print_table(header, [codec.cells() for codec in codecs], frozenset({1, 2, 3, 4}))
    made_up = sum(block.reference_kind == "aged" for block in run.blocks)
    if made_up:
        blocks = counted(made_up, "block")
        say(f"delta: {blocks} against a made-up previous version, which nothing is judged on")
    say(f"{counted(len(run.blocks), 'block')} of {counted(plan.files, 'file')} measured: {table}")


@dataclass(frozen=True, slots=True)
class _CodecSums:
    """One codec over every block it ran on; speeds of one core, in 10^6 plain bytes a second."""

    codec: str
    blocks: int
    ratio: float
    in_mb_per_s: float
    out_mb_per_s: float

    def cells(self) -> tuple[str, ...]:
        speeds = (f"{speed:,.0f}" for speed in (self.in_mb_per_s, self.out_mb_per_s))
        return (self.codec, f"{self.blocks:,}", f"{self.ratio:.2f}", *speeds)

    def as_json(self) -> dict[str, object]:
        return {
            "codec": self.codec,
            "blocks": self.blocks,
            "ratio": self.ratio,
            "in_mb_per_s": self.in_mb_per_s,
            "out_mb_per_s": self.out_mb_per_s,
        }


def _by_codec(blocks: Sequence["MeasuredBlock"]) -> Iterator[_CodecSums]:
    from dwcp.tasks.compression.contract import CANDIDATES

    for action in CANDIDATES:
        ran = [
            (block.facts.block_bytes, block.outcomes[action]) for block in blocks if action in block.outcomes
        ]
        if not ran:
            continue
        plain = sum(size for size, _ in ran)
        yield _CodecSums(
            action.name,
            len(ran),
            plain / sum(outcome.stored_bytes for _, outcome in ran),
            _speed(plain, sum(outcome.compress_ms for _, outcome in ran)),
            _speed(plain, sum(outcome.decompress_ms or 0.0 for _, outcome in ran)),
        )


def _speed(plain_bytes: int, elapsed_ms: float) -> float:
    return plain_bytes / 1e3 / elapsed_ms if elapsed_ms > 0 else float("inf")
