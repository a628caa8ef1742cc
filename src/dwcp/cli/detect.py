"""``dwcp detect``: episodes of failure in what was recorded."""

from contextlib import closing
from functools import partial
from importlib import import_module
from itertools import tee
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dwcp.cli.failures import Status
from dwcp.cli.options import JsonFlag, RegistryOption
from dwcp.cli.output import note, print_json, print_table, say
from dwcp.cli.progress import progress
from dwcp.cli.session import Session, session_of
from dwcp.words import counted

if TYPE_CHECKING:
    from dwcp.cli.detect_events import Event
    from dwcp.cli.detect_inputs import Recorded
    from dwcp.cli.detect_judging import Judged

__all__ = ["detect"]

_ROWS_A_WORD = 100
_TOLD = 3


def detect(
    context: typer.Context,
    source: Annotated[
        Path,
        typer.Argument(metavar="PATH", help="A recording's folder, or a table of nodes.", show_default=False),
    ],
    task: Annotated[
        str | None,
        typer.Option(metavar="TASK", help="consensus or reliability; that which fits the file unless given."),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Incidents as JSON; those of the recording unless given."),
    ] = None,
    registry: RegistryOption = None,
    json: JsonFlag = False,
) -> None:
    """Find episodes of failure in a recorded cluster, or in a table of nodes, and say what speaks for them.

    Each moment is judged by what came before it, as if it were live. With labels it also says what was found,
    what was missed, what was raised for nothing, and how late. The exit status is 3 where there is one.

    For example: dwcp detect nodes.parquet --labels incidents.json
    """
    from dwcp.cli.detect_inputs import read_recorded
    from dwcp.cli.detect_judging import judge

    session = session_of(context)
    recorded = read_recorded(source, task, labels)
    for remark in recorded.remarks:
        note(session, remark)
    found, alarms, by = _judged(session, recorded, registry)
    judged = None if recorded.labels is None else judge(recorded.labels, alarms, recorded.step_s)
    if json:
        print_json(_as_json(source, recorded, found, judged, by))
    else:
        _tell(source, recorded, found, judged, by)
    if found:
        raise typer.Exit(Status.SHORT)


def _judged(
    session: Session, recorded: "Recorded", registry: Path | None
) -> "tuple[list[Event], dict[str, list[tuple[float, bool]]], str]":
    """Every episode as it ended, the alarms of every subject, and who judged."""
    from dwcp.cli.detect_events import Episodes
    from dwcp.cli.detect_reasons import cluster_verdict, node_verdict
    from dwcp.cli.detecting import Detector

    own = f"dwcp.tasks.{recorded.task}"
    task, outcome = import_module(f"{own}.task").TASK, import_module(f"{own}.contract").Outcome
    told = cluster_verdict if recorded.task == "consensus" else node_verdict
    episodes, ended = Episodes(), []
    alarms: dict[str, list[tuple[float, bool]]] = {subject: [] for subject in recorded.subjects}
    with (
        closing(Detector(session, registry, task)) as detector,
        progress(session, "detecting") as show,
    ):
        moments, ahead = tee(recorded.moments())
        hints = detector.judge_all((one.context for one in ahead), partial(outcome, kind="unknown"))
        for done, (moment, hint) in enumerate(zip(moments, hints, strict=True), 1):
            verdict = told(moment.context, hint, moment.time_s)
            alarms[moment.subject].append((moment.time_s, verdict.alarm))
            event = episodes.take(verdict)
            if event is not None and event.event == "end":
                ended.append(event)
            if done % _ROWS_A_WORD == 0:
                show(done / recorded.rows, counted(done, "row"))
        ended += episodes.standing.values()
    return sorted(ended, key=lambda event: (event.since_s, event.subject)), alarms, detector.by


def _as_json(
    source: Path, recorded: "Recorded", found: "list[Event]", judged: "Judged | None", by: str
) -> dict[str, object]:
    from dwcp.cli.detect_events import event_json

    return {
        "source": source,
        "task": recorded.task,
        "by": by,
        "subjects": list(recorded.subjects),
        "rows": recorded.rows,
        "step_s": recorded.step_s,
        "episodes": [
            {**event_json(event), "event": "end" if event.event == "end" else "stands"} for event in found
        ],
        "judged": None if judged is None else judged.as_json(),
    }


def _tell(source: Path, recorded: "Recorded", found: "list[Event]", judged: "Judged | None", by: str) -> None:
    from dwcp.cli.detect_events import moment

    what = "node" if recorded.task == "reliability" else "cluster"
    size = f"{counted(len(recorded.subjects), what)}, {counted(recorded.rows, 'row')}"
    say(f"{source}: {size} of {recorded.step_s:g} s, by {by}")
    rows = [
        (
            moment(event.since_s),
            moment(event.at_s) if event.event == "end" else "stands",
            event.subject,
            "\n".join(reason.words for reason in event.reasons[:_TOLD]),
        )
        for event in found
    ]
    if rows:
        print_table(("begin", "end", what, "reasons"), rows, frozenset())
    say(counted(len(found), "episode"))
    for line in judged.lines() if judged else ():
        say(line)
