"""The fallback and the simple detectors: no model, an answer for every context."""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from random import Random
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from dwcp.evaluation.detection.episodes import Debounce
from dwcp.evaluation.policy import Decision, State
from dwcp.tasks.consensus.contract import MEASURES, Action, Context, Outcome
from dwcp.tasks.consensus.inputs import window
from dwcp.tasks.consensus.names import FLOORS, MOVING
from dwcp.tasks.consensus.states import BLIND_S, blind_s, state_of

__all__ = [
    "DEBOUNCE",
    "HOLD",
    "RandomPolicy",
    "RulePolicy",
    "broken_rules",
    "flagged",
    "hard_ratio",
    "pca_residual",
    "robust_z",
]

DEBOUNCE = Debounce(2, 3)
"""When flags become an alarm."""

HOLD = 1.0
"""How far a margin may sink below the threshold before an alarm that stands ends, in log odds."""

Ratio: TypeAlias = Callable[[Context], float]
"""How far the limit of a rule is reached; 1 and more is an anomaly."""

Floats = NDArray[np.float64]

_LATEST, _DEVIATIONS, _LIMIT = 3, 1.4826, 8.0
_COMPONENTS, _LEFT_LIMIT = 3, 6.0
_MOST_GROUPS = 1024
_LARGEST = 1e9
_PLACES = [MEASURES.index(name) for name in MOVING]
_LEAST = np.array([FLOORS[place] for place in _PLACES])


class RulePolicy:
    """Flags where a rule's limit is reached.

    Args:
        name: for tables.
        ratio: the rule.
    """

    def __init__(self, name: str, ratio: Ratio) -> None:
        self.name = name
        self._ratio = ratio
        self._flags: OrderedDict[str, deque[bool]] = OrderedDict()

    def decide(self, context: Context, now: float, rng: Random) -> Decision[Action]:
        """Flag, with the share of the limit as the score."""
        ratio = max(self._score(context, rng), 0.0)
        flag = ratio >= 1
        action = Action(
            flag,
            ratio / (1 + ratio),
            alarm=DEBOUNCE.holds((*self._flags.get(context.group, ()), flag)),
            since_s=now if flag else None,
            state=state_of(context),
            rules=broken_rules(context),
        )
        return Decision(action)

    def observe(self, context: Context, action: Action, outcome: Outcome, now: float) -> None:  # noqa: ARG002
        """Take in the flag; the outcome's label is not looked at."""
        flags = self._flags.setdefault(context.group, deque(maxlen=DEBOUNCE.of - 1))
        flags.append(action.anomalous)
        self._flags.move_to_end(context.group)
        if len(self._flags) > _MOST_GROUPS:
            self._flags.popitem(last=False)

    def snapshot(self) -> State:
        """The flags of late, by group."""
        return {"groups": [[name, list(flags)] for name, flags in self._flags.items()]}

    def restore(self, state: State) -> None:
        """Continue from a snapshot."""
        told = cast("list[list[Any]]", state.get("groups", []))
        self._flags = OrderedDict((name, deque(flags, maxlen=DEBOUNCE.of - 1)) for name, flags in told)

    def _score(self, context: Context, rng: Random) -> float:  # noqa: ARG002
        return self._ratio(context)


class RandomPolicy(RulePolicy):
    """Scores of pure chance; one second in a hundred is flagged."""

    def __init__(self) -> None:
        super().__init__("random", hard_ratio)

    def _score(self, context: Context, rng: Random) -> float:  # noqa: ARG002
        chance = rng.random()
        return chance / (2.0 - chance) if chance < 0.99 else 1.0 + chance


def flagged(margins: Floats, broken: NDArray[np.bool_], threshold: float) -> NDArray[np.bool_]:
    """Which seconds of one group are flagged, shape ``(n,)``.

    A flag takes a broken hard rule or a margin above the threshold; while an alarm stands, above `HOLD` less.

    Args:
        margins: log odds, in order of time.
        broken: where a hard rule is broken.
        threshold: as said.
    """
    flags: list[bool] = []
    for margin, rule in zip(margins.tolist(), broken.tolist(), strict=True):
        stands = DEBOUNCE.holds(flags[-DEBOUNCE.of :])
        flags.append(bool(rule or margin > threshold - HOLD * stands))
    return np.array(flags, dtype=np.bool_)


