"""``dwcp evaluate``: a published model beside the rules and the oracle."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dwcp.cli.failures import Status
from dwcp.cli.options import JsonFlag, RegistryOption, SeedOption, TaskArgument
from dwcp.cli.output import note, print_json, print_table, require_writable, say
from dwcp.cli.progress import progress
from dwcp.cli.session import session_of
from dwcp.cli.tables import table_for

if TYPE_CHECKING:
    from dwcp.cli.judging import Judgement

__all__ = ["evaluate"]

_COLUMNS = ("within_5pct", "mean_regret", "p99_regret", "total_cost")


def evaluate(
    context: typer.Context,
    task: TaskArgument,
    data: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Recorded cases; the table in the home unless given.")
    ] = None,
    model: Annotated[str, typer.Option(metavar="REFERENCE", help="A version or alias.")] = "champion",
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of the reports; evaluation/TASK in the home unless given."),
    ] = None,
    examples: Annotated[
        int, typer.Option(min=1, metavar="N", help="Simulated cases where there is no table.")
    ] = 2000,
    seed: SeedOption = 42,
    registry: RegistryOption = None,
    json: JsonFlag = False,
) -> None:
    """Replay a model, the fallback, the baselines and the oracle over recorded cases, side by side.

    Where the model was trained on this very table, only the files it was not trained on count. Writes
    evaluation_report.json, evaluation_report.md and report.html with plots. The status is 3 when a gate is
    short.

    For example: dwcp evaluate compression --data measured.parquet --model champion
    """
    from dwcp.cli.judging import judge_model
    from dwcp.task import TrainingOptions
    from dwcp.training import Job, resolve_task

    session = session_of(context)
    known = resolve_task(task)
    artifact = session.registry(registry).load(known.name, model)
    table = table_for(session, known.name, data)
    if table is None:
        note(session, f"no table: judging on {examples:,} simulated examples")
    folder = out or session.home / "evaluation" / known.name
    require_writable(folder / "report.html")
    job = Job(task, TrainingOptions(seed=seed), table, examples)
    with progress(session, known.name) as show:
        judgement = judge_model(known, artifact, job, show)
    _write(judgement, folder)
    if json:
        print_json({**judgement.as_json(), "folder": folder})
    else:
        _tell(judgement, folder)
    if not judgement.gates_met:
        raise typer.Exit(Status.SHORT)


def _write(judgement: "Judgement", folder: Path) -> None:
    from dwcp.cli.judgement_page import page_of
    from dwcp.evaluation import atomic_write
    from dwcp.evaluation.report import render
    from dwcp.registry.manifest import canonical_json

    atomic_write(folder / "evaluation_report.json", canonical_json(judgement.as_json(), indent=2))
    atomic_write(folder / "evaluation_report.md", judgement.as_markdown().encode())
    atomic_write(folder / "report.html", render(page_of(judgement)).encode())


def _tell(judgement: "Judgement", folder: Path) -> None:
    gains = (metric.key for metric in judgement.comparison.metrics if metric.key.startswith("gain_over_"))
    shown = judgement.comparison.only(*_COLUMNS, *gains)
    print_table(shown.header(), shown.plain_rows(), frozenset(range(1, len(shown.metrics) + 1)))
    say(f"data: {judgement.data}")
    for result in judgement.gates:
        say(f"gate {result.line()}")
    say(f"reports: {folder}/report.html, evaluation_report.md, evaluation_report.json")
