"""The fallback and the simple rules that stores and file systems use."""

from collections.abc import Iterable
from random import Random
from typing import Any, cast

from dwcp.evaluation.policy import Decision, State
from dwcp.tasks.prefetch.contract import MOST_BLOCKS, NOTHING, Action, Block, Context, Outcome
from dwcp.tasks.prefetch.followers import Followers

__all__ = ["AssociationPolicy", "ChildOrderPolicy", "MarkovPolicy", "ReadaheadPolicy", "StridePolicy"]

_LEAST_SHARE, _LEAST_TIMES = 0.6, 2
_ASSOCIATED = 5
_STEPS = 3


class _Stateless:
    """A rule that looks at the context alone."""

    name: str

    def decide(self, context: Context, now: float, rng: Random) -> Decision[Action]:  # noqa: ARG002
        """What the rule names, each block once."""
        return Decision(_action(self._next(context)))

    def observe(self, context: Context, action: Action, outcome: Outcome, now: float) -> None:
        """Nothing to take in."""

    def snapshot(self) -> State:
        """Nothing to remember."""
        return {}

    def restore(self, state: State) -> None:
        """Nothing to continue from."""

    def _next(self, context: Context) -> Iterable[Block]:
        raise NotImplementedError


class ChildOrderPolicy(_Stateless):
    """The fallback: the next children of the same node, in the order of the DAG, where they are known."""

    name = "fallback"

    def _next(self, context: Context) -> Iterable[Block]:
        return context.next_children


class ReadaheadPolicy(_Stateless):
    """The next numbers, when the number before the newest was read lately."""

    name = "readahead"

    def _next(self, context: Context) -> Iterable[Block]:
        newest = context.recent[-1] if context.recent else None
        if not isinstance(newest, int) or newest - 1 not in context.recent:
            return ()
        return range(newest + 1, newest + 1 + MOST_BLOCKS)


class StridePolicy(_Stateless):
    """The same step again, when the last two steps were equal and led somewhere."""

    name = "delta"

    def _next(self, context: Context) -> Iterable[Block]:
        last = [block for block in context.recent[-_STEPS:] if isinstance(block, int)]
        if len(last) < _STEPS:
            return ()
        step = last[2] - last[1]
        if not step or last[1] - last[0] != step:
            return ()
        return (last[2] + step * times for times in range(1, MOST_BLOCKS + 1))


class _Learning:
    """A rule that counts what follows what."""

    def __init__(self, name: str, followers: Followers, least_share: float, least_times: int) -> None:
        self.name = name
        self._followers = followers
        self._least_share, self._least_times = least_share, least_times

    def decide(self, context: Context, now: float, rng: Random) -> Decision[Action]:  # noqa: ARG002
        """The most frequent followers of the newest block that are frequent enough."""
        if not context.recent:
            return Decision(NOTHING)
        times, after = self._followers.of(context.recent[-1])
        enough = (
            block
            for block, count in after
            if count >= self._least_times and count >= self._least_share * times
        )
        return Decision(_action(enough))

    def observe(self, context: Context, action: Action, outcome: Outcome, now: float) -> None:  # noqa: ARG002
        """Count the next read."""
        self._followers.learn(outcome.accessed[0])

    def snapshot(self) -> State:
        """The counts."""
        return {"followers": self._followers.snapshot()}

    def restore(self, state: State) -> None:
        """Continue from a snapshot."""
        self._followers.restore(cast("Any", state)["followers"])


class MarkovPolicy(_Learning):
    """First-order Markov: what came right after the newest block before.

    Args:
        gated: name only what came after it at least twice and in 60 % of cases.
    """

    def __init__(self, gated: bool) -> None:
        share, times = (_LEAST_SHARE, _LEAST_TIMES) if gated else (0.0, 1)
        super().__init__("markov-gated" if gated else "markov", Followers(1), share, times)


class AssociationPolicy(_Learning):
    """Association rules: what came within five reads of the newest, at least twice and in 60 % of cases."""

    def __init__(self) -> None:
        super().__init__("association", Followers(_ASSOCIATED), _LEAST_SHARE, _LEAST_TIMES)


def _action(blocks: Iterable[Block]) -> Action:
    return Action(tuple(dict.fromkeys(blocks))[:MOST_BLOCKS])