def broken_rules(context: Context) -> tuple[str, ...]:
    """The hard rules that are broken, in words."""
    return tuple(words for ratio, words in _hard(context) if ratio >= 1)


def hard_ratio(context: Context) -> float:
    """Members lost or without a leader, requests that fail or wait longer than agreed, or silence."""
    return max((ratio for ratio, _ in _hard(context)), default=0.0)


def robust_z(context: Context) -> float:
    """The largest deviation of a published feature from the usual, mean of three seconds, over eight."""
    if not context.steps:
        return 0.0
    series = window(context.steps)[:, _PLACES]
    centre, spread = _levels(context, series)
    known = np.isfinite(series[-_LATEST:])
    latest = np.where(known, np.minimum(np.nan_to_num(series[-_LATEST:]), _LARGEST), 0.0)
    mean = latest.sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    off = np.where(known.any(axis=0), np.abs(mean - centre) / (spread + _LEAST), 0.0)
    return float(off.max() / _LIMIT)


def pca_residual(context: Context) -> float:
    """What three components of the earlier seconds leave of the newest, against what they leave of those."""
    if not context.steps:
        return 0.0
    series = window(context.steps)[:, _PLACES]
    centre, spread = _levels(context, series)
    scaled = np.clip((_filled(series, centre) - centre) / (spread + _LEAST), -1e3, 1e3)
    earlier = scaled[:-_LATEST]
    _, _, components = np.linalg.svd(earlier - earlier.mean(axis=0), full_matrices=False)
    kept = components[:_COMPONENTS]
    shifted = scaled - earlier.mean(axis=0)
    left = np.sqrt(np.square(shifted - shifted @ kept.T @ kept).mean(axis=1))
    return float(left[-1] / (_LEFT_LIMIT * (left[:-_LATEST].mean() + 0.5)))


def _hard(context: Context) -> Iterator[tuple[float, str]]:
    """Each rule with how far its limit is reached."""
    silent = blind_s(context)
    yield silent / BLIND_S, f"nothing was told for {silent} s"
    if not context.steps:
        return
    now = context.steps[-1]
    if now.members is not None and now.members_up is not None:
        lost = now.members - now.members_up
        yield 2.0 * (lost > 0), f"{lost:g} of {now.members:g} members do not answer"
    if now.leader_known is not None:
        yield 2.0 * (now.leader_known == 0), "no member leads"
    if now.leaderless is not None:
        words = "1 member knows" if now.leaderless == 1 else f"{now.leaderless:g} members know"
        yield 2.0 * (now.leaderless > 0), f"{words} no leader"
    if now.quorum_size is not None and now.active_nodes is not None:
        yield 3.0 * (now.active_nodes < now.quorum_size), "fewer members than a quorum are active"
    if now.oldest_ms is not None and context.slo_ms > 0:
        yield _bounded(now.oldest_ms / context.slo_ms), f"a request is {now.oldest_ms:.0f} ms old"


def _bounded(ratio: float) -> float:
    return min(ratio, _LARGEST) if ratio == ratio else 0.0


def _levels(context: Context, series: Floats) -> tuple[Floats, Floats]:
    """Median and deviation of what is usual, of the context's levels or of the window's earlier seconds."""
    earlier = series[:-_LATEST]
    centre = _median(earlier)
    spread = _DEVIATIONS * _median(np.abs(earlier - centre))
    if len(context.usual) == len(MEASURES):
        told = np.array([context.usual[place] for place in _PLACES])
        known = np.isfinite(told).all(axis=1) & (told >= 0).all(axis=1)
        centre, spread = np.where(known, told[:, 0], centre), np.where(known, told[:, 1], spread)
    return np.clip(centre, -_LARGEST, _LARGEST), np.clip(spread, 0.0, _LARGEST)


def _median(values: Floats) -> Floats:
    """Along the first axis, of what is known; 0 where nothing is."""
    known = np.isfinite(values)
    ordered = np.sort(np.where(known, values, np.inf), axis=0)
    middle = np.maximum(known.sum(axis=0) - 1, 0) // 2
    return np.where(known.any(axis=0), np.take_along_axis(ordered, middle[None], axis=0)[0], 0.0)


def _filled(series: Floats, centre: Floats) -> Floats:
    """Gaps filled with what is usual; bounded, so that squares stay finite."""
    return np.clip(np.where(np.isfinite(series), series, centre), -_LARGEST, _LARGEST)
