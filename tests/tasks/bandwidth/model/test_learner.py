import numpy as np
import pytest

from dwcp.errors import TrainingError
from dwcp.task import TrainingOptions
from dwcp.tasks.bandwidth.task import TASK

pytestmark = pytest.mark.train


def silent(share: float, words: str) -> None:
    pass


def fitted(network: str, epochs: int = 2, count: int = 160):
    cases = TASK.examples(count, 3)
    options = TrainingOptions(seed=3, epochs=epochs, extra={"network": network})
    return TASK.learner().fit(cases[: count // 2], cases[count // 2 :], options, silent)


@pytest.mark.parametrize("network", ["tcn", "lstm-128-64", "lstm-256-128", "lstm-attention"])
def test_every_network_trains_and_exports(network: str) -> None:
    from dwcp.training import check_parity

    model = fitted(network, epochs=1)
    content = model.to_onnx()
    assert len(content) < 10 * 2**20
    rows = TASK.arrays([case.context for case in TASK.examples(50, 4)])
    assert check_parity(model, content, rows) <= 1e-5
    assert model.summary()["network"] == network


def test_an_untrained_forecast_is_the_last_value() -> None:
    import torch

    from dwcp.tasks.bandwidth.model.fitted import FittedForecast
    from dwcp.tasks.bandwidth.model.network import Forecast

    torch.manual_seed(1)
    contexts = [case.context for case in TASK.examples(40, 4)]
    told = FittedForecast(Forecast("tcn"), {}).predict(TASK.arrays(contexts))["throughput_mbps"]
    last = np.array([context.steps[-1].throughput_mbps for context in contexts])
    assert np.allclose(told[:, 0, 1], last, rtol=0.05, atol=1e-3)


def test_it_learns_to_forecast_noise_by_its_level() -> None:
    from made_links import noisy, steps

    from dwcp.tasks.bandwidth.examples import cases_of

    cases = list(cases_of(steps(noisy(500, 0.4)), "link", step_s=1.0, start_epoch_s=0.0))
    model = TASK.learner().fit(cases[:300], cases[300:400], TrainingOptions(seed=1, epochs=25), silent)
    held = cases[400:]
    told = model.predict(TASK.arrays([case.context for case in held]))["throughput_mbps"][:, 0, 1]
    came = np.array([next(iter(case.outcomes.values())).steps[0].throughput_mbps for case in held])
    last = np.array([case.context.steps[-1].throughput_mbps for case in held])
    assert np.abs(np.log(told / came)).mean() < 0.9 * np.abs(np.log(last / came)).mean()


def test_a_network_that_there_is_not_and_nothing_to_learn_from() -> None:
    with pytest.raises(TrainingError, match="no network 'mlp'"):
        fitted("mlp")
    with pytest.raises(TrainingError, match="record more"):
        TASK.learner().fit([], [], TrainingOptions(), silent)


def test_one_mode_alone() -> None:
    cases = TASK.examples(1200, 3)
    regimes = {case.group: case.context.regime for case in cases}
    assert set(regimes.values()) == {"datacenter", "internet"}
    options = TrainingOptions(seed=3, epochs=1, extra={"mode": "internet"})
    fitted = TASK.learner().fit(cases[:900], cases[900:], options, silent)
    summary = fitted.summary()
    inside = sum(case.context.regime == "internet" for case in cases)
    assert summary["mode"] == "internet"
    assert 0 < summary["rows"] < inside
    with pytest.raises(TrainingError, match="0 links in mode 'hybrid'"):
        TASK.learner().fit(cases[:900], cases[900:], TrainingOptions(extra={"mode": "hybrid"}), silent)


def test_trees_answer_as_a_graph_does() -> None:
    from dwcp.tasks.bandwidth.model import BoostedTrees

    cases = TASK.examples(400, 3)
    trees = BoostedTrees.fit(cases[:250], cases[250:], TrainingOptions(seed=1, epochs=5))
    told = trees.run(TASK.arrays([case.context for case in cases[:7]]))["throughput_mbps"]
    assert told.shape == (7, 2, 3)
    assert np.isfinite(told).all()
    assert (np.diff(told, axis=2) >= 0).all()
    assert len(trees.to_bytes()) == 2
