"""``dwcp rollout``: a new version stage by stage, region by region, with the way back."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dwcp.cli.options import JsonFlag, RegistryOption, TaskArgument, WhyOption
from dwcp.cli.output import note, print_json, print_table, say
from dwcp.cli.session import session_of
from dwcp.cli.user import user_name
from dwcp.errors import InputError

if TYPE_CHECKING:
    from dwcp.safety.rollout import Entry, KillSwitches, Rollout

__all__ = ["rollout"]

_RegionOption = Annotated[
    str | None, typer.Option("--region", metavar="NAME", help="The region; needless where there is one.")
]
_KilledArgument = Annotated[str | None, typer.Argument(help="The task.", show_default=False)]
_AllOption = Annotated[bool, typer.Option("--all", help="Every task.")]

rollout = typer.Typer(
    name="rollout",
    no_args_is_help=True,
    help="Bring a new version in by stages: shadow, 5%, 25%, 50%, 75%, 100%; or stop it.",
)


@rollout.command()
def start(
    context: typer.Context,
    task: TaskArgument,
    why: WhyOption,
    reference: Annotated[str, typer.Argument(help="The candidate: a version or an alias.")] = "challenger",
    wave: Annotated[
        list[str] | None,
        typer.Option("--wave", metavar="REGIONS", help="Regions that go together; once for each wave."),
    ] = None,
    hold_hours: Annotated[float, typer.Option(min=0.0, metavar="H", help="Least time in each stage.")] = 24.0,
    samples: Annotated[
        int, typer.Option(min=1, metavar="N", help="Least decisions of the candidate in each stage.")
    ] = 1000,
    approve_after: Annotated[
        str, typer.Option(metavar="STAGES", help="Stages that end with a person's yes, or all.")
    ] = "",
    limit: Annotated[
        list[str] | None,
        typer.Option("--limit", metavar="METRIC=NUMBER", help="Another limit, e.g. accuracy=0.9."),
    ] = None,
    rollback: Annotated[
        str, typer.Option(metavar="all|region", help="What a breach in one region takes back.")
    ] = "all",
    registry: RegistryOption = None,
    json: JsonFlag = False,
) -> None:
    """Start with a version that passes every check, in shadow; the champion, or the rule, is the control.

    For example: dwcp rollout start compression challenger --wave eu --wave us,asia --why "beats 1.0.0"
    """
    from dwcp.cli.model_checks import require_sound
    from dwcp.cli.rollout_plan import measured_by, plan_of
    from dwcp.safety.rollout import Start

    session = session_of(context)
    reason, held = _reason(why), session.registry(registry)
    plan = plan_of(
        task,
        waves=wave or (),
        hold_hours=hold_hours,
        samples=samples,
        approve_after=approve_after,
        limits=limit or (),
        rollback=rollback,
    )
    candidate = require_sound(held, task, reference).version
    begun = Start(candidate, held.aliases(task).get("champion"), plan)
    moved = _opened(session.home, task).start(
        begun, measured_by(task), now=time.time(), who=user_name(), why=reason
    )
    _tell(task, moved, json)


@rollout.command()
def status(
    context: typer.Context,
    task: Annotated[str | None, typer.Argument(help="The task; every task unless given.")] = None,
    json: JsonFlag = False,
) -> None:
    """Show where each region stands, what was measured, and what it waits for.

    For example: dwcp rollout status compression
    """
    from dwcp.cli.rollout_page import STATUS_HEADER, next_step, status_rows
    from dwcp.cli.rollout_page import status as status_of
    from dwcp.safety.rollout import rollout_tasks

    session = session_of(context)
    now = time.time()
    opened = [_opened(session.home, name) for name in ([task] if task else rollout_tasks(session.home))]
    if json:
        print_json([status_of(one, now) for one in opened])
        return
    rows = [row for one in opened for row in status_rows(one, now)]
    if rows:
        print_table(STATUS_HEADER, rows, frozenset({6}))
    else:
        say(f"nothing was rolled out under {session.home}; dwcp rollout start begins")
    for line in filter(None, map(next_step, opened)):
        note(session, line)


@rollout.command()
def approve(
    context: typer.Context,
    task: TaskArgument,
    why: WhyOption,
    region: _RegionOption = None,
    registry: RegistryOption = None,
    json: JsonFlag = False,
) -> None:
    """Say yes where a stage waits for it; after the last stage, make the candidate the champion.

    For example: dwcp rollout approve compression --why "looked at the figures"
    """
    session = session_of(context)
    reason, opened, now = _reason(why), _opened(session.home, task), time.time()
    state = opened.state
    if state is None or not (state.active and state.complete):
        _tell(task, opened.approve(region, now=now, who=user_name(), why=reason), json)
        return
    held = session.registry(registry)
    ref = held.promote(task, state.start.candidate, now=now, who=user_name(), why=reason)
    moved = opened.promoted(now=now, who=user_name(), why=reason)
    if not json:
        say(f"champion of {task} is now {ref.version}")
    _tell(task, moved, json)


@rollout.command()
def advance(
    context: typer.Context,
    task: TaskArgument,
    why: WhyOption,
    region: _RegionOption = None,
    json: JsonFlag = False,
) -> None:
    """Go one stage on without waiting for the hold; refused where a gate fails.

    For example: dwcp rollout advance compression --region eu --why "no traffic at night"
    """
    opened, reason = _opened(session_of(context).home, task), _reason(why)
    _tell(task, opened.advance(region, now=time.time(), who=user_name(), why=reason), json)


@rollout.command()
def rollback(
    context: typer.Context,
    task: TaskArgument,
    why: WhyOption,
    region: _RegionOption = None,
    json: JsonFlag = False,
) -> None:
    """Take the candidate back: everywhere, or in one region.

    For example: dwcp rollout rollback compression --why "slower on logs"
    """
    opened, reason = _opened(session_of(context).home, task), _reason(why)
    _tell(task, opened.withdraw(region, now=time.time(), who=user_name(), why=reason), json)


@rollout.command()
def kill(
    context: typer.Context,
    task: _KilledArgument = None,
    everything: _AllOption = False,
    why: WhyOption = "by hand",
    json: JsonFlag = False,
) -> None:
    """Ask no model any more, of one task or of all, in every process of this home: the rules answer.

    For example: dwcp rollout kill compression --why "odd answers"
    """
    switches, named = _switches(session_of(context).home), _named(task, everything)
    switches.engage(named, now=time.time(), who=user_name(), why=_reason(why))
    _tell_switch(switches, named, json)


@rollout.command()
def revive(
    context: typer.Context,
    task: _KilledArgument = None,
    everything: _AllOption = False,
    why: WhyOption = "by hand",
    json: JsonFlag = False,
) -> None:
    """Let a kill switch go again; holds of rollouts begin anew.

    For example: dwcp rollout revive compression --why "mended in 1.1.1"
    """
    switches, named = _switches(session_of(context).home), _named(task, everything)
    switches.release(named, now=time.time(), who=user_name(), why=_reason(why))
    _tell_switch(switches, named, json)


@rollout.command()
def history(context: typer.Context, task: TaskArgument, json: JsonFlag = False) -> None:
    """Show every event of a task's rollouts, oldest first: who, when, from, to, why.

    For example: dwcp rollout history compression
    """
    from msgspec import to_builtins

    from dwcp.cli.rollout_page import HISTORY_HEADER, history_rows

    session = session_of(context)
    entries = _opened(session.home, task).history()
    if json:
        print_json(to_builtins(entries, str_keys=True))
    elif entries:
        print_table(HISTORY_HEADER, history_rows(entries), frozenset())
    else:
        say(f"{task} was never rolled out under {session.home}")


def _opened(home: Path, task: str) -> "Rollout":
    from dwcp.safety.flags import FLAGS_NAME, FlagsFile
    from dwcp.safety.rollout import KillSwitches, Rollout

    switches = KillSwitches(home, FlagsFile(home / FLAGS_NAME))
    return Rollout(home, task, switches=switches, takes_part=False, who=user_name())


def _switches(home: Path) -> "KillSwitches":
    # Without the flags: a fault in them must not keep anybody from pulling a switch.
    from dwcp.safety.rollout import KillSwitches

    return KillSwitches(home)


def _named(task: str | None, everything: bool) -> str | None:
    """The task; None for all.

    Raises:
        InputError: neither or both were given, or there is no such task.
    """
    if (task is None) is not everything:
        raise InputError("name one task, or say --all")
    if task is not None:
        from dwcp.tasks import discover

        known = discover()
        if task not in known:
            raise InputError(f"there is no task {task!r}; the tasks are: {', '.join(known)}")
    return task


def _reason(why: str) -> str:
    if not why.strip():
        raise InputError("--why needs a reason: it goes into the journal")
    return why.strip()


def _tell(task: str, moved: "Sequence[Entry]", json: bool) -> None:
    from msgspec import to_builtins

    from dwcp.cli.rollout_page import entry_words

    if json:
        print_json(to_builtins(moved, str_keys=True))
        return
    for entry in moved:
        say(entry_words(task, entry))


def _tell_switch(switches: "KillSwitches", task: str | None, json: bool) -> None:
    last = switches.history()[-1]
    if json:
        print_json({"task": task, "engaged": last.engaged, "who": last.who, "why": last.why})
        return
    name = task or "any task"
    say(f"no model of {name} is asked" if last.engaged else f"models of {name} may be asked again")
