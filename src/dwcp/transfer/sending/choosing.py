"""Which codec for the next bundles of a flow: a rule of its own, and a hint where that can be believed.

One decision serves a flow (a file, or the small files of a kind) for about a second of the link. The rule
takes what costs least by `Experience`. A hint is taken where it is admissible and, by the same experience,
does not cost much more than the rule's choice; how much is allowed shrinks with every hint that turned out to
be dear, so that an advisor that talks nonsense is soon not listened to.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection
from math import isfinite

from msgspec import Struct, field

from dwcp.codecs import Reference
from dwcp.codecs.facts import BlockFacts
from dwcp.errors import InputError
from dwcp.serving import Advisor
from dwcp.tasks.compression.contract import (
    TRANSFER,
    Action,
    Context,
    Host,
    Link,
    Objective,
    Outcome,
)
from dwcp.transfer.sending.choice import Choice, Term, Timing
from dwcp.transfer.sending.costs import INCOMPRESSIBLE, NONE, Experience, Resources, cheapest
from dwcp.transfer.sending.looking import Material, look_at
from dwcp.transfer.sending.options import LinkView
from dwcp.transfer.sending.pace import Pace

__all__ = ["Chooser", "action_of", "allowed_by"]

Look = Callable[[Material, Reference | None, float, int], BlockFacts | None]

_MOST_FLOWS = 256
_RUN_S = 1.0
_LONGEST_RUN_S = 5.0
_MOST_RUN_BYTES = 1 << 30
_MOST_RAW_DOUBLINGS = 4
_MARGIN = 1.3
"""A hint may at first cost that many times the rule's choice."""
_MOST_MARGIN = 1.5
_REGAINED = 0.02
_DEAR, _FAIR = 1.08, 1.03
_OFF_BY, _LONGEST_TRIAL_S = 4.0, 1.0
"""A codec that was not run yet may take four times as long as expected, and is not to hold up a bundle."""
_UNKNOWN_MBPS = 100.0
_LEAST_RATIO = 0.02


def action_of(name: str) -> Action:
    """The action of a codec's name, e.g. ``zstd-5``, also where it is no candidate."""
    codec, _, level = name.partition("-")
    return Action(codec, int(level) if level else 0)


def allowed_by(codecs: Collection[str]) -> frozenset[Action]:
    """The candidates that a receiver understands.

    Args:
        codecs: names it gave, each of a codec or of a codec with its level.
    """
    return frozenset(
        action for action in TRANSFER if action == NONE or action.codec in codecs or action.name in codecs
    )


class _Advice(Struct):
    """What the advisor said of a flow's bundles, with references or without.

    Attributes:
        context: what it was asked.
        action: its answer, where that can be believed.
        term: for how long it is not asked again.
        is_judged: the answer was held against what the rule would have cost.
    """

    context: Context | None = None
    action: Action | None = None
    term: Term = field(default_factory=Term)
    is_judged: bool = False


class _Flow(Struct):
    experience: Experience = field(default_factory=Experience)
    advice: dict[bool, _Advice] = field(default_factory=lambda: {False: _Advice(), True: _Advice()})
    raw: Term = field(default_factory=Term)
    raw_streak: int = 0
    last: Action | None = None


