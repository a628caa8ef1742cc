import numpy as np
import pytest

from dwcp.simulate.links.bottleneck import Bottleneck, Observed, Offered

BUFFER_MS, PROPAGATION_MS = 100.0, 40.0


def _serve(
    bandwidth: list[float], throughput: list[float], cross: float = 0.0, ceiling: float = 0.3
) -> Observed:
    steps = len(bandwidth)
    offered = Offered(
        np.array(bandwidth),
        np.array(throughput),
        np.full(steps, cross),
        np.full(steps, PROPAGATION_MS),
        np.zeros(steps),
        np.full(steps, 1e-4),
    )
    return Bottleneck(BUFFER_MS, ceiling, PROPAGATION_MS, 1.0).advance(offered)


def test_a_light_flow_sees_propagation_and_the_floor() -> None:
    seen = _serve([100.0] * 20, [1.0] * 20)
    assert seen.rtt_ms == pytest.approx(PROPAGATION_MS, abs=0.1)
    assert seen.loss == pytest.approx(1e-4)


def test_cross_traffic_lengthens_the_queue() -> None:
    light, heavy = (_serve([100.0] * 5, [10.0] * 5, cross).rtt_ms[-1] for cross in (0.1, 0.9))
    assert heavy > light + 1


def test_a_fall_in_bandwidth_fills_the_buffer_and_loses_packets() -> None:
    seen = _serve([100.0] * 10 + [10.0] * 10, [100.0] * 10 + [10.0] * 10)
    assert seen.buffer_utilization[10] > 0.5 > seen.buffer_utilization[9]
    assert seen.loss[10] > 10 * seen.loss[9]
    assert seen.jitter_ms[10] > seen.jitter_ms[9]
    assert seen.buffer_utilization[13] < 1


def test_a_rise_in_bandwidth_fills_nothing() -> None:
    seen = _serve([10.0] * 10 + [100.0] * 10, [10.0] * 10 + [100.0] * 10)
    assert seen.buffer_utilization.max() < 0.4
    assert seen.loss == pytest.approx(1e-4)


def test_a_bulk_sender_saws_between_its_ceiling_and_the_cut() -> None:
    fill = _serve([100.0] * 200, [100.0] * 200, ceiling=0.9).buffer_utilization
    assert 0.8 < fill[50:].max() <= 1
    cut_ms = 0.7 * (PROPAGATION_MS + 0.9 * BUFFER_MS) - PROPAGATION_MS
    assert fill[50:].min() == pytest.approx(cut_ms / BUFFER_MS + 0.057, abs=0.05)
    falls = np.diff(fill) < -0.1
    assert 5 < falls.sum() < 60


def test_an_outage_leaves_a_full_buffer() -> None:
    seen = _serve([100.0, 0.0, 0.0], [100.0, 0.0, 0.0])
    assert seen.buffer_utilization[1:] == pytest.approx(1)
    assert seen.rtt_ms[1:] == pytest.approx(PROPAGATION_MS + BUFFER_MS)
