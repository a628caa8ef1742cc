from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dwcp.errors import InputError
from dwcp.simulate.links import LINK_KINDS, LinkKind, LinkSimulator, LinkTrace, join_traces, simulate_link
from dwcp.simulate.links.profiles import profile_of

STEPS = 6000


@pytest.fixture(scope="module")
def traces() -> dict[str, LinkTrace]:
    return {kind: simulate_link(kind, STEPS, 1.0, _rng(11)) for kind in LINK_KINDS}


def _rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def _columns(trace: LinkTrace) -> dict[str, np.ndarray]:
    return {
        column.name: getattr(trace, column.name)
        for column in fields(trace)
        if column.name not in ("link_type", "step_s")
    }


def _same(left: LinkTrace, right: LinkTrace) -> bool:
    return all(np.array_equal(values, _columns(right)[name]) for name, values in _columns(left).items())


def _autocorrelation(values: np.ndarray, lag: int) -> float:
    return float(np.corrcoef(values[:-lag], values[lag:])[0, 1])


@pytest.mark.parametrize("kind", LINK_KINDS)
def test_same_seed_same_trace_and_another_seed_another(kind: LinkKind) -> None:
    first = simulate_link(kind, 200, 1.0, _rng(1))
    assert _same(first, simulate_link(kind, 200, 1.0, _rng(1)))
    assert not np.array_equal(first.bandwidth_mbps, simulate_link(kind, 200, 1.0, _rng(2)).bandwidth_mbps)


@pytest.mark.parametrize("kind", LINK_KINDS)
def test_state_lives_on_between_calls(kind: LinkKind) -> None:
    whole = LinkSimulator(kind, 0.5, _rng(3)).advance(300)
    simulator = LinkSimulator(kind, 0.5, _rng(3))
    assert _same(whole, join_traces([simulator.advance(steps) for steps in (1, 99, 200)]))


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(LINK_KINDS),
    step_s=st.sampled_from([0.01, 0.1, 1.0, 10.0, 300.0, 7200.0]),
    start_s=st.floats(0, 86_400),
    seed=st.integers(0, 2**32),
)
def test_every_value_is_finite_and_in_range(kind: LinkKind, step_s: float, start_s: float, seed: int) -> None:
    trace = LinkSimulator(kind, step_s, _rng(seed), start_s).advance(120)
    for name, values in _columns(trace).items():
        assert values.shape == (120,), name
        if values.dtype.kind in "fi":
            assert np.isfinite(values).all(), name
            assert (values >= 0).all(), name
    assert (trace.rtt_ms > 0).all()
    assert (trace.packet_loss <= 1).all()
    assert (trace.buffer_utilization <= 1).all()
    assert (trace.congestion_window >= 1).all()
    assert (trace.throughput_mbps <= trace.bandwidth_mbps).all()
    assert (trace.bandwidth_mbps <= 1e6).all()
    assert np.array_equal(trace.app_limited, trace.throughput_mbps < trace.bandwidth_mbps)


@pytest.mark.parametrize("kind", LINK_KINDS)
def test_bandwidth_has_memory(kind: LinkKind, traces: dict[str, LinkTrace]) -> None:
    values = traces[kind].bandwidth_mbps
    assert _autocorrelation(values, 1) > 0.5
    assert _autocorrelation(values, 5) > 0.2
    shuffled = _rng(0).permutation(values)
    assert abs(_autocorrelation(shuffled, 1)) < 0.1


@pytest.mark.parametrize("kind", ["metro", "wan", "cellular", "satellite"])
def test_rtt_follows_the_queue(kind: LinkKind, traces: dict[str, LinkTrace]) -> None:
    trace = traces[kind]
    normal = trace.regime == "normal"
    fill, rtt = trace.buffer_utilization[normal], trace.rtt_ms[normal]
    assert np.corrcoef(fill, rtt)[0, 1] > 0.4


@pytest.mark.parametrize("kind", LINK_KINDS)
def test_queue_is_capped_by_the_buffer(kind: LinkKind, traces: dict[str, LinkTrace]) -> None:
    profile, trace = profile_of(kind), traces[kind]
    stretch = max(regime.rtt_factor for regime in profile.regimes)
    noise = 20 * profile.noise_ms
    handover = 50 * profile.handover_spread
    assert trace.rtt_ms.max() < profile.propagation_ms[1] * stretch + profile.buffer_ms[1] + noise + handover


@pytest.mark.parametrize("kind", ["cellular", "satellite"])
def test_loss_rises_when_the_buffer_is_full(kind: LinkKind) -> None:
    trace = join_traces([simulate_link(kind, 3000, 1.0, _rng(seed)) for seed in range(6)])
    running = trace.regime != "outage"
    full = running & (trace.buffer_utilization > 0.95)
    empty = running & (trace.buffer_utilization < 0.3)
    assert full.sum() > 30
    assert trace.packet_loss[full].mean() > 3 * trace.packet_loss[empty].mean()


@pytest.mark.parametrize("kind", LINK_KINDS)
def test_app_limited_steps_see_shorter_queues(kind: LinkKind, traces: dict[str, LinkTrace]) -> None:
    trace = traces[kind]
    running = trace.regime != "outage"
    limited = running & trace.app_limited
    assert 0.02 < limited.mean() < 0.5
    fill = trace.buffer_utilization
    assert fill[limited].mean() < fill[running & ~trace.app_limited].mean()


