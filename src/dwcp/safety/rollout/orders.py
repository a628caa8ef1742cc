"""What a rollout is told to do, by a person or by whoever holds the registry: as lines, or refused."""

from collections.abc import Collection, Mapping, Sequence

from dwcp.errors import InputError
from dwcp.safety.rollout.deciding import Standing, breach_of, moving
from dwcp.safety.rollout.gates import Metric
from dwcp.safety.rollout.stages import TRANSITIONS, Event, Stage
from dwcp.safety.rollout.state import Entry, RolloutState, Start

__all__ = ["advanced", "approved", "promoted", "started", "withdrawn"]


def started(
    state: RolloutState | None, start: Start, measured: Collection[Metric], now: float, who: str, why: str
) -> list[Entry]:
    """Lay a plan.

    Raises:
        InputError: another rollout of the task goes on, or the plan cannot be carried out.
    """
    if state is not None and state.active:
        raise InputError(f"{state.start.candidate} is being rolled out already; roll it back first")
    if not start.candidate or start.candidate == start.control:
        raise InputError(f"a rollout needs a candidate other than the control, {start.control or 'the rule'}")
    start.plan.check(measured)
    return [Entry(when_s=now, who=who, event=Event.STARTED, why=why, start=start)]


def approved(standings: Mapping[str, Standing], region: str | None, now: float, who: str, why: str) -> Entry:
    """A person's yes, where it is all that is missing.

    Raises:
        InputError: no such region, or it does not wait for a yes; the message says what it waits for.
    """
    one = _chosen(standings, region)
    _refuse_breach(one)
    if not one.for_approval:
        missing = ", ".join(one.waits) or "nothing"
        raise InputError(
            f"{one.name}, at {one.region.stage.words}, does not wait for approval; it waits for: {missing}"
        )
    return moving(one, Event.APPROVED, now, who, why)


def advanced(standings: Mapping[str, Standing], region: str | None, now: float, who: str, why: str) -> Entry:
    """One stage forward though the hold is not over, or a gate is inconclusive.

    Raises:
        InputError: no such region, there is no stage to go to, or a gate fails.
    """
    one = _chosen(standings, region)
    _refuse_breach(one)
    if Event.ADVANCED not in TRANSITIONS[one.region.stage]:
        raise InputError(f"{one.name} is {one.region.stage.words}: there is no stage to advance to")
    return moving(one, Event.ADVANCED, now, who, why)


def withdrawn(
    standings: Mapping[str, Standing], region: str | None, now: float, who: str, why: str
) -> Sequence[Entry]:
    """Roll one region back, or all of them.

    Raises:
        InputError: no such region, or nothing is left to roll back.
    """
    chosen = [_chosen(standings, region)] if region is not None else list(standings.values())
    left = [one for one in chosen if Event.WITHDRAWN in TRANSITIONS[one.region.stage]]
    if not left:
        raise InputError(f"{region or 'every region'} is rolled back already")
    return [moving(one, Event.WITHDRAWN, now, who, why) for one in left]


def promoted(state: RolloutState, now: float, who: str, why: str) -> Entry:
    """Say that the candidate has become the champion.

    Raises:
        InputError: it is not complete in every region.
    """
    if not state.complete:
        left = ", ".join(
            f"{name} at {region.stage.words}"
            for name, region in state.regions.items()
            if region.stage is not Stage.COMPLETE
        )
        raise InputError(f"{state.start.candidate} is not complete in every region: {left}")
    return Entry(when_s=now, who=who, event=Event.PROMOTED, why=why)


def _chosen(standings: Mapping[str, Standing], region: str | None) -> Standing:
    names = ", ".join(standings)
    if region is None:
        if len(standings) > 1:
            raise InputError(f"name the region: {names}")
        return next(iter(standings.values()))
    if region not in standings:
        raise InputError(f"there is no region {region!r} in this rollout; there are: {names}")
    return standings[region]


def _refuse_breach(one: Standing) -> None:
    why = breach_of(one)
    if why:
        raise InputError(f"{one.name} does not go forward: {why}")
