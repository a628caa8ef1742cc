import json

import numpy as np
import pytest

from dwcp.errors import InputError, SettingsError
from dwcp.safety.drift import (
    ColumnDrift,
    DriftLevel,
    DriftMonitor,
    DriftReport,
    DriftSettings,
    OutcomeDrift,
    Reference,
    Role,
    retraining_wanted,
    sketch,
    worst,
)

TOO_LITTLE, NONE, WATCH, DRIFT = DriftLevel
DAY_S = 86_400.0
LAME = {"type": "numeric", "rows": 1, "missing": 0, "edges": [1], "at_or_below": []}


def made(rows: int, rng, shift=0.0, scale=1.0, common=0.7, lost=0.0) -> dict[str, list]:
    size = rng.lognormal(10 + shift, scale, rows)
    size[rng.random(rows) < lost] = np.nan
    return {
        "size_bytes": size.tolist(),
        "rtt_ms": rng.normal(40, 5, rows).tolist(),
        "link": rng.choice(["wan", "dc", "edge"], rows, p=[common, 0.9 - common, 0.1]).tolist(),
    }


def monitor(rng, **settings) -> DriftMonitor:
    answers = {"level": rng.choice([1, 3, 9], 5000, p=[0.5, 0.3, 0.2]).tolist()}
    return DriftMonitor(sketch(made(5000, rng), answers), DriftSettings(**{"every": 1, **settings}))


def fed(watched: DriftMonitor, columns: dict[str, list], levels=None) -> DriftReport:
    rows = len(columns["size_bytes"])
    levels = levels or np.random.default_rng(9).choice([1, 3, 9], rows, p=[0.5, 0.3, 0.2]).tolist()
    for cells in zip(*columns.values(), levels, strict=True):
        watched.offer(dict(zip((*columns, "level"), cells, strict=True)))
    return watched.report(7.0)


def levels_of(report: DriftReport) -> dict[str, DriftLevel]:
    return {column.name: column.level for column in report.columns}


def test_rows_like_those_trained_on_are_no_drift():
    rng = np.random.default_rng(1)
    watched = monitor(rng)
    for _ in range(20):
        watched.clear()
        report = fed(watched, made(1000, rng))
        assert set(levels_of(report).values()) == {NONE}
    assert (report.level, report.when_s, report.outcome.level) == (NONE, 7.0, TOO_LITTLE)


@pytest.mark.parametrize(
    ("change", "column", "level"),
    [
        ({"shift": 0.35}, "size_bytes", WATCH),
        ({"shift": 1.0}, "size_bytes", DRIFT),
        ({"scale": 2.5}, "size_bytes", DRIFT),
        ({"lost": 0.3}, "size_bytes", DRIFT),
        ({"common": 0.5}, "link", WATCH),
        ({"common": 0.3}, "link", DRIFT),
    ],
)
def test_what_changes_is_told_and_nothing_else(change, column, level):
    rng = np.random.default_rng(2)
    found = levels_of(fed(monitor(rng), made(1000, rng, **change)))
    assert found.pop(column) is level
    assert set(found.values()) == {NONE}


def test_predictions_are_watched_as_inputs_are():
    rng = np.random.default_rng(3)
    report = fed(monitor(rng), made(1000, rng), [9] * 1000)
    assert (report.level_of(Role.PREDICTION), report.level_of(Role.INPUT)) == (DRIFT, NONE)


def test_too_few_rows_are_a_state_of_their_own_and_chance_is_no_drift():
    rng = np.random.default_rng(4)
    report = fed(monitor(rng), made(299, rng, shift=3.0))
    assert set(levels_of(report).values()) == {TOO_LITTLE}
    assert report.columns[0].line() == "input size_bytes: too_little_data (299 rows)"
    # Forty rows differ by a PSI of 0.1 and more by chance alone.
    watched, reports = monitor(rng, least_rows=40, rows=40), []
    for _ in range(40):
        watched.clear()
        reports.append(fed(watched, made(40, rng)))
    assert max(column.psi for report in reports for column in report.columns) > 0.25
    assert sum(report.level is not NONE for report in reports) <= 2


def test_a_million_rows_do_not_alarm_for_a_difference_nobody_would_notice():
    rng = np.random.default_rng(5)
    watched = DriftMonitor(
        sketch({"x": rng.normal(size=60_000).tolist()}), DriftSettings(every=1, rows=60_000)
    )
    for value in rng.normal(0.06, 1, 60_000).tolist():
        watched.offer({"x": value})
    [column] = watched.report(0.0).columns
    assert column.p_value < 1e-6
    assert column.level is NONE


def test_constant_and_empty_columns_have_their_say():
    reference = sketch({"version": [3.0] * 500, "never": [None] * 500})
    watched = DriftMonitor(reference, DriftSettings(every=1))
    for _ in range(500):
        watched.offer({"version": 3.0})
    assert set(levels_of(watched.report(0.0)).values()) == {NONE}
    for value in (2.0, 4.0):
        watched.clear()
        for _ in range(500):
            watched.offer({"version": value, "never": value})
        assert set(levels_of(watched.report(0.0)).values()) == {DRIFT}


