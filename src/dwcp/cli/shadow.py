"""``dwcp shadow``: whether a candidate that ran beside the champion is good enough."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dwcp.cli.failures import Status
from dwcp.cli.options import JsonFlag
from dwcp.cli.output import note, print_json, print_table, say
from dwcp.cli.session import session_of
from dwcp.words import counted

if TYPE_CHECKING:
    from dwcp.safety.shadow import ShadowRecords, TaskValidation, Validation

__all__ = ["shadow"]

_TOLD = 5
_COLUMNS = (
    *("task", "candidate", "decisions", "judged", "units", "accuracy", "interval", "agreement"),
    *("regret", "champion's", "errors", "p99 ms", "verdict"),
)

shadow = typer.Typer(
    name="shadow", no_args_is_help=True, help="Judge candidates that were asked and never used."
)


@shadow.command()
def validate(
    context: typer.Context,
    log: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="The shadow log; parts it was rotated to are read as well.",
            show_default=False,
        ),
    ],
    target_accuracy: Annotated[
        float, typer.Option(metavar="SHARE", help="To reach against measured outcomes, e.g. 0.95.")
    ] = 0.95,
    min_decisions: Annotated[
        int, typer.Option(min=1, metavar="N", help="Judged decisions without which nothing is concluded.")
    ] = 1000,
    alpha: Annotated[
        float, typer.Option(metavar="SHARE", help="How often the verdict may be wrong, however often asked.")
    ] = 0.05,
    task: Annotated[
        str | None, typer.Option(metavar="TASK", help="Judge this task alone; all in the log unless given.")
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Hold a shadow log against a target: accuracy, agreement, regret, errors and latency of the candidate.

    The status is 0 where every task passes, 1 where one fails, and 3 where the log does not decide: too few
    outcomes, or an interval with the target inside. The interval holds however often one looks.

    For example: dwcp shadow validate --log shadow.jsonl --target-accuracy 0.95
    """
    from dwcp.safety.shadow import ShadowTarget, read_shadow_log, validate_shadow

    session = session_of(context)
    target = ShadowTarget(target_accuracy, min_decisions, alpha)
    records = _of_task(read_shadow_log(log), task, log)
    for bad in records.bad[:_TOLD]:
        note(session, f"{bad.file} line {bad.number} is passed over: {bad.reason}")
    if len(records.bad) > _TOLD:
        note(session, f"{counted(len(records.bad) - _TOLD, 'more bad line')} passed over")
    validation = validate_shadow(records, target)
    if json:
        print_json(_as_json(validation, records))
    else:
        _tell(validation, records)
    if validation.verdict != "pass":
        raise typer.Exit(Status.FAILED if validation.verdict == "fail" else Status.SHORT)


def _of_task(records: "ShadowRecords", task: str | None, log: Path) -> "ShadowRecords":
    from dataclasses import replace

    from dwcp.errors import InputError

    if task is None:
        return records
    own = tuple(decision for decision in records.decisions if decision.task == task)
    if not own:
        known = ", ".join(sorted({decision.task for decision in records.decisions}))
        raise InputError(f"{log} holds no decision of task {task!r}; there are those of {known}")
    return replace(records, decisions=own)


def _as_json(validation: "Validation", records: "ShadowRecords") -> dict[str, object]:
    return {
        "target": asdict(validation.target),
        "files": list(records.files),
        "tasks": [task.as_json() for task in validation.tasks],
        "bad_lines": [asdict(bad) for bad in records.bad],
        "unmatched_outcomes": records.unmatched,
        "verdict": validation.verdict.value,
    }


def _tell(validation: "Validation", records: "ShadowRecords") -> None:
    print_table(_COLUMNS, [_row(task) for task in validation.tasks], frozenset(range(2, 12)))
    for task in validation.tasks:
        say(f"{task.task} {task.candidate}: {task.verdict}: {task.why}")
    if records.bad or records.unmatched:
        bad = counted(len(records.bad), "bad line")
        say(f"{bad}; {counted(records.unmatched, 'outcome')} of decisions that are not in the log")
    say(f"verdict: {validation.verdict}")


def _row(task: "TaskValidation") -> tuple[str, ...]:
    accuracy = task.accuracy
    return (
        task.task,
        task.candidate,
        f"{task.decisions:,}",
        f"{task.judged:,}",
        f"{task.units:,}",
        _share(None if accuracy is None else accuracy.estimate),
        "-" if accuracy is None else f"{accuracy.low:.2%} to {accuracy.high:.2%}",
        _share(task.agreement),
        _number(task.candidate_regret),
        _number(task.champion_regret),
        f"{task.error_rate:.2%}",
        f"{task.p99_latency_ms:.3g}",
        task.verdict.value,
    )


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.2%}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
