"""The fallback and the strong simple rules: no model, no state, an answer for every context."""

from random import Random

from dwcp.codecs.facts import BlockFacts
from dwcp.evaluation.naive import ConstantPolicy
from dwcp.evaluation.policy import Decision, State
from dwcp.tasks.compression.contract import Action, Context, CostModel, Outcome, action_named

__all__ = ["FixedPolicy", "LadderPolicy", "fixed"]

_NONE = Action("none")
_INCOMPRESSIBLE_RATIO = 0.97
_INCOMPRESSIBLE_BITS = 7.95

_SERIAL_MBPS = ((20, "zstd-6"), (250, "zstd-3"), (1500, "zstd-1"), (6000, "lz4"))
_PIPELINED_MBPS = (
    (8, "zstd-19"),
    (30, "zstd-15"),
    (80, "zstd-12"),
    (150, "zstd-9"),
    (250, "zstd-6"),
    (700, "zstd-3"),
    (1800, "zstd-1"),
    (7000, "lz4"),
)
_DELTA_MBPS = ((30, "delta-9"), (150, "delta-3"), (3000, "delta-1"))


class LadderPolicy:
    """The fallback: a level by the link's speed, a delta wherever it can pay, nothing for the incompressible.

    The rungs are round numbers for one core of a server; in the pipelined model they scale with the cores.
    """

    name = "fallback"

    def decide(self, context: Context, now: float, rng: Random) -> Decision[Action]:  # noqa: ARG002
        """Climb the ladder of the context's cost model."""
        wanted = self._wanted(context)
        return Decision(wanted if context.admissible(wanted) else _nearest(context, wanted))

    def _wanted(self, context: Context) -> Action:
        model = context.objective.cost_model
        if model is CostModel.BYTES:
            rate = 0.0
        else:
            rate = context.link.bandwidth_mbps
            rate /= context.host.cpu_workers if model is CostModel.PIPELINED else 1.0
        if context.facts.reference is not None and (delta := _rung(_DELTA_MBPS, rate)) is not None:
            return delta
        if _incompressible(context.facts):
            return _NONE
        return _rung(_SERIAL_MBPS if model is CostModel.SERIAL else _PIPELINED_MBPS, rate) or _NONE

    def observe(self, context: Context, action: Action, outcome: Outcome, now: float) -> None:
        """Nothing to take in."""

    def snapshot(self) -> State:
        """Nothing to remember."""
        return {}

    def restore(self, state: State) -> None:
        """Nothing to continue from."""


class FixedPolicy(ConstantPolicy[Action]):
    """One candidate for everything; `none` where it is not admissible."""

    def decide(self, context: Context, now: float, rng: Random) -> Decision[Action]:
        """The one candidate."""
        decision = super().decide(context, now, rng)
        return (
            decision if context.admissible(decision.action) else Decision(_nearest(context, decision.action))
        )


def fixed(name: str) -> FixedPolicy:
    """The fixed policy of a candidate, named after it."""
    return FixedPolicy(action_named(name), name)


def _rung(ladder: tuple[tuple[int, str], ...], rate_mbps: float) -> Action | None:
    return next((action_named(name) for limit, name in ladder if rate_mbps <= limit), None)


def _incompressible(facts: BlockFacts) -> bool:
    probes = [probe.ratio for probe in (facts.zstd_fast, facts.lz4, facts.lz4_light) if probe is not None]
    if probes:
        return min(probes) > _INCOMPRESSIBLE_RATIO
    return facts.entropy_bits > _INCOMPRESSIBLE_BITS


def _nearest(context: Context, wanted: Action) -> Action:
    """The admissible candidate of the same codec with the nearest level, else none, else any."""
    same = [action for action in context.candidates if action.codec == wanted.codec]
    usable = [action for action in same if context.admissible(action)]
    if usable:
        return min(usable, key=lambda action: (abs(action.level - wanted.level), action.level))
    if context.admissible(_NONE) or not context.candidates:
        return _NONE
    return min(context.candidates, key=lambda action: (not context.admissible(action), action.name))
