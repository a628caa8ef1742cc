import json
import os
import sys

import pytest

from dwcp.cli import checks
from dwcp.cli.checks import examine

DAY_S = 86_400


def states(findings):
    return {finding.what: finding.state for finding in findings}


def test_a_fresh_home_is_healthy(run, home):
    done = run("doctor")
    assert done.status == 0
    assert "everything that is needed is in place" in done.out
    said = json.loads(run("doctor", "--json").out)
    assert said["healthy"]
    found = {one["what"]: one for one in said["findings"]}
    assert found["home"]["state"] == "ok"
    assert found["registry"]["state"] == "note"
    assert found["numpy"]["state"] == "ok"
    assert not home.exists()


def test_a_missing_extra_is_a_note_that_says_what_is_lost(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setattr(checks, "_importable", lambda module: module not in ("torch", "onnxruntime"))
    done = run("doctor")
    assert done.status == 0
    assert (
        "note    torch: not installed; pip install 'dwcp[train]': without it nothing is trained" in done.out
    )
    assert "without it no model is asked, the fallback answers" in done.out


def test_a_missing_library_is_broken(run, monkeypatch):
    monkeypatch.setattr(checks, "_importable", lambda module: module != "lz4")
    done = run("doctor")
    assert done.status == 1
    assert "BROKEN  lz4: not installed" in done.out
    assert "1 broken: lz4" in done.out


def test_what_is_not_installed_is_not_importable():
    assert checks._importable("json")
    assert not checks._importable("no_such_module")
    assert not checks._importable("no_such_package.inside")


def test_a_home_that_cannot_be_written_is_broken(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    assert states(examine(tmp_path / "file", tmp_path / "registry", 0.0))["home"] == "broken"
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert states(examine(tmp_path, tmp_path / "registry", 0.0))["home"] == "broken"


def test_little_space_is_a_note(tmp_path, monkeypatch):
    monkeypatch.setattr(checks, "_LITTLE_SPACE_BYTES", 1 << 62)
    assert states(examine(tmp_path, tmp_path / "registry", 0.0))["space"] == "note"


def test_an_old_python_is_broken(tmp_path, monkeypatch):
    monkeypatch.setattr(checks, "_OLDEST_PYTHON", (99, 0))
    assert states(examine(tmp_path, tmp_path / "registry", 0.0))["python"] == "broken"


def test_recorded_telemetry_is_counted(run, home):
    part = home / "telemetry" / "date=2026-01-31" / "kind=link" / "part-1-2-x.parquet"
    part.parent.mkdir(parents=True)
    part.write_bytes(bytes(100))
    assert "telemetry: 1 file, " in run("doctor").out


@pytest.mark.train
@pytest.mark.usefixtures("with_model")
class TestWithAModel:
    def test_models_are_verified_and_the_champion_has_an_age(self, run):
        done = run("doctor")
        assert done.status == 0
        assert "model compression 1.0.0: whole" in done.out
        assert "champion compression: 1.0.0, 0.0 days old" in done.out

    def test_an_old_champion_is_a_note(self, with_model, home):
        import time

        found = {f.what: f for f in examine(home, with_model, time.time() + 8 * DAY_S)}
        assert found["champion compression"].state == "note"
        assert "over a week" in found["champion compression"].detail

    def test_no_champion_is_a_note(self, run):
        run("models", "rollback", "compression", "--why", "x")
        assert "note    champion compression: none" in run("doctor").out

    def test_a_damaged_model_is_broken(self, with_model, run):
        (with_model / "compression" / "1.0.0" / "card.md").write_text("changed")
        done = run("doctor")
        assert done.status == 1
        assert "BROKEN  model compression 1.0.0" in done.out
        assert "card.md" in done.out

    def test_a_damaged_journal_is_broken(self, with_model, run):
        (with_model / "compression" / "journal.jsonl").write_text("{}\n{}\n{}\n")
        done = run("doctor")
        assert done.status == 1
        assert "BROKEN  registry" in done.out
