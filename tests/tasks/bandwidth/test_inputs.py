import numpy as np
import pytest
from made_links import context, steps

from dwcp.tasks.bandwidth.contract import Step
from dwcp.tasks.bandwidth.inputs import LINK_TYPES, MISSING, SPEC, WINDOW, arrays
from dwcp.tasks.conformance import in_range


def test_the_latest_step_is_last_and_what_is_not_there_is_missing() -> None:
    window = arrays([context([1.0, 2.0, 3.0])])["window"][0]
    assert window[-3:, 0].tolist() == [1.0, 2.0, 3.0]
    assert (window[:-3] == MISSING).all()
    assert (window[-3:, 1:6] == MISSING).all()


def test_a_data_centre_is_looked_at_for_thirty_steps_and_the_rest_for_sixty() -> None:
    long = steps(range(1, 101))
    near, far = arrays([context(long, regime="datacenter"), context(long, regime="internet")])["window"]
    assert (near[:, 0] != MISSING).sum() == 30
    assert (far[:, 0] != MISSING).sum() == WINDOW == 60


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0, 1e9, None])
def test_what_cannot_be_true_is_missing(value) -> None:
    assert arrays([context([5.0, value])])["window"][0, -1, 0] == MISSING


def test_odd_figures_stay_in_range() -> None:
    odd = Step(1.0, float("nan"), -3.0, 7.0, 10**12, 5, app_limited=True)
    fed = arrays([context((odd,), epoch_s=float("nan"), link_type="moon"), context((), epoch_s=1e300)])
    for column in SPEC.columns:
        assert in_range(column, fed[column.name]), column.name
    assert fed["link_type"].tolist() == [0, 0]
    assert fed["window"][0, -1].tolist() == [1.0, -1, -1, -1, -1, 5.0, 1.0]


def test_names_become_positions() -> None:
    fed = arrays([context([1.0], link_type="wan", network_tier="tier2", transport_type="quic")])
    assert LINK_TYPES[int(fed["link_type"][0])] == "wan"
    assert (fed["network_tier"][0], fed["transport_type"][0]) == (2, 3)
    assert fed["epoch_s"].dtype == np.int64
