"""``dwcp train``: learn from measured tables, and publish what was learned."""

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dwcp.cli.failures import Status
from dwcp.cli.options import JsonFlag, RegistryOption, SeedOption
from dwcp.cli.output import complain, note, print_json, print_table, require_writable, say
from dwcp.cli.progress import titled_progress
from dwcp.cli.session import Session, session_of
from dwcp.cli.tables import table_for, tables_by_task
from dwcp.errors import InputError

if TYPE_CHECKING:
    from dwcp.cli.settling import Settled, Terms
    from dwcp.registry import Draft
    from dwcp.task import TrainingOptions
    from dwcp.training import Job, JobResult

__all__ = ["train"]

_MODES = {"bandwidth": ("both", "datacenter", "internet")}
"""Of tasks that can learn from a part of their cases: which parts."""
_SHOWN = (("within_5pct", "within 5 %"), ("mean_regret", "mean regret"), ("p99_regret", "p99 regret"))


def train(
    context: typer.Context,
    tasks: Annotated[list[str], typer.Argument(help="What to learn, e.g. compression.", show_default=False)],
    data: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[TASK=]FILE",
            help="FILE, or TASK=FILE with several tasks; the table in the home unless given.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of the results; training in the home unless given."),
    ] = None,
    target_accuracy: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            metavar="SHARE",
            help="Share of decisions within 5 % of the oracle that must be reached.",
        ),
    ] = None,
    epochs: Annotated[
        int, typer.Option(min=1, metavar="N", help="Passes of the network over the data.")
    ] = 100,
    examples: Annotated[
        int,
        typer.Option(
            "--examples", "--samples", min=1, metavar="N", help="Simulated cases where there is no table."
        ),
    ] = 2000,
    mode: Annotated[
        str | None,
        typer.Option(
            metavar="MODE",
            help="bandwidth: learn from links of both kinds, or of datacenter or internet alone; "
            "both unless given.",
            show_default=False,
        ),
    ] = None,
    seed: SeedOption = 42,
    parallel: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Tasks at a time, each a process; the cores unless given."),
    ] = None,
    publish: Annotated[
        bool, typer.Option("--publish/--no-publish", help="Publish the model as challenger.")
    ] = True,
    promote_if_better: Annotated[
        bool, typer.Option("--promote-if-better", help="Let a better model replace a standing champion.")
    ] = False,
    plot: Annotated[
        bool, typer.Option("--plot", help="Draw each result beside the rules, as training_report.html.")
    ] = False,
    registry: RegistryOption = None,
    json: JsonFlag = False,
) -> None:
    """Train on measured tables: split by file, fit, export, hold against the rules on held-out files.

    Each task trains in a process of its own. The model is published as challenger; it becomes champion when
    there is none, it beats the best baseline and reaches the target. Without a table it learns from simulated
    examples and says so. The status is 3 when the target is short.

    For example: dwcp train compression --data measured.parquet --target-accuracy 0.98 --epochs 100 --seed 42
    """
    from dwcp.cli.settling import Terms, settle
    from dwcp.task import TrainingOptions

    session = session_of(context)
    folder = out or session.home / "training"
    require_writable(folder / "result")
    terms = Terms(target_accuracy, publish=publish, replace=promote_if_better)
    _require_mode(tasks, mode)
    options = TrainingOptions(seed=seed, epochs=epochs, extra={} if mode is None else {"mode": mode})
    jobs = _jobs(session, tasks, tables_by_task(tasks, data or []), options, examples)
    results = _train(session, jobs, folder, parallel or os.cpu_count() or 1)
    models = session.registry(registry)
    settled = [
        settle(models, job, result, terms, time.time()) for job, result in zip(jobs, results, strict=True)
    ]
    if plot:
        _draw(settled)
    if json:
        print_json([one.as_json() for one in settled])
    else:
        for one in settled:
            _tell(one, terms)
    _end(settled)


def _require_mode(tasks: Sequence[str], mode: str | None) -> None:
    from dwcp.training import resolve_task

    if mode is None:
        return
    for task in (resolve_task(name).name for name in tasks):
        known = _MODES.get(task)
        if known is None:
            raise InputError(
                f"--mode is for {', '.join(_MODES)}, not for {task}: leave it out, or train {task} by itself"
            )
        if mode not in known:
            raise InputError(f"{task} cannot be trained for mode {mode!r}; there are {', '.join(known)}")


def _jobs(
    session: Session,
    tasks: Sequence[str],
    tables: Mapping[str, Path],
    options: "TrainingOptions",
    examples: int,
) -> "list[Job]":
    from dwcp.training import Job, resolve_task

    jobs = []
    for name in tasks:
        table = table_for(session, resolve_task(name).name, tables.get(name))
        what = (
            f"learning from {table}" if table else f"no table: learning from {examples:,} simulated examples"
        )
        note(session, f"{name}: {what}")
        jobs.append(Job(name, options, table, examples))
    return jobs


def _train(session: Session, jobs: "list[Job]", folder: Path, parallel: int) -> "Sequence[JobResult]":
    from dwcp.training import train_all

    with titled_progress(session) as show:
        return train_all(jobs, folder, parallel=parallel, progress=show)


def _draw(settled: "Sequence[Settled]") -> None:
    from dwcp.cli.training_page import page_of
    from dwcp.evaluation import atomic_write
    from dwcp.evaluation.report import render

    for one in settled:
        if one.draft is not None and one.folder is not None:
            atomic_write(one.folder / "training_report.html", render(page_of(one.task, one.draft)).encode())


def _tell(settled: "Settled", terms: "Terms") -> None:
    draft = settled.draft
    if draft is None:
        return
    say(f"{settled.task}: held-out part of {draft.data}")
    header, rows = _beside_rules(draft)
    print_table(header, rows, frozenset(range(1, len(header))))
    for result in draft.gates:
        say(f"gate {result.line()}")
    if terms.target is not None:
        word = "short" if settled.short else "reached"
        say(f"target {_percent(terms.target)} within 5 % of the oracle: {_percent(settled.figure)}, {word}")
    say(f"report: {settled.folder}/training_report.md")
    if settled.version is not None:
        place = "champion" if settled.promoted else "challenger"
        say(f"published as {settled.task} {settled.version}, {place}: {settled.why}")
    elif settled.error is None:
        say("not published: --no-publish")


def _beside_rules(draft: "Draft") -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Every policy's shares, or its gate figures where the task has no such shares."""
    if any(key in figures for figures in draft.metrics.values() for key, _ in _SHOWN):
        ordered = sorted(draft.metrics.items(), key=lambda item: item[1].get("mean_regret", 0.0))
        rows = [(name, *(_percent(figures.get(key)) for key, _ in _SHOWN)) for name, figures in ordered]
        return ("policy", *(title for _, title in _SHOWN)), rows
    keys = [result.gate.metric for result in draft.gates]
    rows = [
        (name, *(f"{figures[key]:.4g}" if key in figures else "–" for key in keys))
        for name, figures in sorted(draft.metrics.items(), key=lambda item: item[1].get(keys[0], 0.0))
    ]
    return ("policy", *(key.replace("_", " ") for key in keys)), rows


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.2f} %"


def _end(settled: "Sequence[Settled]") -> None:
    """Raise the last error after telling the others, or end with the status of a short target."""
    errors = [one.error for one in settled if one.error is not None]
    for error in errors[:-1]:
        complain(str(error))
    if errors:
        raise errors[-1]
    if any(one.short for one in settled):
        raise typer.Exit(Status.SHORT)
