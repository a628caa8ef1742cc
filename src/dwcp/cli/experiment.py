"""``dwcp experiment``: two or more arms compared live, and looked at as often as one likes."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dwcp.cli.failures import Status
from dwcp.cli.options import JsonFlag, WhyOption
from dwcp.cli.output import note, print_json, print_table, say
from dwcp.cli.session import session_of
from dwcp.cli.user import user_name
from dwcp.errors import InputError
from dwcp.words import counted

if TYPE_CHECKING:
    from dwcp.safety.experiments import Analysis, ExperimentBook, ExperimentPlan, ExperimentRecord

__all__ = ["experiment"]

_NameArgument = Annotated[str, typer.Argument(help="The experiment's name.", show_default=False)]
_ArmOption = Annotated[
    list[str] | None,
    typer.Option("--arm", metavar="NAME[=WEIGHT]", help="An arm; the first is control. Say it for each."),
]
_MetricOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME[:proportion][:higher]",
        help="The metric that decides; a mean where lower is better unless said.",
        show_default=False,
    ),
]
_GuardrailOption = Annotated[
    list[str] | None,
    typer.Option(
        "--guardrail",
        metavar="NAME:MARGIN[:proportion][:higher]",
        help="A metric that must not get worse by more than the margin.",
    ),
]
_AlphaOption = Annotated[
    float, typer.Option(metavar="SHARE", help="How often the whole experiment may be wrong.")
]
_LeastOption = Annotated[
    int, typer.Option(min=2, metavar="N", help="Units of each arm without which nothing is said.")
]

experiment = typer.Typer(
    name="experiment", no_args_is_help=True, help="Compare arms live: sticky units, always-valid intervals."
)


@experiment.command()
def start(
    context: typer.Context,
    name: _NameArgument,
    arm: _ArmOption = None,
    metric: _MetricOption = None,
    guardrail: _GuardrailOption = None,
    traffic: Annotated[
        float | None,
        typer.Option(
            min=0.0001,
            max=1.0,
            metavar="SHARE",
            help="Share of all units that take part, e.g. 0.1; as before, or all, unless given.",
        ),
    ] = None,
    alpha: _AlphaOption = 0.05,
    least_units: _LeastOption = 100,
    why: Annotated[str, typer.Option(metavar="TEXT", help="What one hopes to learn.")] = "",
    task: Annotated[
        str,
        typer.Option(
            metavar="TASK",
            help="Let dwcp serve carry it out on this task's hints; arms are rule, champion or a version, "
            "metrics are correct, regret or throughput_mbps.",
            show_default=False,
        ),
    ] = "",
    json: JsonFlag = False,
) -> None:
    """Start an experiment, let one that was stopped go on, or let more traffic into one that runs.

    A unit keeps its arm, however the traffic grows. What is compared, and by what, can't be changed later.

    For example: dwcp experiment start codec --arm control --arm new --metric regret --guardrail p99_ms:2
    """
    book = _book(context)
    if name not in book:
        plan = _plan(name, arm, metric, guardrail, alpha, least_units, why)
        book.create(_carried_out(plan, task) if task else plan)
    elif arm or metric or guardrail or task:
        raise InputError(
            f"experiment {name} stands, and its arms and metrics can't be changed; leave them out to let it "
            f"go on, or take a new name"
        )
    if traffic is None:
        traffic = book.record(name).traffic or 1.0
    record = book.start(name, traffic, now=time.time(), who=user_name(), why=why)
    _tell_record(record, json)


@experiment.command()
def stop(
    context: typer.Context,
    name: _NameArgument,
    why: WhyOption,
    conclude: Annotated[
        bool, typer.Option("--conclude", help="A decision was taken: it never starts again.")
    ] = False,
    json: JsonFlag = False,
) -> None:
    """Let no unit in any more; what was collected stays, and it may be started again unless concluded.

    For example: dwcp experiment stop codec --why "rolled out" --conclude
    """
    if not why.strip():
        raise InputError("--why needs a reason: it goes into the journal")
    record = _book(context).stop(name, now=time.time(), who=user_name(), why=why.strip(), conclude=conclude)
    _tell_record(record, json)


@experiment.command(name="list")
def list_experiments(context: typer.Context, json: JsonFlag = False) -> None:
    """List every experiment of the home.

    For example: dwcp experiment list
    """
    book = _book(context)
    records = list(book.records())
    if json:
        print_json([record.as_json() for record in records])
    elif not records:
        say(f"no experiment in {book.root}; dwcp experiment start makes one")
    else:
        rows = [
            (
                record.plan.name,
                record.state.value,
                f"{record.traffic:.0%}",
                ", ".join(f"{arm} {share:.0%}" for arm, share in record.plan.shares.items()),
                ", ".join(metric.name for metric in record.plan.metrics),
                record.plan.why,
            )
            for record in records
        ]
        print_table(("name", "state", "traffic", "arms", "metrics", "why"), rows, frozenset({2}))


@experiment.command()
def status(context: typer.Context, name: _NameArgument, json: JsonFlag = False) -> None:
    """Show what an experiment says so far: the split, effects with their sequences, and what to do.

    Looking is free: the intervals hold at every look together. The status is 3 where it can't be trusted.

    For example: dwcp experiment status codec
    """
    from dwcp.safety.experiments import analyse

    book = _book(context)
    record = book.record(name)
    seen, bad_lines = book.observations(name)
    if bad_lines:
        note(session_of(context), f"{counted(bad_lines, 'line')} of the log could not be used")
    found = analyse(record.plan, seen)
    if json:
        print_json({**record.as_json(), "bad_lines": bad_lines, "analysis": found.as_json()})
    else:
        say(f"{name}: {record.state}, traffic {record.traffic:.0%}")
    _tell_analysis(found, json=json)


@experiment.command()
def analyze(
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            help="Outcomes, CSV, Parquet or JSON lines: unit, arm, metrics, perhaps when_s.",
            show_default=False,
        ),
    ],
    name: Annotated[
        str | None,
        typer.Option("--experiment", metavar="NAME", help="Arms and metrics of this one, in the home."),
    ] = None,
    arm: _ArmOption = None,
    metric: _MetricOption = None,
    guardrail: _GuardrailOption = None,
    alpha: _AlphaOption = 0.05,
    least_units: _LeastOption = 100,
    json: JsonFlag = False,
) -> None:
    """Analyse a table of outcomes, of a registered experiment or of any other.

    Without --experiment or --arm the arms are those in the file, of equal weight, and control is the one of
    that name, or the first by the alphabet. The status is 3 where it can't be trusted.

    For example: dwcp experiment analyze outcomes.csv --metric regret --guardrail p99_ms:2
    """
    from dwcp.cli.experiment_tables import observed_in, read_outcomes
    from dwcp.safety.experiments import analyse

    if name is not None:
        if arm or metric or guardrail:
            raise InputError("--experiment brings its arms and metrics; leave out the others, or it")
        plan = _book(context).record(name).plan
        table = read_outcomes(file, [each.name for each in plan.metrics])
    else:
        wanted = _plan("analysis", arm or ["control", "other"], metric, guardrail, alpha, least_units, "")
        table = read_outcomes(file, [each.name for each in wanted.metrics])
        found = sorted(table["arm"].unique().to_list(), key=lambda each: (each != "control", each))
        plan = _plan("analysis", arm or found, metric, guardrail, alpha, least_units, "")
    analysis = analyse(plan, observed_in(table, [each.name for each in plan.arms], plan.metrics))
    if json:
        print_json(analysis.as_json())
    _tell_analysis(analysis, json=json)


def _book(context: typer.Context) -> "ExperimentBook":
    from dwcp.safety.experiments import ExperimentBook

    return ExperimentBook(session_of(context).home)


def _plan(
    name: str,
    arm: list[str] | None,
    metric: str | None,
    guardrail: list[str] | None,
    alpha: float,
    least_units: int,
    why: str,
) -> "ExperimentPlan":
    from dwcp.cli.experiment_options import arms_of, guardrails_of, metric_of
    from dwcp.safety.experiments import ExperimentPlan

    if not arm:
        raise InputError(f"experiment {name} is new: name its arms, e.g. --arm control --arm new")
    if metric is None:
        raise InputError("name the metric that decides, e.g. --metric regret")
    return ExperimentPlan(
        name=name,
        arms=arms_of(arm),
        metric=metric_of(metric),
        guardrails=guardrails_of(guardrail or ()),
        alpha=alpha,
        least_units=least_units,
        why=why,
    )


def _carried_out(plan: "ExperimentPlan", task: str) -> "ExperimentPlan":
    """The plan for a server, which knows a task's versions and what their outcomes tell."""
    from msgspec.structs import replace

    from dwcp.serving.helm import MEASURED
    from dwcp.tasks import discover

    if task not in discover():
        raise InputError(f"there is no task {task!r}; there are {', '.join(discover())}")
    for metric in plan.metrics:
        if metric.name not in MEASURED:
            raise InputError(
                f"a server measures {', '.join(MEASURED)} of hints, not {metric.name}; leave out --task to "
                "tell outcomes yourself"
            )
    return replace(plan, task=task)


def _tell_record(record: "ExperimentRecord", json: bool) -> None:
    if json:
        print_json(record.as_json())
        return
    arms = ", ".join(f"{arm} {share:.0%}" for arm, share in record.plan.shares.items())
    say(f"{record.plan.name}: {record.state}, traffic {record.traffic:.0%}, arms {arms}")


def _tell_analysis(analysis: "Analysis", *, json: bool) -> None:
    from dwcp.cli.experiment_page import tell_analysis

    if not json:
        tell_analysis(analysis)
    if not analysis.recommendation.trusted:
        raise typer.Exit(Status.SHORT)