@pytest.mark.parametrize("kind", LINK_KINDS)
def test_window_is_the_bandwidth_delay_product(kind: LinkKind, traces: dict[str, LinkTrace]) -> None:
    trace = traces[kind]
    segments = trace.throughput_mbps * trace.rtt_ms * 1000 / 12_000
    assert np.abs(trace.congestion_window - np.maximum(segments, 1)).max() <= 0.5


@pytest.mark.parametrize("kind", LINK_KINDS)
def test_retransmits_are_the_lost_packets(kind: LinkKind, traces: dict[str, LinkTrace]) -> None:
    trace = traces[kind]
    sent = trace.bytes_tx / 1500
    assert np.allclose(trace.retransmits, trace.packet_loss * sent)


def test_jitter_grows_with_rtt_increments(traces: dict[str, LinkTrace]) -> None:
    for trace in traces.values():
        increments = np.abs(np.diff(trace.rtt_ms))
        assert np.corrcoef(increments, trace.jitter_ms[1:])[0, 1] > 0.3
        assert 0.5 < trace.jitter_ms.mean() / increments.mean() < 2


def test_nothing_gets_through_in_an_outage(traces: dict[str, LinkTrace]) -> None:
    trace = traces["satellite"]
    out = trace.regime == "outage"
    assert out.any()
    assert (trace.throughput_mbps[out] == 0).all()
    assert (trace.packet_loss[out] == 1).all()
    assert (trace.congestion_window[out] == 1).all()
    assert (trace.throughput_mbps[~out] > 0).all()


def test_satellite_rate_jumps_on_the_handover_grid() -> None:
    trace = simulate_link("satellite", 15_000, 1.0, _rng(5))
    jumps = np.abs(np.diff(np.log(np.maximum(trace.expected_next_mbps, 1e-9))))
    calm = (trace.regime[1:] == "normal") & (trace.regime[:-1] == "normal")
    by_phase = np.array([np.median(jumps[phase::15][calm[phase::15]]) for phase in range(15)])
    assert (by_phase > 2 * np.median(by_phase)).sum() == 2


def test_wan_capacity_follows_the_day() -> None:
    evening, morning = [], []
    for seed in range(12):
        trace = LinkSimulator("wan", 300.0, _rng(seed)).advance(7 * 288)
        hour = trace.time_s / 3600 % 24
        evening.append(np.median(trace.bandwidth_mbps[(hour > 18) & (hour < 22)]))
        morning.append(np.median(trace.bandwidth_mbps[(hour > 6) & (hour < 10)]))
    assert np.mean(np.array(morning) / np.array(evening)) > 1.2


@pytest.mark.parametrize("kind", LINK_KINDS)
def test_no_simple_forecast_beats_the_known_optimum(kind: LinkKind) -> None:
    optimum, last, mean_of_five = [], [], []
    for seed in range(3):
        trace = simulate_link(kind, 4000, 1.0, _rng(100 + seed))
        actual = trace.bandwidth_mbps[5:]
        scale = actual.mean()
        windows = np.lib.stride_tricks.sliding_window_view(trace.bandwidth_mbps, 5)[:-1]
        optimum.append((trace.expected_next_mbps[4:-1] - actual) / scale)
        last.append((trace.bandwidth_mbps[4:-1] - actual) / scale)
        mean_of_five.append((windows.mean(axis=1) - actual) / scale)
    best = np.mean(np.square(optimum))
    assert best < 0.95 * np.mean(np.square(last))
    assert best < np.mean(np.square(mean_of_five))
    assert abs(np.mean(optimum)) < 0.01


def test_kinds_differ_as_they_should(traces: dict[str, LinkTrace]) -> None:
    variation = {kind: np.std(t.bandwidth_mbps) / np.mean(t.bandwidth_mbps) for kind, t in traces.items()}
    rtt = {kind: np.median(t.rtt_ms) for kind, t in traces.items()}
    assert variation["datacenter"] < variation["metro"] < variation["wan"] < variation["cellular"]
    assert rtt["datacenter"] < rtt["metro"] < rtt["wan"]


def test_bad_arguments_are_refused_in_a_sentence() -> None:
    with pytest.raises(InputError, match="choose among datacenter"):
        simulate_link("carrier_pigeon", 10, 1.0, _rng(0))  # type: ignore[arg-type]
    for step_s in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(InputError, match="positive number of seconds"):
            simulate_link("wan", 10, step_s, _rng(0))
    for seconds in (0.5, float("nan"), float("inf")):
        with pytest.raises(InputError, match="at least one step"):
            simulate_link("wan", seconds, 1.0, _rng(0))
    with pytest.raises(InputError, match="at least one step"):
        LinkSimulator("wan", 1.0, _rng(0)).advance(0)


def test_only_traces_of_one_link_join(traces: dict[str, LinkTrace]) -> None:
    with pytest.raises(InputError, match="joined"):
        join_traces([])
    with pytest.raises(InputError, match="joined"):
        join_traces([traces["wan"], traces["metro"]])
    with pytest.raises(InputError, match="joined"):
        join_traces([traces["wan"], replace(traces["wan"], step_s=2.0)])
