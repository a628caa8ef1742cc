"""What every task must hold to, as plain functions: one call, one property, ``AssertionError`` if it fails.

Parametrise one test over `CHECKS`, which need no model, and one over `MODEL_CHECKS`, which need a tiny one::

    TASKS = discover().values()

    @pytest.fixture(scope="session", params=[task for task in TASKS if has_graph(task)])
    def trained(request):
        return train_tiny(request.param)

    @pytest.mark.parametrize("check", MODEL_CHECKS)
    def test_model(check, trained):
        check(trained)
"""

import json
import math
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import partial
from itertools import islice
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dwcp.evaluation import Decision, Hindsight, Policy, alternative_costs, replay, split_by_group
from dwcp.features import InputColumn
from dwcp.registry import Golden
from dwcp.task import Fitted, LearnerKind, Task, TrainingOptions
from dwcp.training import TrainingResult, check_parity, train_task
from dwcp.training.fit import PARITY_TOLERANCE, SHARES
from dwcp.training.graph import ExportedGraph

__all__ = [
    "CHECKS",
    "MODEL_CHECKS",
    "Trained",
    "check_arrays",
    "check_card",
    "check_examples",
    "check_fallback_is_total",
    "check_gates_are_computed",
    "check_golden",
    "check_graph_equals_model",
    "check_latency",
    "check_learned_is_admissible",
    "check_learned_is_remembered",
    "check_odd_contexts_are_answered",
    "check_oracle_is_best",
    "check_policies_are_deterministic",
    "check_same_seed_same_model",
    "has_graph",
    "in_range",
    "odd_contexts",
    "train_tiny",
]

AnyPolicy = Policy[Any, Any, Any]

