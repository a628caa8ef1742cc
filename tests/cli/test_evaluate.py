import json
import shutil

import pytest

from dwcp.tasks.compression.examples import simulated_blocks
from dwcp.tasks.compression.table import write_table

pytestmark = pytest.mark.train
TASK = "compression"


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    import numpy as np

    path = tmp_path_factory.mktemp("other") / "other.parquet"
    write_table(simulated_blocks(30, np.random.default_rng(77)), path)
    return path


def test_model_rules_and_oracle_stand_side_by_side_with_reports(with_model, other, run, home):
    done = run("evaluate", TASK, "--data", other, "--json")
    said = json.loads(done.out)
    policies = said["comparison"]["policies"]
    assert {"selector", "fallback", "zstd-3", "none", "oracle"} <= set(policies)
    assert policies["oracle"]["mean_regret"]["estimate"] == 0
    assert policies["selector"]["within_5pct"]["low"] <= policies["selector"]["within_5pct"]["estimate"]
    assert said["data"] == "30 recorded cases of other.parquet"
    assert [gate["metric"] for gate in said["gates"]][:2] == ["mean_regret", "within_5pct"]
    assert done.status == (0 if said["gates_met"] else 3)
    folder = home / "evaluation" / TASK
    assert json.loads((folder / "evaluation_report.json").read_text())["model"]["version"] == "1.0.0"
    assert "| selector |" in (folder / "evaluation_report.md").read_text()
    page = (folder / "report.html").read_text()
    assert page.startswith("<!doctype html>")
    assert page.count("<svg") >= 2


def test_the_status_follows_the_gates(with_model, other, run, monkeypatch):
    from dwcp.tasks.compression.task import CompressionTask

    monkeypatch.setattr(CompressionTask, "gates", ())
    assert run("evaluate", TASK, "--data", other).status == 0
    from dwcp.evaluation import Gate

    monkeypatch.setattr(CompressionTask, "gates", (Gate("mean_regret", -1.0, "at_most", "cannot be"),))
    done = run("evaluate", TASK, "--data", other)
    assert done.status == 3
    assert "gate mean_regret" in done.out
    assert "short" in done.out


def test_rows_it_was_trained_on_do_not_count(with_model, simulated, run):
    said = json.loads(run("evaluate", TASK, "--data", simulated, "--json").out)
    assert "held-out of 120 recorded cases" in said["data"]
    assert said["comparison"]["policies"]["selector"]["decisions"] < 14 * 120
    report = json.loads((with_model / TASK / "1.0.0" / "report.json").read_text())
    trained = report["metrics"]["selector"]
    assert said["metrics"] == pytest.approx({name: trained[name] for name in said["metrics"]})


def test_simulated_examples_are_said(with_model, run):
    done = run("evaluate", TASK, "--examples", 20)
    assert "judging on 20 simulated examples" in done.err
    assert "simulated cases, seed 42" in done.out


def test_no_model_is_one_sentence(other, run):
    done = run("evaluate", TASK, "--data", other)
    assert "no task 'compression' in the registry" in done.sentence
    assert done.status == 1


def test_a_task_or_version_that_is_not_there_is_one_sentence(with_model, other, run):
    done = run("evaluate", "nothing", "--data", other)
    assert "no task 'nothing'" in done.sentence
    assert done.status == 2
    done = run("evaluate", TASK, "--data", other, "--model", "7.7.7")
    assert "has no '7.7.7'" in done.sentence
    assert done.status == 1


def test_a_table_that_cannot_be_read_is_one_sentence(with_model, other, run, tmp_path):
    cut = tmp_path / "cut.parquet"
    cut.write_bytes(other.read_bytes()[:-100])
    assert run("evaluate", TASK, "--data", cut).status == 2
    done = run("evaluate", TASK, "--data", tmp_path / "none")
    assert "none cannot be read" in done.sentence
    assert done.status == 2


def test_a_model_for_other_inputs_is_one_sentence(with_model, other, run, monkeypatch):
    from dwcp.features.spec import InputSpec

    monkeypatch.setattr(InputSpec, "fingerprint", "0123456789abcdef")
    done = run("evaluate", TASK, "--data", other)
    assert "was made for inputs with fingerprint" in done.sentence
    assert done.status == 1


def test_a_full_disk_leaves_the_former_reports(with_model, other, run, tmp_path, monkeypatch):
    out = tmp_path / "out"
    run("evaluate", TASK, "--data", other, "--out", out)
    former = {path.name: path.read_bytes() for path in out.iterdir()}

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("dwcp.evaluation.files._write_through", full)
    done = run("evaluate", TASK, "--data", other, "--out", out)
    assert "the disk is full" in done.sentence
    assert done.status == 1
    assert {path.name: path.read_bytes() for path in out.iterdir()} == former


def test_reports_go_where_they_are_told(with_model, other, run, tmp_path):
    run("evaluate", TASK, "--data", other, "--out", tmp_path / "here")
    assert {path.name for path in (tmp_path / "here").iterdir()} == {
        "evaluation_report.json",
        "evaluation_report.md",
        "report.html",
    }
    shutil.rmtree(tmp_path / "here")
    (tmp_path / "here").write_text("in the way")
    done = run("evaluate", TASK, "--data", other, "--out", tmp_path / "here")
    assert "is not a folder" in done.sentence
