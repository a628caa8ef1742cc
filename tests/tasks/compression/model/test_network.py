import numpy as np
import pytest

torch = pytest.importorskip("torch")

from dwcp.tasks.compression.contract import CANDIDATES  # noqa: E402
from dwcp.tasks.compression.inputs import MEASURES  # noqa: E402
from dwcp.tasks.compression.model.decision import TARGETS  # noqa: E402
from dwcp.tasks.compression.model.features import DEPTHS, feature_names  # noqa: E402
from dwcp.tasks.compression.model.network import Mix, Residual, Stem  # noqa: E402

pytestmark = pytest.mark.train

COUNT = len(CANDIDATES)
NAMES = feature_names()
DELTAS = np.array([action.use_reference for action in CANDIDATES])


def test_a_stem_is_one_linear_map_a_depth() -> None:
    rng = np.random.default_rng(0)
    weight, bias = rng.normal(size=(DEPTHS, TARGETS, len(NAMES))), rng.normal(size=(DEPTHS, TARGETS))
    features = rng.normal(size=(DEPTHS, len(NAMES)))
    answer = Stem(weight, bias)(torch.from_numpy(features.astype(np.float32)), torch.eye(DEPTHS)).numpy()
    expected = np.einsum("dtf,df->dt", weight, features) + bias
    assert answer == pytest.approx(expected, abs=1e-4)


def _mix(bias: float, tree_weight: float, trees: float, slower: float) -> np.ndarray:
    stem = Stem(np.zeros((DEPTHS, TARGETS, len(NAMES))), np.full((DEPTHS, TARGETS), bias))
    network = Residual(np.zeros(len(NAMES)), np.ones(len(NAMES)), np.ones(TARGETS))
    answer = Mix(stem, network, tree_weight, 0.0).eval()(
        torch.zeros(1, len(NAMES)),
        torch.eye(DEPTHS)[[2]],
        torch.full((1, COUNT), slower),
        torch.full((1, TARGETS), trees),
    )
    return np.asarray(answer[0].detach().numpy())


def test_parts_add_up_and_times_are_this_machines() -> None:
    stored, *times = _mix(-1.0, 0.5, 0.4, 0.25)
    none = [action.name for action in CANDIDATES].index("none")
    assert stored[none] == 0, "what is stored plainly keeps its size"
    assert np.delete(stored, none) == pytest.approx(-0.8)
    for time in times:
        assert np.delete(time, none) == pytest.approx(-0.8 + 0.25)
    assert _mix(3.0, 0.0, 0.0, 0.0)[0].max() <= 0.011, "nothing is predicted to grow"


def test_folding_changes_nothing_but_the_number_of_operations() -> None:
    torch.manual_seed(3)
    network = Residual(np.full(len(NAMES), 0.3), np.full(len(NAMES), 2.0), np.linspace(0.1, 2.0, TARGETS))
    for layer in network.layers:
        if isinstance(layer, torch.nn.BatchNorm1d):
            torch.nn.init.uniform_(layer.running_mean, -0.5, 0.5)
            torch.nn.init.uniform_(layer.running_var, 0.5, 2.0)
    stem = Stem(np.zeros((DEPTHS, TARGETS, len(NAMES))), np.full((DEPTHS, TARGETS), -5.0))
    features, depth = torch.randn(4, len(NAMES)), torch.eye(DEPTHS)
    with torch.no_grad():
        expected = -5.0 + 0.3 * network.eval()(features, depth)
        logs = Mix(stem, network, 0.0, 0.3)(features, depth, torch.zeros(4, COUNT)).reshape(4, -1)
    kept = [place for place in range(TARGETS) if place % COUNT != 0]
    assert logs[:, kept].numpy() == pytest.approx(expected[:, kept].numpy(), abs=1e-5)


def test_the_axes_are_measures_by_candidates() -> None:
    assert len(MEASURES) * COUNT == TARGETS
    assert DELTAS.any()