_SEED = 5
_EXAMPLES = 40
_TINY_CASES, _TINY_EPOCHS = 150, 3
_JUDGED = 400
_TIMES = (0.0, -1.0, 1e-9, 1.7e9, 1e300, math.inf, math.nan)
_PARITY_ROWS = 500
_ODD = (0.0, -1.0, 1.0, 1e-6, 1e-3, 8.0, 100.0, 1e6, 1e12)
_ODD_BASES, _ODD_DONORS = 4, 8
_LATENCY_MS = 20.0
"""Twenty times what serving allows: this finds what is slow by nature, benchmarks judge the rest."""


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A task with a tiny model, trained twice from the same seed.

    Attributes:
        task: what was learned.
        fitted: the trained model, before export.
        content: its export.
        again: the whole training run on the same cases with the same options.
    """

    task: Task
    fitted: Fitted
    content: bytes
    again: TrainingResult

    def learned(self) -> AnyPolicy:
        """The learned policy on the exported graph, with nothing remembered."""
        return self.task.learned(ExportedGraph(self.content))


def has_graph(task: Task) -> bool:
    """Whether the task trains a graph at all."""
    return task.kind is LearnerKind.BATCH


def train_tiny(task: Task, count: int = _TINY_CASES, epochs: int = _TINY_EPOCHS) -> Trained:
    """Train a model too small to be any good, twice: directly, and as a whole training run.

    Args:
        task: one that trains a graph.
        count: how many simulated cases.
        epochs: passes over them.

    Raises:
        ExtraMissingError: the training libraries are not installed.
        TrainingError: the training fails.
    """
    cases, options = task.examples(count, _SEED), TrainingOptions(seed=_SEED, epochs=epochs)
    split = split_by_group(cases, SHARES, options.seed)
    fitted = task.learner().fit(split.train, split.validation, options, _silent)
    again = train_task(task, cases, options, _silent, data=f"{count} simulated cases")
    return Trained(task, fitted, fitted.to_onnx(), again)


def check_examples(task: Task) -> None:
    """Examples are the same for the same seed, fall into groups, and cost something finite."""
    cases = task.examples(_EXAMPLES, _SEED)
    assert len(cases) == _EXAMPLES, f"asked for {_EXAMPLES} examples, got {len(cases)}"
    assert cases == task.examples(_EXAMPLES, _SEED), "the same seed gives other examples"
    assert cases != task.examples(_EXAMPLES, _SEED + 1), "another seed gives the same examples"
    assert len({case.group for case in cases}) >= len(SHARES), "too few groups to split"
    for case in cases:
        costs = alternative_costs(case.context, case.outcomes, task.cost)
        assert any(task.admissible(case.context, action) for action in costs), "nothing may be done"


def check_arrays(task: Task) -> None:
    """Arrays are those of the input specification: names in order, element types, shapes, ranges."""
    cases = task.examples(_EXAMPLES, _SEED)
    for given in (cases, task.judged(cases), cases[:1]):
        arrays = task.arrays([case.context for case in given])
        columns = task.input_spec.columns
        assert list(arrays) == [column.name for column in columns], "other names or another order"
        for column in columns:
            values = arrays[column.name]
            assert values.dtype.name == column.dtype, f"{column.name} is {values.dtype}"
            assert values.shape == (len(given), *column.shape), f"{column.name} is {values.shape}"
            assert in_range(column, values), f"{column.name} leaves its range or is not finite"
    assert task.input_spec.task == task.name, "the input specification is of another task"


def check_fallback_is_total(task: Task) -> None:
    """The fallback answers whatever it is asked, whenever, after whatever it saw, with what can be done."""
    cases = task.examples(_EXAMPLES, _SEED)
    odd = odd_contexts(task, [case.context for case in cases], _SEED)
    fallback = task.fallback()
    for now in _TIMES:
        _require_admissible(task, fallback, (case.context for case in cases), now)
    _require_admissible(task, fallback, odd, 0.0)
    fallback.restore(_as_json(fallback))
    for case in cases:
        action = fallback.decide(case.context, case.time_s, Random(_SEED)).action
        fallback.observe(case.context, action, case.outcomes[action], case.time_s)
    _require_admissible(task, fallback, odd, math.inf)


def check_policies_are_deterministic(task: Task) -> None:
    """The fallback and every baseline decide the same from the same state and random stream."""
    contexts = [case.context for case in task.examples(_EXAMPLES, _SEED)]
    for make in _rules(task):
        assert _decisions(make(), contexts) == _decisions(make(), contexts), f"{make().name} does not"
    names = [make().name for make in _rules(task)]
    assert len(set(names)) == len(names), f"two policies share a name: {names}"


def check_oracle_is_best(task: Task) -> None:
    """No rule is cheaper than the oracle, on any row; the oracle sees outcomes, and alone does."""
    cases = list(islice(task.judged(task.examples(_EXAMPLES, _SEED)), _JUDGED))
    oracle = task.oracle()
    assert isinstance(oracle, Hindsight), "the oracle takes no hindsight"
    best = replay(cases, oracle, task.cost, _SEED)
    for make in _rules(task):
        assert not isinstance(make(), Hindsight), f"{make().name} takes hindsight"
        rule = replay(cases, make(), task.cost, _SEED)
        beaten = np.flatnonzero(best.cost > rule.cost)
        assert not beaten.size, f"{rule.policy} is cheaper than the oracle on rows {beaten[:5].tolist()}"


def check_gates_are_computed(task: Task) -> None:
    """Every gate is held against a figure that the task's metrics really give."""
    cases = task.judged(task.examples(_EXAMPLES, _SEED))
    metrics = task.metrics(cases, task.fallback(), _SEED)
    assert task.gates, "the task has no gate"
    for gate in task.gates:
        assert math.isfinite(metrics.get(gate.metric, math.nan)), f"no metric {gate.metric!r}"
    assert metrics == task.metrics(cases, task.fallback(), _SEED), "the same replay gives other metrics"