def test_memory_is_bounded_and_every_nth_row_is_kept():
    rng = np.random.default_rng(6)
    watched = monitor(rng, every=7, rows=400)
    for number in range(7 * 1000):
        watched.offer({"rtt_ms": float(number % 7), "size_bytes": float(number)})
    report = watched.report(0.0)
    assert {column.rows for column in report.columns} == {400}
    saved = watched.snapshot()["rows"]["columns"]
    assert set(saved["rtt_ms"]) == {0.0}
    assert saved["size_bytes"][-1] == 7 * 999


def test_reference_and_state_survive_a_restart_as_json():
    rng = np.random.default_rng(7)
    watched = monitor(rng)
    for regret in rng.exponential(size=2000).tolist():
        watched.observe(regret)
    before = fed(watched, made(500, rng, shift=1.0, lost=0.1))
    text = watched.reference.as_json()
    assert len(text) < 10_000
    later = DriftMonitor(Reference.from_json(text, "manifest.json"), DriftSettings(every=1))
    later.restore(json.loads(json.dumps(watched.snapshot(), allow_nan=False)))
    assert later.report(7.0) == before
    with pytest.raises(InputError, match=r"manifest\.json is no reference for drift"):
        Reference.from_json(b'{"columns": {"a": {"type": "other"}}}', "manifest.json")
    with pytest.raises(InputError, match="column a has not as many shares as edges"):
        Reference.from_json(json.dumps({"columns": {"a": LAME}}).encode(), "manifest.json")
    regret = watched.snapshot()["regret"]
    rows, uneven = watched.snapshot()["rows"], {"columns": {"a": [1], "b": []}}
    for lacking in ({}, {"regret": regret}, {"rows": uneven, "regret": regret}, {"rows": rows, "regret": {}}):
        with pytest.raises(InputError, match="cannot be used"):
            later.restore(lacking)
    assert later.report(7.0) == before


def test_a_sketch_of_nothing_and_settings_that_cannot_be_are_refused():
    with pytest.raises(InputError, match="column a has no row"):
        sketch({"a": []})
    with pytest.raises(InputError, match="a is both an input and a prediction"):
        sketch({"a": [1]}, {"a": [1]})
    for change in ({"every": 0}, {"least_rows": 5000}, {"alpha": 1.0}, {"psi_watch": 0.5}):
        with pytest.raises(SettingsError):
            DriftSettings(**change)


def column(name: str, level: DriftLevel, role=Role.INPUT) -> ColumnDrift:
    return ColumnDrift(name, role, "numeric", level, 1000, 0.0, 0.3, 0.2, 0.001)


def report_of(*columns: ColumnDrift, outcome: DriftLevel = NONE) -> DriftReport:
    return DriftReport(0.0, columns, OutcomeDrift(outcome, 5000, 0.25, 0.1))


INPUTS = tuple(column(name, NONE) for name in "abcdefgh")


@pytest.mark.parametrize(
    ("report", "wanted", "why"),
    [
        (report_of(*INPUTS), False, "the worst level is none"),
        (report_of(*INPUTS, outcome=DRIFT), True, "the regret rose to a mean of 0.25"),
        (report_of(*INPUTS, column("x", DRIFT)), False, "the worst level is drift"),
        (report_of(*INPUTS[:3], column("x", DRIFT)), True, "1 of 4 inputs drifted: x"),
        (report_of(*INPUTS, column("y", DRIFT, Role.PREDICTION)), False, "the worst level is drift"),
        (
            report_of(*INPUTS, column("x", DRIFT), column("y", DRIFT, Role.PREDICTION)),
            True,
            "the predictions drifted with x",
        ),
    ],
)
def test_retraining_is_wanted_for_regret_for_predictions_with_inputs_or_for_many_inputs(report, wanted, why):
    found = retraining_wanted(report, 2 * DAY_S)
    assert found.wanted is wanted
    assert why in found.why
    young = retraining_wanted(report, 3600.0)
    assert not young.wanted
    assert ("only 1.0 h old" in young.why) is wanted


def test_levels_have_an_order():
    assert worst() is TOO_LITTLE
    assert worst(TOO_LITTLE, NONE) is NONE
    assert worst(DRIFT, WATCH, TOO_LITTLE) is DRIFT


def test_a_report_is_lines_and_json():
    rng = np.random.default_rng(8)
    report = fed(monitor(rng), made(1000, rng, shift=1.0))
    assert report.lines()[0].startswith("input size_bytes: drift (PSI ")
    assert report.lines()[-1] == "outcome regret: too_little_data (0 regrets, mean 0, score 0.00)"
    told = json.loads(json.dumps(report.as_json(), allow_nan=False))
    assert (told["level"], told["columns"][2]["ks"]) == ("drift", None)
