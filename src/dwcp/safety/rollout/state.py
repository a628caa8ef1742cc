"""Where a rollout stands: what the lines of its journal add up to. Pure; reads no file and no clock."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from msgspec import Struct, field

from dwcp.errors import InputError
from dwcp.safety.rollout.gates import Finding
from dwcp.safety.rollout.measuring import Sums
from dwcp.safety.rollout.plan import RolloutPlan
from dwcp.safety.rollout.stages import TRANSITIONS, Event, Stage, is_live

__all__ = ["Entry", "Region", "RolloutState", "Start", "applied", "replayed"]


class Start(Struct, frozen=True, forbid_unknown_fields=True):
    """What is laid down at the start.

    Attributes:
        candidate: the version that is rolled out.
        control: the version it is held against; None for the task's rule.
        plan: how.
    """

    candidate: str
    control: str | None
    plan: RolloutPlan


class Entry(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One line of the journal.

    Attributes:
        when_s: seconds since 1970, UTC.
        who: a person, or the process that measured.
        event: what happened.
        why: in words; what was measured, where that is the reason.
        region: None where the event is the whole rollout's.
        from_stage: ``from`` in the file.
        to_stage: ``to`` in the file.
        measured: every gate's finding at that moment.
        start: with STARTED alone.
        baseline: the control as measured up to now, kept where nobody will be control any more.
    """

    when_s: float
    who: str
    event: Event
    why: str
    region: str | None = None
    from_stage: Stage | None = field(default=None, name="from")
    to_stage: Stage | None = field(default=None, name="to")
    measured: tuple[Finding, ...] = ()
    start: Start | None = None
    baseline: Sums | None = None


@dataclass(frozen=True, slots=True)
class Region:
    """Where one region stands.

    Attributes:
        stage: its stage.
        since_s: when it came there.
        visit: number of the journal's line that brought it there; samples carry it.
        why: that line's reason.
        baseline: what the control was, where nobody is control any more.
    """

    stage: Stage
    since_s: float
    visit: int
    why: str
    baseline: Sums | None = None


@dataclass(frozen=True, slots=True)
class RolloutState:
    """Where a rollout stands.

    Attributes:
        start: what was laid down.
        started_s: when.
        regions: by name, in the plan's order.
        promoted: whether the candidate has become the champion.
    """

    start: Start
    started_s: float
    regions: Mapping[str, Region]
    promoted: bool = False

    @property
    def complete(self) -> bool:
        """Whether every region is complete: what is left is to promote the candidate."""
        return all(region.stage is Stage.COMPLETE for region in self.regions.values())

    @property
    def active(self) -> bool:
        """Whether it goes on: not promoted, and not rolled back everywhere."""
        back = all(region.stage is Stage.ROLLED_BACK for region in self.regions.values())
        return not self.promoted and not back

    def opens(self, name: str) -> bool:
        """Whether a pending region's turn has come: every wave before its own is complete."""
        for wave in self.start.plan.waves:
            if name in wave:
                return True
            if any(self.regions[other].stage is not Stage.COMPLETE for other in wave):
                return False
        return False

    def visits(self) -> frozenset[int]:
        """The visits whose samples count."""
        if not self.active:
            return frozenset()
        return frozenset(region.visit for region in self.regions.values() if is_live(region.stage))


def replayed(entries: Iterable[Entry]) -> RolloutState | None:
    """What a journal adds up to; None when nothing was ever started.

    Raises:
        InputError: a line that cannot follow those before it.
    """
    state: RolloutState | None = None
    for number, entry in enumerate(entries, start=1):
        state = applied(state, entry, number)
    return state


def applied(state: RolloutState | None, entry: Entry, number: int) -> RolloutState:
    """The state after one more line.

    Args:
        state: before it.
        entry: the line.
        number: of the line, the first being 1.

    Raises:
        InputError: the line cannot follow.
    """
    if entry.event is Event.STARTED and entry.start is not None and (state is None or not state.active):
        pending = Region(Stage.PENDING, entry.when_s, number, entry.why)
        return RolloutState(entry.start, entry.when_s, dict.fromkeys(entry.start.plan.regions, pending))
    if state is None or not state.active or entry.event is Event.STARTED:
        raise InputError(f"line {number}, {entry.event}, cannot follow the lines before it")
    if entry.event is Event.PROMOTED and state.complete:
        return replace(state, promoted=True)
    return replace(state, regions={**state.regions, str(entry.region): _moved(state, entry, number)})


def _moved(state: RolloutState, entry: Entry, number: int) -> Region:
    region = state.regions.get(str(entry.region))
    following = None if region is None else TRANSITIONS[region.stage].get(entry.event)
    if region is None or following is None or following is not entry.to_stage:
        raise InputError(
            f"line {number}, {entry.event} in the region {entry.region!r}, cannot follow the lines before it"
        )
    return Region(following, entry.when_s, number, entry.why, entry.baseline or region.baseline)
