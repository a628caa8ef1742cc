from dataclasses import replace

import numpy as np
import pytest

from dwcp.evaluation.detection import Span
from dwcp.tasks.reliability.budget import budget
from dwcp.tasks.reliability.contract import FINE, METRICS, STEPS, Action, Context, Sample
from dwcp.tasks.reliability.figures import figures, spans_of
from dwcp.tasks.reliability.inputs import SPEC, arrays
from dwcp.tasks.reliability.names import FEATURES, OWN
from dwcp.tasks.reliability.oracle import cost_rows, outcomes
from dwcp.tasks.reliability.rules import RulePolicy, limits_ratio, pca_residual, robust_z
from dwcp.tasks.reliability.series import Fleet, cases_of, peer_medians

GOOD = Sample(0.0, 0.0, 5.0, 20.0, 0.0, 0.0, 0.0, 0.3, 0.4, 0.1)


def context(*latest: Sample, peers: Sample = GOOD) -> Context:
    rng = np.random.default_rng(1)
    usual = [
        replace(GOOD, p99_latency_ms=float(rng.normal(20, 1)), cpu_usage=float(rng.normal(0.3, 0.02)))
        for _ in range(STEPS)
    ]
    return Context("n", (*usual, *latest)[-STEPS:], (peers,) * STEPS)


def test_the_published_features_are_123_and_all_names_differ() -> None:
    assert len(OWN) == 123
    assert len(FEATURES) == 2 * 123 + 60
    assert len(set(FEATURES)) == len(FEATURES)


def test_the_fingerprint_is_pinned() -> None:
    assert SPEC.fingerprint == "9ef735837900f67d"


def test_windows_end_with_the_newest_and_missing_is_minus_one() -> None:
    short = Context("n", (replace(GOOD, error_rate=0.5, cpu_usage=None), GOOD), ())
    given = arrays([short, context()])
    assert given["window"].shape == (2, STEPS, len(METRICS))
    assert (given["window"][0, :-2] == -1).all()
    assert (given["peers"][0] == -1).all()
    assert given["window"][0, -2, 0] == np.float32(0.5)
    assert given["window"][0, -2, METRICS.index("cpu_usage")] == -1
    assert given["window"][0, -1].tolist() == pytest.approx([getattr(GOOD, name) for name in METRICS])
    odd = Context("n", (replace(GOOD, error_rate=float("nan"), disk_io=1e300, cpu_usage=-3.0),))
    assert arrays([odd])["window"][0, -1, [0, 7, 9]].tolist() == [-1.0, -1.0, 1e9]


def test_a_peers_median_is_that_of_all_others_known() -> None:
    metrics = np.array([[1.0], [2.0], [np.nan], [10.0]])[None].repeat(2, axis=0)
    found = peer_medians(metrics)[0, :, 0]
    assert found.tolist() == [6.0, 5.5, 2.0, 1.5]
    assert np.isnan(peer_medians(np.full((1, 2, 1), np.nan))).all()


def test_cases_see_the_past_alone() -> None:
    rng = np.random.default_rng(2)
    metrics = rng.random((50, 3, len(METRICS)))
    fleet = Fleet(
        "f", ("a", "b", "c"), np.arange(50.0), metrics, np.full((50, 3), "quiet"), np.full((50, 3), "")
    )
    changed = metrics.copy()
    changed[31:] = 0.0
    other = Fleet("f", fleet.nodes, fleet.times_s, changed, fleet.kinds, fleet.events)
    seen, again = (list(cases_of(one, [30])) for one in (fleet, other))
    assert seen == again
    assert len(seen[0].context.steps) == STEPS
    assert seen[1].context.steps[-1].error_rate == metrics[30, 1, 0]
    assert seen[1].context.peers[-1].error_rate == pytest.approx(metrics[30, [0, 2], 0].mean())


@pytest.mark.parametrize(
    ("latest", "flagged"),
    [
        (GOOD, False),
        (replace(GOOD, error_rate=0.2), True),
        (replace(GOOD, p99_latency_ms=85.0), True),
        (replace(GOOD, packet_loss=0.1), True),
        (Sample(error_rate=0.0), True),
    ],
)
def test_the_fallback_flags_what_passes_a_limit(latest: Sample, flagged: bool) -> None:
    assert (limits_ratio(context(latest)) >= 1) == flagged


def test_deviation_and_components_see_a_jump_and_forgive_the_usual() -> None:
    for rule in (robust_z, pca_residual):
        jumped = rule(context(*[replace(GOOD, p99_latency_ms=90.0, disk_io=0.9)] * 3))
        assert jumped > 1 > rule(context())


def test_the_budget_burns_by_what_the_objective_allows() -> None:
    burning = budget(context(*[replace(GOOD, error_rate=0.01)] * 5))
    assert burning.burn_short == pytest.approx(10.0)
    assert burning.burn_long == pytest.approx(10.0 * 5 / 30)
    assert budget(Context("n", ())).burn_long == 0.0
    assert budget(replace(context(GOOD), objective=1.0)).burn_long == 0.0


def test_actions_are_equal_when_they_flag_alike_and_cost_rows() -> None:
    assert Action(True, 0.9) == Action(True, 0.2)
    assert Action(True) != FINE
    wrong = {kind: [cost_rows(context(), outcomes(kind)[Action(flag)]) for flag in (False, True)]  # type: ignore[arg-type]
             for kind in ("quiet", "benign", "fault", "recovery", "unknown")}  # fmt: skip
    assert wrong == {
        "quiet": [0, 1],
        "benign": [0, 1],
        "fault": [1, 0],
        "recovery": [0, 0],
        "unknown": [0, 0],
    }


def test_figures_count_rows_events_and_episodes() -> None:
    kinds = np.array(["quiet"] * 40 + ["fault"] * 10 + ["recovery"] * 5 + ["quiet"] * 25 + ["benign"] * 20)
    events = np.array([""] * 40 + ["x"] * 15 + [""] * 25 + ["b"] * 20)
    metrics = np.zeros((100, 1, len(METRICS)))
    fleet = Fleet("f", ("a",), np.arange(100.0), metrics, kinds[:, None], events[:, None])
    flags = np.zeros(100, dtype=bool)
    flags[[10, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 85, 86]] = True
    found = figures(list(cases_of(fleet)), [Action(bool(flag), float(flag)) for flag in flags])
    assert found["recall"] == pytest.approx(0.7)
    assert found["quiet_fpr"] == pytest.approx(1 / 65)
    assert found["benign_fpr"] == pytest.approx(2 / 20)
    assert found["event_recall"] == 1.0
    assert found["median_delay_s"] == 4.0
    assert found["false_episodes_per_hour"] == pytest.approx(3600 / 85)
    assert spans_of(fleet.times_s, kinds, events, ("fault",)) == (Span(40, 50, "x"),)


def test_a_rule_is_never_unsure_of_its_share() -> None:
    policy = RulePolicy("fallback", limits_ratio)
    from random import Random

    action = policy.decide(context(replace(GOOD, error_rate=0.1)), 0.0, Random(1)).action
    assert action.anomalous
    assert action.score == pytest.approx(2 / 3)
