import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dwcp.errors import InputError
from dwcp.evaluation.intervals import Bootstrap, Interval
from dwcp.evaluation.naive import ConstantPolicy
from dwcp.evaluation.oracle import OraclePolicy
from dwcp.evaluation.policy import Case
from dwcp.evaluation.replay import Replay, replay
from dwcp.evaluation.tables import Comparison, Metric, PolicyRow, compare, format_figure

HOW = Bootstrap(seed=0, resamples=200)
CASES = [Case(1.0, {"fast": 1.0 + i % 3, "small": 2.0 + (i * 7) % 5}, group=f"g{i % 4}") for i in range(24)]


def cost(context: float, outcome: float) -> float:
    return context * outcome


def replays() -> list[Replay[str]]:
    oracle: OraclePolicy[float, str, float] = OraclePolicy(cost)
    return [
        replay(CASES, policy, cost, 0) for policy in (oracle, ConstantPolicy("fast"), ConstantPolicy("small"))
    ]


def table() -> Comparison:
    return compare(replays(), "Codecs", "simulated", "s", HOW, over=["small"])


def test_the_oracle_has_no_regret_and_nobody_gains_more() -> None:
    rows = {row.policy: row.figures for row in table().rows}
    assert list(rows) == ["oracle", "fast", "small"]
    assert rows["oracle"]["mean_regret"] == Interval(0.0, 0.0, 0.0)
    gains = {name: figures["gain_over_small"] for name, figures in rows.items()}
    assert isinstance(gains["oracle"], Interval)
    assert isinstance(gains["fast"], Interval)
    assert gains["oracle"].estimate >= gains["fast"].estimate > 0
    assert gains["small"] == Interval(0.0, 0.0, 0.0)


def test_summary_and_interval_give_one_figure() -> None:
    figures = table().rows[1].figures
    for key in ("strict_accuracy", "within_5pct", "mean_regret"):
        figure = figures[key]
        assert isinstance(figure, Interval)
        assert figure.low <= figure.estimate <= figure.high


def test_json_is_strict_and_markdown_is_a_table() -> None:
    made = table()
    assert json.loads(made.to_json_bytes())["policies"]["fast"]["decisions"] == 24
    lines = made.to_markdown().splitlines()
    assert lines[0] == "**Codecs**"
    assert lines[-1] == "Data: simulated"
    body = [line for line in lines if line.startswith("|")]
    assert len(body) == 2 + 3
    assert {line.count("|") for line in body} == {len(made.metrics) + 2}


def test_columns_can_be_picked() -> None:
    picked = table().only("mean_regret", "total_cost")
    assert picked.header() == ["policy", "mean regret", "total cost"]
    assert picked.plain_rows()[0] == ["oracle", "0.00 % [0.00, 0.00]", picked.plain_rows()[0][2]]
    with pytest.raises(InputError, match="no column 'speed'"):
        table().only("speed")


def test_an_infinite_regret_is_shown_and_not_hidden() -> None:
    rows = [Case(1.0, {"fast": 0.0, "small": 1.0}, group) for group in "ab"]
    made = compare([replay(rows, ConstantPolicy("small"), cost, 0)], "t", "d", "s", HOW)
    assert made.to_json()["policies"] == json.loads(made.to_json_bytes())["policies"]
    assert made.only("mean_regret").plain_rows() == [["small", "∞ %"]]


def test_what_cannot_stand_side_by_side_is_refused() -> None:
    oracle, fast, _ = replays()
    with pytest.raises(InputError, match="one replay or more"):
        compare([], "t", "d", "s", HOW)
    with pytest.raises(InputError, match="its own name"):
        compare([fast, fast], "t", "d", "s", HOW)
    with pytest.raises(InputError, match="gain over 'zstd-3' takes its replay"):
        compare([fast], "t", "d", "s", HOW, over=["zstd-3"])
    with pytest.raises(InputError, match="same rows"):
        compare([oracle, replay(CASES[:-1], ConstantPolicy("fast"), cost, 0)], "t", "d", "s", HOW)


@pytest.mark.parametrize(
    ("figure", "metric", "text"),
    [
        (None, Metric("m", "m"), "–"),
        (0.98765, Metric("m", "m", "percent"), "98.8 %"),
        (0.01234, Metric("m", "m", "percent"), "1.23 %"),
        (Interval(0.5, 0.25, 0.75), Metric("m", "m", "percent"), "50.0 % [25.0, 75.0]"),
        (Interval(0.5, -math.inf, math.inf), Metric("m", "m"), "0.5"),
        (12345.6, Metric("m", "m", "number", "s"), "12,346 s"),
        (3.14159, Metric("m", "m", "number", "s"), "3.14 s"),
        (4812.0, Metric("m", "m", "count"), "4,812"),
        (math.nan, Metric("m", "m"), "–"),
    ],
)
def test_figures_as_text(figure: float | Interval | None, metric: Metric, text: str) -> None:
    assert format_figure(figure, metric) == text


@given(st.text(), st.text())
def test_no_name_breaks_the_markdown(policy: str, title: str) -> None:
    made = Comparison("t", "d", (Metric("m", title),), (PolicyRow(policy, {"m": 1.0}),))
    body = made.to_markdown().split("\n\n")[1].splitlines()
    assert len(body) == 3
    assert {line.replace("\\|", "").count("|") for line in body} == {3}