def check_card(task: Task) -> None:
    """The model card names its data, every rule the model is held against, and its limits."""
    card = task.card()
    for heading in ("data", "limits"):
        lines = (line.lower() for line in card.splitlines() if line.startswith("#"))
        assert any(heading in line for line in lines), f"the card has no heading about {heading}"
    for make in _rules(task):
        assert make().name in card, f"the card does not name {make().name!r}"


def check_same_seed_same_model(trained: Trained) -> None:
    """Training twice from the same seed gives the same bytes."""
    assert trained.content == trained.again.draft.model, "the same seed gives another model"
    assert trained.content == trained.fitted.to_onnx(), "exporting twice gives other bytes"


def check_graph_equals_model(trained: Trained) -> None:
    """The exported graph is the declared one and says what the trained model says, row by row."""
    task = trained.task
    ExportedGraph(trained.content).require(task.input_spec.columns, task.outputs)
    cases = task.judged(task.examples(_EXAMPLES, _SEED + 1))
    contexts = [case.context for case in islice(cases, _PARITY_ROWS)]
    check_parity(trained.fitted, trained.content, task.arrays(contexts), PARITY_TOLERANCE)


def check_golden(trained: Trained) -> None:
    """Golden vectors, read back from what is published, hold for the graph."""
    golden = Golden.from_json(trained.again.draft.golden.to_json())
    result = golden.compare(ExportedGraph(trained.content))
    assert result.matches, f"golden vectors do not hold: {result.problems}"


def check_learned_is_admissible(trained: Trained) -> None:
    """The learned policy only chooses what can be done, and does so the same way each time."""
    task = trained.task
    contexts = [case.context for case in islice(task.judged(task.examples(_EXAMPLES, _SEED + 1)), _JUDGED)]
    policy = trained.learned()
    _require_admissible(task, policy, contexts, 0.0)
    assert _decisions(trained.learned(), contexts) == _decisions(trained.learned(), contexts)
    for decision in _decisions(policy, contexts):
        assert not decision.costs or decision.action in decision.costs, "the choice has no predicted cost"


def check_odd_contexts_are_answered(trained: Trained) -> None:
    """The graph gives an admissible answer wherever the input specification says it may be asked."""
    task = trained.task
    contexts = odd_contexts(task, [case.context for case in task.examples(_EXAMPLES, _SEED)], _SEED)
    _require_admissible(task, trained.learned(), contexts, 0.0)


def check_learned_is_remembered(trained: Trained) -> None:
    """What the learned policy has seen survives as JSON: restored, it decides as it would have."""
    task = trained.task
    cases = task.examples(_EXAMPLES, _SEED)
    policy = trained.learned()
    for case in cases:
        action = policy.decide(case.context, case.time_s, Random(_SEED)).action
        policy.observe(case.context, action, case.outcomes[action], case.time_s)
    restored = trained.learned()
    restored.restore(_as_json(policy))
    for case in cases:
        before, after = (p.decide(case.context, case.time_s, Random(_SEED)) for p in (policy, restored))
        assert before.action == after.action, "restored, it decides otherwise"
        assert (before.confidence, before.costs) == (after.confidence, after.costs), "and is as sure"
    assert _as_json(restored) == _as_json(policy), "what is restored is not what was remembered"


def check_latency(trained: Trained) -> None:
    """One decision takes well below the time that serving allows, in the median, by a wide margin."""
    contexts = [case.context for case in trained.task.examples(_EXAMPLES, _SEED)]
    for policy in (trained.task.fallback(), trained.learned()):
        taken_ms = []
        for context in contexts:
            started = time.perf_counter()
            policy.decide(context, 0.0, Random(_SEED))
            taken_ms.append((time.perf_counter() - started) * 1e3)
        median_ms = statistics.median(taken_ms)
        assert median_ms < _LATENCY_MS, f"{policy.name} takes {median_ms:.1f} ms for a decision"


CHECKS: tuple[Callable[[Task], None], ...] = (
    check_examples,
    check_arrays,
    check_fallback_is_total,
    check_policies_are_deterministic,
    check_oracle_is_best,
    check_gates_are_computed,
    check_card,
)
"""What needs no model."""

