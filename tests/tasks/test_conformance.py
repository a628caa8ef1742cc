"""Every check of the conformance suite, against a task that breaks it."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest

from dwcp.evaluation import ConstantPolicy, Decision, Gate
from dwcp.tasks.compression.contract import CANDIDATES, Action, action_named
from dwcp.tasks.compression.task import TASK, CompressionTask
from dwcp.tasks.conformance import (
    check_arrays,
    check_card,
    check_examples,
    check_fallback_is_total,
    check_gates_are_computed,
    check_oracle_is_best,
    check_policies_are_deterministic,
)

ZSTD = action_named("zstd-3")


class Restless(ConstantPolicy[Action]):
    """Never decides the same twice."""

    times = 0

    def decide(self, _context, _now, _rng):
        Restless.times += 1
        return Decision(CANDIDATES[Restless.times % 3])


class Fragile(ConstantPolicy[Action]):
    """Right as long as nothing is odd."""

    def decide(self, context, now, rng):
        if now != now:
            raise ValueError("what time is it?")
        return TASK.fallback().decide(context, now, rng)


class Broken(CompressionTask):
    """The compression task with something else in one place."""

    def __init__(self, **parts):
        self._parts = parts

    def __getattribute__(self, name):
        parts = object.__getattribute__(self, "_parts")
        return parts[name] if name in parts else object.__getattribute__(self, name)


def _arrays(change):
    return lambda contexts: change(dict(TASK.arrays(contexts)))


def _reordered(fed):
    return dict(reversed(fed.items()))


def _retyped(fed):
    return fed | {"workers": fed["workers"].astype(np.float64)}


def _reshaped(fed):
    return fed | {"facts": fed["facts"][:, 1:]}


def _undefined(fed):
    return fed | {"cpu_price": fed["cpu_price"] * np.nan}


def _negative(fed):
    return fed | {"bandwidth_mbps": -fed["bandwidth_mbps"]}


@pytest.mark.parametrize("change", [_reordered, _retyped, _reshaped, _undefined, _negative])
def test_arrays_that_are_not_the_specified_ones(change) -> None:
    with pytest.raises(AssertionError):
        check_arrays(Broken(arrays=_arrays(change)))


def _fewer(count, seed):
    return TASK.examples(count, seed)[1:]


def _seedless(count, seed):
    return TASK.examples(count, 1)


def _fresh(count, seed):
    return TASK.examples(count, Random().getrandbits(32))


def _one_group(count, seed):
    return [replace(case, group="all") for case in TASK.examples(count, seed)]


def _hopeless(count, seed):
    cases = TASK.examples(count, seed)
    return [replace(case, context=replace(case.context, candidates=frozenset())) for case in cases]


@pytest.mark.parametrize("examples", [_fewer, _seedless, _fresh, _one_group, _hopeless])
def test_examples_that_are_of_no_use(examples) -> None:
    with pytest.raises(AssertionError):
        check_examples(Broken(examples=examples))


@pytest.mark.parametrize(
    "fallback", [ConstantPolicy(ZSTD, "fallback"), ConstantPolicy(action_named("delta-1"))]
)
def test_a_fallback_that_is_not_always_admissible(fallback) -> None:
    with pytest.raises(AssertionError, match="chooses"):
        check_fallback_is_total(Broken(fallback=lambda: fallback))


def test_a_fallback_that_raises() -> None:
    with pytest.raises(ValueError, match="what time"):
        check_fallback_is_total(Broken(fallback=lambda: Fragile(ZSTD, "fallback")))


def test_policies_that_are_restless_or_share_a_name() -> None:
    with pytest.raises(AssertionError):
        check_policies_are_deterministic(Broken(fallback=lambda: Restless(ZSTD, "fallback")))
    with pytest.raises(AssertionError, match="share a name"):
        check_policies_are_deterministic(Broken(baselines=lambda: (ConstantPolicy(ZSTD),) * 2))


def test_an_oracle_that_is_not_the_best_or_not_alone_in_hindsight() -> None:
    with pytest.raises(AssertionError, match="no hindsight"):
        check_oracle_is_best(Broken(oracle=TASK.fallback))
    with pytest.raises(AssertionError, match="takes hindsight"):
        check_oracle_is_best(Broken(baselines=lambda: (TASK.oracle(),)))

    class Worst(type(TASK.oracle())):  # type: ignore[misc]
        def decide(self, context, now, rng):
            costs = super().decide(context, now, rng).costs
            return Decision(max(costs, key=costs.get))

    with pytest.raises(AssertionError, match="cheaper than the oracle"):
        check_oracle_is_best(Broken(oracle=lambda: Worst(TASK.cost)))


def test_a_gate_on_a_figure_that_nobody_computes() -> None:
    gate = Gate("made_up_metric", 1.0, "at_least", "nothing")
    for gates in ((gate,), ()):
        with pytest.raises(AssertionError):
            check_gates_are_computed(Broken(gates=gates))


@pytest.mark.parametrize("missing", ["## Data\n", "## Limits\n", "zstd-9", "fallback"])
def test_a_card_that_leaves_something_out(missing: str) -> None:
    names = " ".join(policy.name for policy in (TASK.fallback(), *TASK.baselines()))
    card = f"# Model card\n## Data\nMeasured.\n{names}\n## Limits\nMany.\n"
    check_card(Broken(card=lambda: card))
    with pytest.raises(AssertionError):
        check_card(Broken(card=lambda: card.replace(missing, "")))
