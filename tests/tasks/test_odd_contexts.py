from dataclasses import dataclass, field

import numpy as np
import pytest

from dwcp.features import InputColumn, InputSpec
from dwcp.tasks import discover
from dwcp.tasks.conformance import in_range, odd_contexts


@dataclass(frozen=True)
class Inner:
    load: float = 0.5
    count: int = 3


@dataclass(frozen=True)
class Outer:
    size: float
    inner: Inner | None = field(default_factory=Inner)
    allowed: frozenset[str] = frozenset({"a", "b"})
    note: str = ""


class Task:
    input_spec = InputSpec(
        "toy",
        (
            InputColumn("size", "float32", (), "bytes", "", 0.0, 1000.0),
            InputColumn("load", "float32", (), "1", "", -1.0),
        ),
    )

    def arrays(self, contexts):
        return {
            "size": np.array([c.size for c in contexts], np.float32),
            "load": np.array([-1.0 if c.inner is None else c.inner.load for c in contexts], np.float32),
        }


CONTEXTS = [Outer(10.0), Outer(20.0, None), Outer(30.0, Inner(0.25), note="x")]


def test_one_field_at_a_time_is_made_odd() -> None:
    made = odd_contexts(Task(), CONTEXTS, 1)
    assert Outer(0.0) in made
    assert Outer(10.0, Inner(1e12)) in made
    assert Outer(10.0, Inner(count=-1)) in made
    assert Outer(10.0, allowed=frozenset()) in made
    assert Outer(10.0, allowed=frozenset({"b"})) in made
    assert Outer(10.0, None) in made
    assert Outer(10.0, note="x") in made


def test_what_the_specification_rules_out_is_left_out() -> None:
    made = odd_contexts(Task(), CONTEXTS, 1)
    assert made
    assert all(0 <= context.size <= 1000 for context in made)
    assert all(context.inner is None or context.inner.load >= -1 for context in made)


def test_numbers_keep_their_type() -> None:
    made = odd_contexts(Task(), CONTEXTS, 1)
    assert all(isinstance(context.inner.count, int) for context in made if context.inner)


def test_the_same_seed_makes_the_same() -> None:
    assert odd_contexts(Task(), CONTEXTS, 1) == odd_contexts(Task(), CONTEXTS, 1)


@pytest.mark.parametrize(
    ("value", "within"),
    [(0.0, True), (1.0, True), (-0.1, False), (1.1, False), (np.nan, False), (np.inf, False)],
)
def test_a_range_holds_its_ends_and_no_value_that_is_not_finite(value: float, within: bool) -> None:
    column = InputColumn("share", "float32", (), "1", "", 0.0, 1.0)
    assert in_range(column, np.array([0.5, value], np.float32)) == within


def test_a_column_without_ends_takes_any_finite_value() -> None:
    column = InputColumn("any", "float32", (), "1", "")
    assert in_range(column, np.array([-1e30, 1e30], np.float32))
    assert not in_range(column, np.array([np.inf], np.float32))


@pytest.mark.parametrize("name", discover())
def test_every_task_declares_something_odd_to_be_possible(name: str) -> None:
    task = discover()[name]
    contexts = [case.context for case in task.examples(10, 1)]
    made = odd_contexts(task, contexts, 1)
    assert len(made) > 50
