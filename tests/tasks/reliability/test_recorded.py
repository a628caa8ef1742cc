from pathlib import Path

import polars as pl
import pytest

from dwcp.errors import InputError, SchemaError
from dwcp.tasks.reliability.contract import FINE, METRICS
from dwcp.tasks.reliability.task import TASK

SECOND_NS = 1_000_000_000


def table(labelled: bool = True) -> pl.DataFrame:
    """Two nodes for 40 seconds, ``b`` 10 ms later each time; one incident at ``a``."""
    rows = []
    for second in range(40):
        for node in ("a", "b"):
            bad = node == "a" and 20 <= second < 25
            rows.append(
                {
                    "node_id": node,
                    "epoch_time": second * SECOND_NS + (10_000_000 if node == "b" else 0),
                    **dict.fromkeys(METRICS, 0.5 if bad else 0.1),
                    "is_anomaly": bad if labelled else None,
                    "incident_id": "i-1" if bad else None,
                }
            )
    return pl.DataFrame(rows, schema_overrides={"is_anomaly": pl.Boolean, "incident_id": pl.String})


def test_records_become_cases_with_the_others_as_peers(tmp_path: Path) -> None:
    table().sample(fraction=1.0, shuffle=True, seed=1).write_parquet(tmp_path / "t.parquet")
    cases = TASK.cases(tmp_path / "t.parquet")
    assert len(cases) == 80
    assert len({case.group for case in cases}) == 2
    faults = [case for case in cases if case.outcomes[FINE].kind == "fault"]
    assert [case.time_s for case in faults] == [20.0, 21.0, 22.0, 23.0, 24.0]
    assert {case.outcomes[FINE].event for case in faults} == {"i-1"}
    assert faults[0].context.steps[-1].error_rate == 0.5
    assert faults[0].context.peers[-1].error_rate == 0.1


def test_what_is_no_such_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        TASK.cases(tmp_path / "none.parquet")
    (tmp_path / "text.parquet").write_text("no")
    with pytest.raises(SchemaError, match="not a whole Parquet file"):
        TASK.cases(tmp_path / "text.parquet")
    table().drop("disk_io").write_parquet(tmp_path / "lacks.parquet")
    with pytest.raises(SchemaError, match="lacks column 'disk_io'"):
        TASK.cases(tmp_path / "lacks.parquet")
    table(labelled=False).write_parquet(tmp_path / "bare.parquet")
    with pytest.raises(SchemaError, match="no labelled row"):
        TASK.cases(tmp_path / "bare.parquet")
