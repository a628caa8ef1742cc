from collections.abc import Mapping
from dataclasses import replace
from random import Random

import pytest
from compression_cases import MIB, context, outcomes
from hypothesis import given
from hypothesis import strategies as st

from dwcp.evaluation import Hindsight
from dwcp.tasks.compression.contract import Action, Context, CostModel, Host, Objective, Outcome
from dwcp.tasks.compression.oracle import cost_s
from dwcp.tasks.compression.task import TASK

MEGABYTE = Outcome(stored_bytes=1_000_000, compress_ms=500.0, decompress_ms=250.0)
"""One second at 8 Mbit/s."""


def _context(model: CostModel, workers: float = 1.0, receivers: float = 1.0, price: float = 1.0) -> Context:
    asked = context(8.0)
    return replace(asked, host=Host(workers, receivers), objective=Objective(model, price))


@pytest.mark.parametrize(
    ("asked", "outcome", "seconds"),
    [
        (_context(CostModel.SERIAL), MEGABYTE, 1.5),
        (_context(CostModel.SERIAL, price=2.0), MEGABYTE, 2.0),
        (_context(CostModel.SERIAL, price=0.0), MEGABYTE, 1.0),
        (_context(CostModel.SERIAL, workers=4.0), MEGABYTE, 1.5),
        (_context(CostModel.PIPELINED), MEGABYTE, 1.0),
        (_context(CostModel.PIPELINED, workers=0.25), MEGABYTE, 2.0),
        (_context(CostModel.PIPELINED, receivers=0.05), MEGABYTE, 5.0),
        (_context(CostModel.PIPELINED, receivers=0.05), replace(MEGABYTE, decompress_ms=None), 1.0),
        (_context(CostModel.PIPELINED, price=9.0), MEGABYTE, 1.0),
        (_context(CostModel.BYTES, workers=0.01, price=9.0), MEGABYTE, 1.0),
    ],
)
def test_costs_by_hand(asked: Context, outcome: Outcome, seconds: float) -> None:
    assert cost_s(asked, outcome) == pytest.approx(seconds)
    assert TASK.cost(asked, outcome) == cost_s(asked, outcome)


@given(
    stored=st.integers(1, MIB),
    compress_ms=st.floats(0, 1e4),
    decompress_ms=st.floats(0, 1e3),
    workers=st.floats(1, 64),
)
def test_overlapping_is_never_slower_than_one_after_the_other(
    stored: int, compress_ms: float, decompress_ms: float, workers: float
) -> None:
    outcome = Outcome(stored, compress_ms, min(decompress_ms, compress_ms))
    serial, pipelined, least = (
        cost_s(_context(model, workers, workers), outcome)
        for model in (CostModel.SERIAL, CostModel.PIPELINED, CostModel.BYTES)
    )
    assert least <= pipelined <= serial


def test_the_oracle_takes_the_cheapest_of_what_was_measured() -> None:
    oracle = TASK.oracle()
    measured = outcomes()
    chosen = {}
    for mbps in (1.0, 10_000.0):
        asked = context(mbps)
        assert isinstance(oracle, Hindsight)
        oracle.reveal(_as_objects(measured))
        chosen[mbps] = oracle.decide(asked, 0.0, Random(0)).action
        assert chosen[mbps] == min(measured, key=lambda action: cost_s(asked, measured[action]))
    assert chosen[10_000.0] == Action("none")
    assert chosen[1.0] == Action("zstd", 19)


def _as_objects(measured: dict[Action, Outcome]) -> Mapping[object, object]:
    return dict(measured)
