"""What the serving benchmark makes of what it reads: of wrk, of a server's metrics and hints, of /proc."""

import sys
from pathlib import Path

import numpy as np
import pytest

from dwcp.errors import InputError
from dwcp.safety.experiments import ExperimentBook, ExperimentState
from dwcp.safety.rollout import Rollout, Stage

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.pages.serving import hint, serving

pytest.importorskip("grpc")

from hint_fresh import spread
from hint_steering import begin_experiments, begin_rollout
from hint_timing import CannedGraph
from serving_bodies import hint_body, hint_requests
from serving_changes import failed, hints_of
from serving_client import LOST, Answer
from serving_load import Row, hints_by_reason, row, share_by_model
from serving_process import TICKS_PER_S, usage_of
from serving_wrk import Load, read_result

METRICS = """# HELP dwcp_ml_predictions_total Hints
dwcp_ml_predictions_total{choice="a",reason="MODEL",task="t",version="1.0.0"} 7.0
dwcp_ml_predictions_total{choice="b",reason="MODEL",task="t",version="1.0.0"} 2.0
dwcp_ml_predictions_total{choice="a",reason="FALLBACK_DEADLINE",task="t",version=""} 3.0
"""
RESULT = 'RESULT {"requests": 10, "seconds": 2.0, "p50_ms": 1.5, "p99_ms": 3, "refused": 1, "lost": 0}'
ENVIRONMENT = {"cpu": "a processor", "instruction_set": "x86_64", "python": "3.11"}


def test_wrk_is_read():
    found = read_result(f"Running 1s test\n{RESULT}\n")
    assert (found.requests, found.per_s, found.refused) == (10, 5.0, 1)
    with pytest.raises(InputError, match="unable to connect"):
        read_result("", "unable to connect")


def test_the_share_of_hints_that_a_model_gave():
    after = hints_by_reason(METRICS)
    assert after == {"MODEL": 9.0, "FALLBACK_DEADLINE": 3.0}
    assert share_by_model({"MODEL": 8.0}, after) == 0.25
    assert share_by_model(after, after) is None


def test_a_row_charges_the_server_for_each_answer():
    found = row("hint", "TCP", "wrk", 16, Load(200, 2.0, 1.0, 2.0, 1, 2), (0.1, 180.0))
    assert (found.per_s, found.errors, found.server_us, found.by_model) == (100.0, 3, 500.0, None)


def test_hints_are_read_from_answers():
    told = b'{"hint_id":"x","reason":"MODEL","model":{"version":"1.1.0"}}'
    answers = [
        Answer(1.0, 0.5, 200, told),
        Answer(1.0, 0.5, 200, b'{"hint_id":"y","reason":"ROLLOUT_CONTROL"}'),
        Answer(2.0, 0.5, 200, b'{"outputs":[]}'),
        Answer(2.0, 0.5, 503, b""),
        Answer(2.0, 0.5, LOST, b""),
    ]
    assert hints_of(answers) == [(1.5, "MODEL", "1.1.0"), (1.5, "ROLLOUT_CONTROL", "")]
    assert failed(answers) == 2


def test_the_time_and_memory_of_a_process(tmp_path):
    folder = tmp_path / "7"
    folder.mkdir()
    fields = ["S", *["0"] * 10, str(3 * TICKS_PER_S), str(TICKS_PER_S), "0"]
    (folder / "stat").write_text(f"7 (odd) name) {' '.join(fields)}\n")
    (folder / "status").write_text("Name: x\nVmRSS:\t  2000 kB\n")
    assert (usage_of(7, tmp_path).cpu_s, usage_of(7, tmp_path).resident_mb) == (4.0, 2.048)


def test_nine_models_are_the_largest_over_again():
    assert spread({"a": 3, "b": 9, "c": 5}, 5) == ["a", "b", "b", "c", "c"]


def test_each_unit_asks_for_itself():
    assert len(set(hint_requests(5))) == 5
    assert hint_body("link-1").body in hint_requests(2)[1]


def test_a_canned_graph_answers_one_or_all():
    graph = CannedGraph({"y": np.ones(4)})
    assert len(graph.run({"x": np.ones(4)})["y"]) == 4
    assert len(graph.prepare().run({"x": np.ones(1)})["y"]) == 1


def test_everything_is_on_in_the_home(tmp_path):
    begin_rollout(tmp_path, "compression", ("1.1.0", "1.0.0"), Stage.CANARY_5, 1e9)
    state = Rollout(tmp_path, "compression", takes_part=False).state
    assert state is not None
    assert state.regions["default"].stage is Stage.CANARY_5
    experiment = begin_experiments(tmp_path, "compression", "prefetch", "1.1.0", 1e9)
    arms = {experiment.arm(f"link-{number}") for number in range(200)}
    assert arms == {None, "champion", "1.1.0"}
    book = ExperimentBook(tmp_path)
    assert [record.state for record in map(book.record, book.names())] == [ExperimentState.RUNNING] * 2


def test_the_page_says_where_the_time_goes():
    rows = [
        Row("hint, REST", "TCP", "wrk", 16, 900.0, 1.0, 2.0, 0, 700.0, 190.0, 0.5),
        Row("bare: hint, REST", "TCP", "wrk", 16, 4000.0, 1.0, 2.0, 0, 100.0, 30.0),
        Row("hint", "in process", "own, Python", 0, 2000.0, 0.5, 1.0, 0, 400.0, 0.0),
    ]
    figures = _Zeros({"rows": [one.as_json() for one in rows], "remark": "", "hostile_refused": 200_000})
    page = "\n".join(serving({"figures": figures, "gates": [], "environment": ENVIRONMENT}))
    assert "| hint, REST | 16 | 700 | 100 | 400 | 200 |" in page
    assert "200,000 requests without a token" in page


def test_the_page_of_hints_has_off_beside_on():
    figures = _Zeros({"overhead_off_p50_us": 17.0, "overhead_on_p50_us": 19.0})
    data = {"nine_models": ["a", "b", "b"], "contexts": "examples"}
    page = "\n".join(hint({"figures": figures, "data": data, "gates": [], "environment": ENVIRONMENT}))
    assert "| asking alone, p50, µs | 17 | 19 |" in page
    assert "a 1, b 2" in page


class _Zeros(dict):
    """Figures that are 0 unless given."""

    def __missing__(self, name: str) -> float:
        return 0