MODEL_CHECKS: tuple[Callable[[Trained], None], ...] = (
    check_same_seed_same_model,
    check_graph_equals_model,
    check_golden,
    check_learned_is_admissible,
    check_odd_contexts_are_answered,
    check_learned_is_remembered,
    check_latency,
)
"""What needs a tiny model."""


def odd_contexts(task: Task, contexts: Sequence[Any], seed: int) -> list[Any]:
    """Examples with one field changed: an odd number, another example's value, or a set cut down.

    What is possible is what the input specification declares: a context is left out when an array that is
    made of it leaves the declared range.

    Args:
        task: whose contexts they are: frozen dataclasses, nested or not.
        contexts: examples.
        seed: of the choice among values of other examples.
    """
    rng = Random(seed)
    bases = rng.sample(list(contexts), min(_ODD_BASES, len(contexts)))
    made = (
        odd for base in bases for odd in _changed(base, [rng.choice(contexts) for _ in range(_ODD_DONORS)])
    )
    return [context for context in made if _possible(task, context)]


def in_range(column: InputColumn, values: NDArray[np.generic]) -> bool:
    """Whether all values are finite and within what the column declares."""
    figures = values.astype(np.float64)
    low = -np.inf if column.low is None else column.low
    high = np.inf if column.high is None else column.high
    return bool((np.isfinite(figures) & (figures >= low) & (figures <= high)).all())


def _silent(share: float, words: str) -> None:
    """Tell nobody."""


def _rules(task: Task) -> Iterator[Callable[[], AnyPolicy]]:
    """The fallback and every baseline, each made anew."""
    yield task.fallback
    for position in range(len(task.baselines())):
        yield partial(_baseline, task, position)


def _baseline(task: Task, position: int) -> AnyPolicy:
    return task.baselines()[position]


def _decisions(policy: AnyPolicy, contexts: Sequence[Any]) -> list[Decision[Any]]:
    rng = Random(_SEED)
    return [policy.decide(context, float(now), rng) for now, context in enumerate(contexts)]


def _as_json(policy: AnyPolicy) -> Any:
    return json.loads(json.dumps(policy.snapshot(), allow_nan=False))


def _require_admissible(task: Task, policy: AnyPolicy, contexts: Iterable[Any], now: float) -> None:
    """Where anything can be done at all, the policy chooses something that can."""
    known = {action for case in task.examples(_EXAMPLES, _SEED) for action in case.outcomes}
    for context in contexts:
        decision = policy.decide(context, now, Random(_SEED))
        action = decision.action
        assert 0 <= decision.confidence <= 1, f"a confidence of {decision.confidence} under {context}"
        if any(task.admissible(context, other) for other in known):
            assert task.admissible(context, action), f"{policy.name} chooses {action} under {context}"


def _changed(value: Any, others: Sequence[Any]) -> Iterator[Any]:
    """The dataclass with one of its fields, or of the fields below, changed in one way."""
    for field in fields(value):
        own = getattr(value, field.name)
        theirs = [getattr(other, field.name) for other in others if type(other) is type(value)]
        for changed in _alternatives(own, theirs):
            yield replace(value, **{field.name: changed})


def _alternatives(own: Any, theirs: Sequence[Any]) -> Iterator[Any]:
    yield from (other for other in theirs if other != own)
    if is_dataclass(own):
        yield from _changed(own, [other for other in theirs if is_dataclass(other)])
    elif isinstance(own, frozenset):
        yield from (frozenset((member,)) for member in sorted(own, key=str))
        yield frozenset()
    elif isinstance(own, int | float) and not isinstance(own, bool):
        yield from (type(own)(odd) for odd in _ODD if type(own)(odd) != own)


def _possible(task: Task, context: Any) -> bool:
    with np.errstate(over="ignore"):
        arrays = task.arrays([context])
    return all(in_range(column, arrays[column.name]) for column in task.input_spec.columns)
