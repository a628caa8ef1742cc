import numpy as np
import onnx
import pytest

pytest.importorskip("torch")

from dwcp.serving.runtime import OnnxGraph
from dwcp.task import TrainingOptions
from dwcp.tasks.compression.model.base import fit_base
from dwcp.tasks.compression.model.decision import TARGETS, FlowPrior
from dwcp.tasks.compression.model.features import DEPTHS
from dwcp.tasks.compression.model.fitted import FittedCompression
from dwcp.tasks.compression.rows import rows_of
from dwcp.tasks.compression.task import TASK

pytestmark = pytest.mark.train


@pytest.fixture(scope="module")
def fitted() -> FittedCompression:
    rng = np.random.default_rng(4)
    base = fit_base(rows_of(TASK.examples(30, 1)), TrainingOptions(seed=1, epochs=2))
    shape = DEPTHS, TARGETS
    prior = FlowPrior(
        rng.normal(0, 0.2, (*shape, 3)), rng.uniform(0.01, 0.1, shape), rng.uniform(0.01, 0.1, shape)
    )
    return FittedCompression(base, 0.7, 0.3, prior, rng.uniform(0.2, 0.5, shape), {})


@pytest.mark.parametrize("shares", [(0.7, 0.3), (1.0, 0.0), (0.0, 1.0), (0.0, 0.0)])
def test_the_graph_says_what_the_parts_say_and_holds_no_part_without_weight(
    fitted: FittedCompression, shares: tuple[float, float]
) -> None:
    variant = fitted.with_weights(*shares)
    model = variant.to_onnx()
    arrays = TASK.arrays([case.context for case in TASK.examples(20, 2)])
    expected, answers = variant.predict(arrays), OnnxGraph(model).run(arrays)
    for name in ("cost_s", "confidence", "predicted"):
        assert answers[name] == pytest.approx(expected[name], rel=1e-3, abs=1e-4), name
    kinds = {node.op_type for node in onnx.load_from_string(model).graph.node}
    assert ("TreeEnsembleRegressor" in kinds) == (shares[0] != 0)
    assert ("Relu" in kinds) == (shares[1] != 0)
