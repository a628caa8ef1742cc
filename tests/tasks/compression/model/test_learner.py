from collections.abc import Callable

import numpy as np
import pytest

pytest.importorskip("torch")

from dwcp.task import TrainingOptions
from dwcp.tasks.compression.contract import CANDIDATES
from dwcp.tasks.compression.model import learner
from dwcp.tasks.compression.model.base import DELTA_COMPONENTS, PLAIN_COMPONENTS, Base
from dwcp.tasks.compression.model.decision import TARGETS
from dwcp.tasks.compression.model.features import DEPTHS, Features, feature_names
from dwcp.tasks.compression.model.fitted import FittedCompression
from dwcp.tasks.compression.model.learner import WEIGHTS, CompressionLearner
from dwcp.tasks.compression.model.network import Residual, Stem
from dwcp.tasks.compression.model.trees import ComponentTrees
from dwcp.tasks.compression.rows import Rows
from dwcp.tasks.compression.task import TASK

pytestmark = pytest.mark.train

PUBLISHED = (0.7, 0.3)
WIDTH = len(feature_names())


class Blank(Base):
    """Predicts nothing at all, at no cost."""

    def parts(self, rows: Rows) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        stem, trees, network = np.zeros((3, len(rows.depth), TARGETS))
        return stem, trees, network


def _blank(_rows: Rows, _options: TrainingOptions) -> Base:
    trees = [ComponentTrees(None, np.zeros((n, 1), np.float32)) for n in (PLAIN_COMPONENTS, DELTA_COMPONENTS)]  # type: ignore[arg-type]
    stem = Stem(np.zeros((DEPTHS, TARGETS, WIDTH)), np.zeros((DEPTHS, TARGETS)))
    network = Residual(np.zeros(WIDTH), np.ones(WIDTH), np.ones(TARGETS))
    return Blank(Features(np.ones(len(CANDIDATES))), stem, *trees, network)


@pytest.fixture
def fit(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[tuple[float, float], float]], FittedCompression]:
    """Train where pairs of shares have the validation regrets given; of others it is 1."""
    cases = TASK.examples(20, 1)

    def train(regrets: dict[tuple[float, float], float]) -> FittedCompression:
        monkeypatch.setattr(learner, "fit_base", _blank)
        in_order = iter([regrets.get(pair, 1.0) for pair in WEIGHTS])
        monkeypatch.setattr(learner, "_regret", lambda _rows, _predicted: next(in_order))
        return CompressionLearner().fit(cases[:15], cases[15:], TrainingOptions(seed=1, epochs=1), _silent)

    return train


def _silent(_share: float, _words: str) -> None:
    pass


@pytest.mark.parametrize(
    ("regrets", "kept"),
    [
        ({PUBLISHED: 0.010}, PUBLISHED),
        ({PUBLISHED: 0.010, (0.5, 0.5): 0.0099}, PUBLISHED),
        ({PUBLISHED: 0.010, (0.5, 0.5): 0.0096}, PUBLISHED),
        ({PUBLISHED: 0.010, (0.5, 0.5): 0.0094}, (0.5, 0.5)),
        ({PUBLISHED: 0.010, (0.5, 0.5): 0.008, (0.0, 0.0): 0.007}, (0.0, 0.0)),
        ({PUBLISHED: 0.0, (0.5, 0.5): 0.0}, PUBLISHED),
    ],
)
def test_the_published_shares_stay_unless_others_are_clearly_better(
    fit: Callable[[dict[tuple[float, float], float]], FittedCompression],
    regrets: dict[tuple[float, float], float],
    kept: tuple[float, float],
) -> None:
    fitted = fit(regrets)
    assert (fitted.tree_weight, fitted.network_weight) == kept


def test_what_every_pair_reached_is_told(
    fit: Callable[[dict[tuple[float, float], float]], FittedCompression],
) -> None:
    summary = fit({PUBLISHED: 0.010, (0.5, 0.5): 0.0095}).summary()
    tried = summary["validation_regret"]
    assert isinstance(tried, dict)
    assert len(tried) == len(WEIGHTS)
    assert tried["trees 0.7, network 0.3"] == 0.010
    assert tried["trees 0.5, network 0.5"] == 0.0095