class Chooser:
    """Decides for every bundle, from any thread.

    Args:
        allowed: what the receiver understands.
        link: the link and the workers.
        pace: what the streams tell of the link.
        advisor: gives hints; None for the rule alone.
        fixed: the codec to use for everything; None to choose. A delta is used where there is a reference.
        speed: this machine's, for the advisor.
        look: looks at a bundle, where there is an advisor to tell of it.
        hints_after_s: seconds from the first bundle on in which the advisor is not asked.

    Raises:
        InputError: the receiver does not understand the fixed codec.
    """

    def __init__(
        self,
        allowed: frozenset[Action],
        link: LinkView,
        pace: Pace,
        advisor: Advisor | None = None,
        fixed: Action | None = None,
        speed: tuple[tuple[str, float], ...] = (),
        look: Look = look_at,
        hints_after_s: float = 0.0,
    ) -> None:
        if fixed is not None and fixed.codec not in {action.codec for action in allowed} | {NONE.codec}:
            raise InputError(
                f"the receiver does not understand the codec {fixed.codec}; choose another, or none"
            )
        self._allowed = allowed
        self._by_rule = {
            deltas: tuple(action for action in allowed if _is_for_rule(action, deltas=deltas))
            for deltas in (False, True)
        }
        self._link, self._pace, self._advisor = link, pace, advisor
        self._fixed = fixed
        self._speed, self._look = speed, look
        self._hints_after_s = hints_after_s
        self._began_s: float | None = None
        self._flows: OrderedDict[str, _Flow] = OrderedDict()
        self._margin = _MARGIN
        self._lock = threading.Lock()

    def resources(self, bundle_bytes: int = 0) -> Resources:
        """The link as it is believed to be, and the workers.

        Args:
            bundle_bytes: plain bytes of a bundle that is to be encoded.
        """
        estimate = self._link.link().bandwidth_mbps
        known = isfinite(estimate) and estimate > 0
        bandwidth_mbps = (estimate if known else _UNKNOWN_MBPS) * self._pace.factor
        return Resources(
            bandwidth_mbps, max(self._link.cpu_workers, 1), self._link.ready_bytes(), bundle_bytes
        )

    def is_raw(self, flow: str) -> bool:
        """Whether the flow's latest bundle went as it is."""
        if self._fixed is not None:
            return self._fixed == NONE
        state = self._flows.get(flow)
        return state is not None and state.last == NONE

    def is_new(self, flow: str) -> bool:
        """Whether nothing of the flow was encoded yet, so that a codec for it is a guess."""
        if self._fixed is not None:
            return False
        state = self._flows.get(flow)
        return state is None or not (state.experience.is_begun or state.raw_streak)

    def choose(
        self, flow: str, material: Material, reference: Reference | None, ahead_bytes: int, now: float
    ) -> Choice:
        """Decide.

        Args:
            flow: the flow.
            material: the bundle.
            reference: what a delta would be made against.
            ahead_bytes: plain bytes that wait, this bundle's among them.
            now: seconds.
        """
        resources = self.resources(material.plain_bytes)
        if self._fixed is not None:
            return Choice(_with_or_without(self._fixed, reference), flow, resources)
        deltas = reference is not None
        with self._lock:
            state = self._state(flow, now)
            if not deltas and state.raw_streak:
                if state.raw.serves(now, material.plain_bytes):
                    return Choice(NONE, flow, resources)
                state.experience.forget()
            asks = self._may_ask(now) and not state.advice[deltas].term.serves(now, material.plain_bytes)
            if asks:
                self._await_advice(state.advice[deltas], resources, now)
        if asks:
            run_bytes = min(int(resources.link_bytes_per_s * _RUN_S), ahead_bytes)
            facts = self._look(material, reference, resources.bandwidth_mbps, run_bytes)
            if facts is not None:
                self._take_advice(state, facts, self._context(flow, facts, resources))
        with self._lock:
            return self._decided(flow, state, material.plain_bytes, resources, deltas=deltas)

    def observe(
        self, choice: Choice, plain_bytes: int, stored_bytes: int, timing: Timing, now: float
    ) -> None:
        """Take in what came of a choice.

        Args:
            choice: the choice.
            plain_bytes: of the bundle.
            stored_bytes: as the codec made it.
            timing: of encoding.
            now: seconds.
        """
        if self._fixed is not None or choice.action == NONE:
            return
        with self._lock:
            state = self._state(choice.flow, now)
            state.experience.observe(choice.action, plain_bytes, stored_bytes, timing.busy_s)
            if stored_bytes < INCOMPRESSIBLE * plain_bytes:
                state.raw_streak = 0
            elif not choice.action.use_reference:
                self._go_raw(state, choice.resources, now)
            self._judge(choice, state)
        if self._advisor is not None and choice.context is not None:
            scale = choice.context.facts.block_bytes / plain_bytes
            outcome = Outcome(round(stored_bytes * scale), timing.cpu_ms * scale)
            self._advisor.observe("compression", choice.context, choice.action, outcome)

    def _may_ask(self, now: float) -> bool:
        if self._began_s is None:
            self._began_s = now
        return self._advisor is not None and now - self._began_s >= self._hints_after_s

    def _state(self, flow: str, now: float) -> _Flow:
        state = self._flows.pop(flow, None) or _Flow()
        self._flows[flow] = state
        if len(self._flows) > _MOST_FLOWS:
            self._flows.popitem(last=False)
        state.experience.age(now)
        return state

    def _decided(
        self, flow: str, state: _Flow, plain_bytes: int, resources: Resources, *, deltas: bool
    ) -> Choice:
        """The hint where it can be believed, else the rule's choice."""
        advice = state.advice[deltas]
        best = cheapest(state.experience, self._by_rule[deltas], resources)
        action = best
        if advice.action is not None and self._is_believed(advice, state, best, plain_bytes, resources):
            action = advice.action
        if not deltas:
            state.last = action
        return Choice(action, flow, resources, advice.context)

    def _is_believed(
        self, advice: _Advice, state: _Flow, best: Action, plain_bytes: int, resources: Resources
    ) -> bool:
        hint, experience = advice.action, state.experience
        if hint is None or hint == best:
            return hint is not None
        if hint == NONE:
            is_safe = advice.is_judged
        else:
            longest_s = _OFF_BY * plain_bytes * experience.s_per_byte(hint)
            is_safe = experience.is_measured(hint) or longest_s <= _LONGEST_TRIAL_S
        allowed_s = self._margin * experience.cost_s(best, resources)
        return is_safe and experience.cost_s(hint, resources) <= allowed_s

    def _await_advice(self, advice: _Advice, resources: Resources, now: float) -> None:
        """Nobody else asks meanwhile."""
        advice.term = Term(min(resources.link_bytes_per_s * _RUN_S, _MOST_RUN_BYTES), now + _LONGEST_RUN_S)

    def _take_advice(self, state: _Flow, facts: BlockFacts, context: Context) -> None:
        action = self._ask(context)
        with self._lock:
            state.experience.look(facts)
            advice = state.advice[facts.reference is not None]
            advice.context, advice.action, advice.is_judged = context, action, False
            if action is not None:
                advice.term.left_bytes /= max(state.experience.ratio(action), _LEAST_RATIO)

    def _go_raw(self, state: _Flow, resources: Resources, now: float) -> None:
        """Send the flow as it is for a while, the longer the more often that turned out to be right."""
        times = 2 ** min(state.raw_streak, _MOST_RAW_DOUBLINGS)
        state.raw_streak += 1
        run_bytes = min(resources.link_bytes_per_s * _RUN_S, _MOST_RUN_BYTES)
        state.raw = Term(run_bytes * times, now + _LONGEST_RUN_S * times)
        state.last = NONE

    def _context(self, flow: str, facts: BlockFacts, resources: Resources) -> Context:
        link = self._link.link()
        return Context(
            facts,
            Link(resources.bandwidth_mbps, link.rtt_ms, link.jitter_ms, link.packet_loss),
            Host(float(resources.cpu_workers), speed=self._speed),
            Objective(),
            self._allowed,
            flow,
        )

    def _ask(self, context: Context) -> Action | None:
        """The advisor's action where there is one that can be carried out."""
        if self._advisor is None:
            return None
        action = self._advisor.ask("compression", context).action
        return action if isinstance(action, Action) and context.admissible(action) else None

    def _judge(self, choice: Choice, state: _Flow) -> None:
        """Listen less to an advisor whose hint is dearer than the rule's choice, as measured, else more.

        Sending as it is teaches nothing of codecs: so where that is the hint, one bundle goes by the rule.
        """
        deltas = choice.action.use_reference
        advice = state.advice[deltas]
        hint = advice.action
        if hint is None or hint not in (choice.action, NONE):
            return
        cost = state.experience.cost_s
        best = cheapest(state.experience, self._by_rule[deltas], choice.resources)
        regret = cost(hint, choice.resources) / cost(best, choice.resources)
        if regret > _DEAR:
            advice.action = None
        if not advice.is_judged:
            advice.is_judged = True
            if regret > _DEAR:
                self._margin = 1 + (self._margin - 1) / 2
            elif regret < _FAIR:
                self._margin = min(self._margin + _REGAINED, _MOST_MARGIN)


def _is_for_rule(action: Action, *, deltas: bool) -> bool:
    """LZ4's strong modes are slower than zstd's that compress better; what they are good at is decoding."""
    return action.codec != "lz4hc" and (deltas or not action.use_reference)


def _with_or_without(fixed: Action, reference: object | None) -> Action:
    return fixed if reference is not None or not fixed.use_reference else Action("zstd", fixed.level)
