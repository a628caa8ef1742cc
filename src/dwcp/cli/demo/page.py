"""The demo's report: one HTML page that needs nothing else."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from dwcp.cli.demo.charts import above_oracle_chart, codec_chart, seconds_chart
from dwcp.cli.demo.judging import BEST_FIXED, Judged
from dwcp.cli.demo.mix import by_codec, by_kind
from dwcp.cli.demo.run import Demo
from dwcp.cli.demo.telling import (
    HINT_HEADER,
    MODEL_TITLES,
    command_text,
    comparisons_text,
    fixed_text,
    hint_rows,
    link_titles,
    of_model,
    saving_rows,
    second_rows,
    verdict_text,
)
from dwcp.cli.demo.transfer_page import transfer_sections
from dwcp.cli.demo.writing import percent_text, range_text
from dwcp.cli.machine import processor
from dwcp.codecs.probe import RUN_S
from dwcp.evaluation import atomic_write
from dwcp.evaluation.report import (
    Cell,
    Column,
    Facts,
    Heading,
    KeyFigure,
    KeyFigures,
    Prose,
    Report,
    Section,
    Table,
    render,
)
from dwcp.tasks.compression.contract import CANDIDATES, CostModel
from dwcp.words import bytes_text, counted

__all__ = ["write_page"]

_HINT_KINDS: tuple[Literal["text", "number"], ...] = (
    "text",
    "number",
    "text",
    "text",
    "number",
    "number",
    "number",
    "text",
)

_WHAT = """\
Compressing data before it is sent or stored saves time, or costs time: it depends on the data, on the \
machine and on the link. DWCP learns from measurements which codec is the fastest for which data, and \
follows the link. This page shows the whole round, on real files of this machine: measure, learn, judge on \
files that nothing was learned from, ask for hints, send them."""

_WORDS = (
    (
        "time",
        "Each codec was run on each block and timed: one core compresses, one unpacks. Nothing was sent for "
        "this: the time on the link is computed, stored bytes over its speed. Under real transfers it was.",
    ),
    ("pipelined", "A block takes as long as the slowest of compressing, sending and unpacking."),
    ("serial", "A block takes as long as compressing and sending together."),
    (
        "oracle",
        "The fastest codec for each block, known only in hindsight: the best possible. How much longer a "
        "policy takes is its regret.",
    ),
    (
        "selector",
        "The model: it predicts size and time under every codec, and takes the fastest for the link.",
    ),
    (
        "fallback",
        "The fixed rule that answers when there is no model, or none that answers in time or is trusted: a "
        "level for the link's speed, and nothing for data that a fast codec cannot shrink.",
    ),
    (
        "best fixed",
        "The one codec that took the least time on the files that were learned from, chosen anew for each "
        "link and cost model.",
    ),
    ("zstd-3", "The level that zstd takes unless told otherwise."),
    (
        "delta",
        "A codec that encodes against an earlier version of a file. It is judged only on files that you "
        "name, where a name tells which version came before (app-1.2.tar after app-1.1.tar). For part of the "
        "other blocks an earlier version is made up, to learn from only.",
    ),
    (
        "interval",
        "At 95 %, by drawing whole groups of files again and again (cluster bootstrap): how much a figure "
        "would vary with other files of the kind found here. It does not speak for other machines, and from "
        "few groups it comes out too narrow.",
    ),
    (
        "not counted",
        "Looking at a block and asking for a hint: a transfer need ask only once for a run of blocks, about "
        f"{RUN_S:g} s of the link, on a look at up to four of them, and looks less deeply on a faster link. "
        "Nor what the selector lets an idle core try now and then, to learn how a file behaves.",
    ),
)


def write_page(done: Demo, path: Path, home_flag: Path | None) -> None:
    """Write the report, whole or not at all.

    Args:
        done: what the demo did.
        path: where to.
        home_flag: the home, if it was given as a flag: the next command needs it too.

    Raises:
        StorageError: the disk is full or may not be written.
    """
    measured = done.measured
    files = len({block.file for block in measured.blocks})
    subtitle = (
        f"{counted(len(measured.blocks), 'block')} of {counted(files, 'real file')}, measured with "
        f"{len(CANDIDATES)} codecs and levels; {len(done.parts.unseen):,} of them were kept aside to judge on"
    )
    report = Report("Which codec is the fastest here?", subtitle, tuple(_sections(done, home_flag)))
    atomic_write(path, render(report).encode())


def _sections(done: Demo, home_flag: Path | None) -> Iterator[Section]:
    pipelined = of_model(done.judged, CostModel.PIPELINED)
    yield KeyFigures(tuple(_key_figures(done, pipelined)))
    yield Prose(_WHAT)
    yield _verdict(done)
    yield Heading("Time on files never seen", _aside(done))
    yield seconds_chart(pipelined, done.subject)
    yield above_oracle_chart(pipelined)
    yield from _time_tables(done, CostModel.PIPELINED)
    yield Heading("One after the other", "The same files, where a block is sent only once it is compressed.")
    yield from _time_tables(done, CostModel.SERIAL)
    yield Heading("Hints", "What a transfer is told when it asks, block after block, file by file.")
    yield from _hints(done)
    yield from transfer_sections(done.transferred)
    yield Heading("What was measured")
    yield from _measured(done)
    yield Heading("The model")
    yield from _model(done)
    yield Heading("How to read this")
    yield Table("Words and figures on this page", (Column("Word", "text"), Column("Meaning", "text")), _WORDS)
    yield Heading("What to try next")
    yield _next(home_flag)


def _key_figures(done: Demo, judged: list[Judged]) -> Iterator[KeyFigure]:
    subject = done.subject
    above = range_text([one.above_oracle[subject].estimate for one in judged])
    yield KeyFigure("Longer than the best possible", above, f"{subject}, links of 10 Mbit/s to 10 Gbit/s")
    for rival in ("zstd-3", BEST_FIXED):
        saved = [one.saved(subject, rival) for one in judged]
        clear = sum(interval.low > 0 for interval in saved)
        note = f"clearly on {clear} of {len(saved)} links"
        yield KeyFigure(f"Less time than {rival}", range_text([s.estimate for s in saved]), note)
    hints = done.hints
    yield KeyFigure(
        "A hint takes", f"{hints.latency_ms(0.5):.2f} ms", f"99 % below {hints.latency_ms(0.99):.2f} ms"
    )


def _verdict(done: Demo) -> Prose:
    tone: Literal["good", "note"] = "good" if done.learned.promoted else "note"
    return Prose(f"{verdict_text(done.learned)}\n\n{comparisons_text(done)}", tone)


def _aside(done: Demo) -> str:
    unseen = done.parts.unseen
    groups = len({case.group for case in unseen})
    size = bytes_text(sum(case.context.facts.block_bytes for case in unseen))
    return (
        f"{counted(len(unseen), 'block')} ({size}) of {counted(groups, 'group')} of files that nothing was "
        "learned from or chosen on; a group is the files of one kind in folders of one name, or a file with "
        "its versions."
    )


def _time_tables(done: Demo, cost_model: CostModel) -> Iterator[Table]:
    judged = of_model(done.judged, cost_model)
    titles = [Column(title) for title in link_titles(judged)]
    rows = list(second_rows(judged))
    yield Table(
        f"Time, and how much above the oracle's, {MODEL_TITLES[cost_model]}; {fixed_text(judged)}",
        (Column("Policy", "text"), *titles),
        tuple((name, *(Cell(*cell) for cell in cells)) for name, cells in rows),
        frozenset(place for place, (name, _) in enumerate(rows) if name == done.subject),
    )
    yield Table(
        f"Time that the {done.subject} saves, with 95 % intervals; less than zero is time lost",
        (Column("Less time", "text"), *titles),
        tuple((name, *(Cell(*cell) for cell in cells)) for name, cells in saving_rows(judged, done.subject)),
    )


def _hints(done: Demo) -> Iterator[Section]:
    hints = done.hints
    counts = ", ".join(f"{count:,} {reason}" for reason, count in hints.reasons().items())
    yield Prose(
        f"{len(hints.asked):,} hints were asked for, about every block kept aside on every link: {counts}. "
        "The reason says who answered: MODEL is the champion, anything else the fallback, and why. Sure is "
        "the model's own estimate that the hint takes at most 5 % longer than the best possible. The last "
        "line was asked with the model switched off: there is always an answer."
    )
    columns = tuple(
        Column(title.capitalize(), kind) for title, kind in zip(HINT_HEADER, _HINT_KINDS, strict=True)
    )
    yield Table(
        "For each kind of file, the hint for its slowest block; times are of that block, pipelined",
        columns,
        tuple(hint_rows(done)),
    )


def _measured(done: Demo) -> Iterator[Section]:
    kinds = by_kind(done.cases)
    links = (
        "Fastest at " + title.replace(" ", "\u00a0")
        for title in link_titles(of_model(done.judged, CostModel.PIPELINED))
    )
    columns = ("Files", "Blocks", "Size", "Left by zstd-3", *links)
    yield Table(
        "Kinds of file, and the codec that was most often the fastest, pipelined",
        (Column("Kind", "text"), *(Column(title) for title in columns)),
        tuple(
            (
                kind.kind.value,
                f"{kind.files:,}",
                f"{kind.blocks:,}",
                bytes_text(kind.plain_bytes),
                percent_text(kind.zstd_3_share),
                *kind.fastest,
            )
            for kind in kinds
        ),
    )
    yield codec_chart(by_codec(done.cases))
    skipped = done.survey.unreadable + done.measured.vanished
    yield Facts(
        (
            ("Files found", f"{len(done.survey.files):,}"),
            ("Skipped, cannot be read", f"{skipped:,}"),
            ("Time spent measuring", f"{done.measured.spent_s:.0f} s"),
            ("Table", str(done.measured.table)),
            ("Processor", f"{processor()}, {os.cpu_count()} cores; one measures"),
        )
    )


def _model(done: Demo) -> Iterator[Section]:
    learned = done.learned
    if learned.artifact is None:
        yield Prose(f"There is none: {learned.why}.")
        return
    manifest, report = learned.artifact.manifest, learned.report
    parts = report["split"]
    yield Facts(
        (
            ("Version", f"compression {manifest.version}"),
            ("Size", bytes_text(report["model_bytes"])),
            ("Learned from", _blocks(parts["train"], parts["validation"])),
            ("Judged on", _blocks(parts["test"])),
            ("Epochs", str(report["epochs"])),
            ("Seed", str(report["seed"])),
        )
    )
    met = sum(result["met"] for result in report["gates"])
    yield Prose(
        "A model is promoted when it beats the best rule. The gates ask for more, on files never seen, over "
        f"links of 10 Mbit/s to 10 Gbit/s and both cost models: here {met} of {len(report['gates'])} are met."
    )
    yield Table(
        "The gates",
        (Column("Gate", "text"), Column("Reached"), Column("Asked for")),
        tuple(_gate(result) for result in report["gates"]),
    )


def _blocks(*parts: dict[str, int]) -> str:
    """The blocks and groups of parts that have no group in common."""
    blocks, groups = (sum(part[name] for part in parts) for name in ("cases", "groups"))
    return f"{counted(blocks, 'block')} of {counted(groups, 'group')}"


def _gate(result: dict[str, Any]) -> tuple[Cell | str, ...]:
    gate, figure = result["gate"], result["figure"]
    sign = "at least" if gate["direction"] == "at_least" else "at most"
    reached = "–" if figure is None else percent_text(figure)
    tone: Literal["good", "bad"] = "good" if result["met"] else "bad"
    return gate["meaning"], Cell(reached, tone=tone), f"{sign} {percent_text(gate['limit'])}"


def _next(home_flag: Path | None) -> Facts:
    return Facts(
        (
            ("Ask about a file of yours", command_text(home_flag, "advise FILE --bandwidth-mbps 100")),
            ("Run this on files of yours", command_text(home_flag, "demo PATH")),
            ("Measure longer, to learn more", command_text(home_flag, "demo --seconds 300")),
        )
    )
