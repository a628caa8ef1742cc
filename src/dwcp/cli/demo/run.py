"""The steps of the demo, in order."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dwcp.cli.demo.files import Survey, default_roots, short_name, survey, write_archive
from dwcp.cli.demo.hints import Hints, ask_for_hints
from dwcp.cli.demo.judging import LINKS_MBPS, Judged, KeptAside, judge, keep_aside
from dwcp.cli.demo.kinds import Kind, kind_of
from dwcp.cli.demo.learning import Learned, learn
from dwcp.cli.demo.measuring import Measured, Plan, measure_within, plan
from dwcp.cli.demo.transfer import Transferred, transfer
from dwcp.cli.output import note
from dwcp.cli.progress import progress
from dwcp.cli.session import Session
from dwcp.evaluation import Case
from dwcp.task import TrainingOptions
from dwcp.tasks.compression.contract import Action, Context, Outcome
from dwcp.tasks.compression.task import TASK
from dwcp.words import bytes_text, counted

__all__ = ["SEED", "Demo", "run"]

SEED = 42
_FILES_OF_FOLDER, _NAMED_FILES = 48, 2000
"""Files of one folder to choose from: of the machine's own folders, and of those that were named."""


@dataclass(frozen=True, slots=True)
class Demo:
    """Everything the demo did, for the screen, the page and JSON.

    Attributes:
        survey: the files that were found.
        measured: what was measured.
        parts: the measured blocks, those kept aside apart.
        learned: what came of training.
        judged: the policies on the blocks that were kept aside, point by point.
        hints: what the advisor said about them.
        transferred: what came of sending their files.
    """

    survey: Survey
    measured: Measured
    parts: KeptAside
    learned: Learned
    judged: list[Judged]
    hints: Hints
    transferred: Transferred

    @property
    def cases(self) -> tuple[Case[Context, Action, Outcome], ...]:
        """Every measured block."""
        return (*self.parts.seen, *self.parts.unseen)

    @property
    def subject(self) -> str:
        """The policy that the figures are about: the selector, or the fallback where there is no model."""
        return "fallback" if self.learned.artifact is None else "selector"


def run(session: Session, paths: Sequence[Path], seconds: float, epochs: int, *, fresh: bool) -> Demo:
    """Find files, measure, train, judge, ask, send; each step says what it did, or what it found done.

    Args:
        session: where the home is, and whether to talk.
        paths: what to look through; the machine's usual places when empty.
        seconds: how long measuring may take.
        epochs: of training.
        fresh: re-use nothing.

    Raises:
        InputError: a path is missing, or there is too little to learn from.
        RegistryError: the registry is damaged.
        StorageError: the disk is full or may not be written.
    """
    found = _find(session, paths)
    measured = _measure(session, plan(found.files, versions=bool(paths)), seconds, fresh=fresh)
    # From the table, which tells made-up references from real ones, as training reads it.
    cases = TASK.cases(measured.table)
    parts = keep_aside(cases, SEED)
    options = TrainingOptions(seed=SEED, epochs=epochs)
    with progress(session, "training") as show:
        learned = learn(
            cases, measured.table, session.home, options, fresh=fresh, now=time.time(), progress=show
        )
    note(session, _told(learned))
    with progress(session, "judging") as show:
        judged = judge(parts, learned.artifact, SEED, show)
    hints = ask_for_hints(session.registry(), parts.unseen, LINKS_MBPS, session.settings.hint_deadline_ms)
    transferred = _transfer(session, measured, parts)
    return Demo(found, measured, parts, learned, judged, hints, transferred)


def _find(session: Session, paths: Sequence[Path]) -> Survey:
    with progress(session, "finding files") as show:
        show(0.0, "")
        found = survey(paths or default_roots(), session.home, _NAMED_FILES if paths else _FILES_OF_FOLDER)
        if not paths and all(kind_of(file.path) is not Kind.COMPRESSED for file in found.files):
            archive = write_archive(found.files, session.home / "demo" / "archive.zip")
            found = Survey((*found.files, archive), found.unreadable)
        show(1.0, "")
    skipped = f"; skipped {found.unreadable:,} that cannot be read" if found.unreadable else ""
    note(session, f"found {counted(len(found.files), 'file')} to choose from{skipped}")
    return found


def _measure(session: Session, wanted: Plan, seconds: float, *, fresh: bool) -> Measured:
    try:
        with progress(session, "measuring") as show:
            measured = measure_within(
                wanted,
                session.home / "measured",
                seconds,
                fresh=fresh,
                clock=time.monotonic,
                progress=show,
            )
    except KeyboardInterrupt:
        note(session, "what was measured is kept: run the same command again to go on")
        raise
    size = sum(block.facts.block_bytes for block in measured.blocks)
    blocks = f"{counted(len(measured.blocks), 'block')} ({bytes_text(size)})"
    if measured.reused:
        note(session, f"re-using {blocks} measured before: {measured.table}")
    elif measured.found_before:
        new = len(measured.blocks) - measured.found_before
        note(session, f"measured {counted(new, 'more block')}, {blocks} in all: {measured.table}")
    else:
        note(session, f"measured {blocks} in {measured.spent_s:.0f} s: {measured.table}")
    if measured.vanished:
        note(session, f"skipped {measured.vanished:,} that could no longer be read")
    return measured


def _transfer(session: Session, measured: Measured, parts: KeptAside) -> Transferred:
    paths = {short_name(source.path): source.path for source in measured.sources}
    kept_aside = dict.fromkeys(case.context.flow for case in parts.unseen)
    with progress(session, "sending files") as show:
        return transfer(
            {name: paths[name] for name in kept_aside if name in paths},
            session.registry(),
            time.monotonic,
            show,
        )


def _told(learned: Learned) -> str:
    if learned.artifact is None:
        return f"no model: {learned.why}; the rules are judged without it"
    version = f"compression {learned.artifact.ref.version}"
    return f"re-using {version}, a model of the same data" if learned.reused else f"trained {version}"
