"""What a rollout does next, given where it stands and what was measured. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from dwcp.safety.rollout.gates import Finding, Verdict, figure_of, judge
from dwcp.safety.rollout.measuring import Arm, Latencies, Sums
from dwcp.safety.rollout.samples import ArmSamples, SamplesByVisit
from dwcp.safety.rollout.stages import TRANSITIONS, Event, Stage, is_live
from dwcp.safety.rollout.state import Entry, Region, RolloutState

__all__ = ["Standing", "breach_of", "due", "moving", "standing_of"]

_EMPTY = ArmSamples()


@dataclass(frozen=True, slots=True)
class Standing:
    """One region, with what was measured and what it waits for.

    Attributes:
        name: of the region.
        region: where it stands.
        samples: decisions of the candidate in this stage.
        control: what the control is held to have done; latencies left out, as nothing is held against them.
        findings: each gate's verdict over the whole stage, then those of the last minutes that fail.
        waits: what is missing for the next stage, in words; empty when it may go on, or there is none.
        for_approval: whether a person's yes is all that is missing.
    """

    name: str
    region: Region
    samples: int = 0
    control: Sums | None = None
    findings: tuple[Finding, ...] = ()
    waits: tuple[str, ...] = ()
    for_approval: bool = False


def standing_of(
    state: RolloutState, name: str, samples: SamplesByVisit, now: float, held_since_s: float = 0.0
) -> Standing:
    """Judge one region.

    Args:
        state: where the rollout stands.
        name: the region's.
        samples: of every process.
        now: seconds since 1970.
        held_since_s: the hold begins no earlier; when a kill switch was last let go.
    """
    region, plan = state.regions[name], state.start.plan
    if not is_live(region.stage):
        waiting = region.stage is Stage.PENDING and not state.opens(name)
        return Standing(name, region, waits=("an earlier region is not complete",) if waiting else ())
    arms = samples.get(region.visit, {})
    candidate, control = arms.get(Arm.CANDIDATE, _EMPTY), _with_baseline(arms.get(Arm.CONTROL), region)
    whole, recently = candidate.total(), candidate.recent(int(now // plan.recent_s))
    terms = plan.terms(region.stage)
    findings, recent = [], []
    for gate in terms.gates:
        findings.append(judge(gate, figure_of(gate.metric, whole, control, plan.level)))
        figure = figure_of(gate.metric, recently, control, plan.level)
        recent.append(judge(gate, figure, recent=True))
    waits: tuple[str, ...] = ()
    if region.stage is not Stage.COMPLETE:
        hold_left_s = terms.hold_s - (now - min(now, max(region.since_s, held_since_s)))
        waits = _waits(findings, hold_left_s, terms.samples - whole.decisions)
    findings += [found for found in recent if found.verdict is Verdict.FAIL]
    for_approval = terms.approval and not waits and region.stage is not Stage.COMPLETE
    if for_approval:
        waits = ("a person's approval",)
    return Standing(name, region, whole.decisions, control, tuple(findings), waits, for_approval)


def breach_of(standing: Standing) -> str:
    """What fails, in words with the stage and the limits; empty when nothing does."""
    failing: dict[str, Finding] = {}
    for found in standing.findings:
        if found.verdict is Verdict.FAIL:
            failing.setdefault(found.metric, found)
    told = (
        f"{found.words()} at {standing.region.stage.words}, limit {found.limit:g}"
        for found in failing.values()
    )
    return "; ".join(told)


def due(
    state: RolloutState, standings: Sequence[Standing], now: float, who: str, *, forward: bool
) -> list[Entry]:
    """What happens by itself now: every breach first, and only without one a step forward.

    Args:
        state: where the rollout stands.
        standings: of all its regions.
        now: seconds since 1970.
        who: for the journal.
        forward: False while a kill switch is engaged.
    """
    back = _breaches(state, standings, now, who)
    if back or not forward:
        return back
    moves = []
    for one in standings:
        stage = one.region.stage
        if stage is Stage.PENDING and state.opens(one.name):
            moves.append(moving(one, Event.OPENED, now, who, "its turn has come"))
        elif is_live(stage) and Event.PASSED in TRANSITIONS[stage] and not one.waits:
            moves.append(moving(one, Event.PASSED, now, who, _passed_words(one)))
    return moves


def moving(standing: Standing, event: Event, now: float, who: str, why: str) -> Entry:
    """The journal's line for a move of one region."""
    stage = standing.region.stage
    following = TRANSITIONS[stage][event]
    return Entry(
        when_s=now,
        who=who,
        event=event,
        why=why,
        region=standing.name,
        from_stage=stage,
        to_stage=following,
        measured=standing.findings,
        baseline=standing.control if following is Stage.SHARE_100 else None,
    )


def _breaches(state: RolloutState, standings: Sequence[Standing], now: float, who: str) -> list[Entry]:
    found = {one.name: why for one in standings if (why := breach_of(one))}
    if not found:
        return []
    elsewhere = "; ".join(f"in {name}: {why}" for name, why in found.items())
    return [
        moving(one, Event.BREACHED, now, who, found.get(one.name, elsewhere))
        for one in standings
        if one.name in found
        or (state.start.plan.rollback == "all" and Event.BREACHED in TRANSITIONS[one.region.stage])
    ]


def _waits(findings: Sequence[Finding], hold_left_s: float, samples_left: int) -> tuple[str, ...]:
    waits = []
    if hold_left_s > 0:
        waits.append(f"{_time_words(hold_left_s)} of its hold")
    if samples_left > 0:
        waits.append(f"{samples_left:,} more decisions")
    waits += [
        f"{found.words()}, {found.verdict} at limit {found.limit:g}"
        for found in findings
        if found.verdict is not Verdict.PASS
    ]
    return tuple(waits)


def _passed_words(standing: Standing) -> str:
    return "; ".join(found.words() for found in standing.findings)


def _time_words(seconds: float) -> str:
    for unit_s, unit in ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min")):
        if seconds >= 2 * unit_s:
            return f"{seconds / unit_s:.1f} {unit}"
    return f"{seconds:.0f} s"


def _with_baseline(control: ArmSamples | None, region: Region) -> Sums:
    sums = Sums()
    for held in (control.total() if control else None, region.baseline):
        if held is not None:
            sums.merge(held)
    sums.latency_ms = Latencies()
    return sums
