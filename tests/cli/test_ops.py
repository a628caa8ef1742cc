import json
import sys
from pathlib import Path

import pytest
import yaml


def test_alert_rules_are_written_and_named(run, tmp_path: Path) -> None:
    done = run("ops", "alerts", "--out", tmp_path / "new" / "folder")
    file = tmp_path / "new" / "folder" / "dwcp-alerts.yml"
    assert (done.status, done.out) == (0, f"{file}\n")
    assert yaml.safe_load(file.read_text())["groups"][0]["rules"]


def test_dashboards_are_written_as_json_says(run, tmp_path: Path) -> None:
    pytest.importorskip("grafana_foundation_sdk")
    done = run("ops", "dashboards", "--out", tmp_path, "--json")
    files = [Path(file) for file in json.loads(done.out)["files"]]
    assert len(files) == 3
    assert all(json.loads(file.read_text())["uid"] == file.stem for file in files)


def test_without_the_sdk_nothing_is_written(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "grafana_foundation_sdk.builders", None)
    done = run("ops", "dashboards", "--out", tmp_path / "boards")
    assert done.status == 1
    assert "pip install" in done.sentence
    assert not (tmp_path / "boards").exists()


def test_service_files_name_the_program(run, tmp_path: Path) -> None:
    done = run("ops", "systemd", "--out", tmp_path, "--program", "/opt/dwcp/bin/dwcp")
    assert done.status == 0
    assert "ExecStart=/opt/dwcp/bin/dwcp serve" in (tmp_path / "dwcp-serve.service").read_text()
    assert len(done.out.splitlines()) == len(list(tmp_path.glob("dwcp-*"))) == 4


def test_a_folder_that_cannot_be_made_is_one_sentence(run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for command in ("alerts", "systemd"):
        done = run("ops", command, "--out", tmp_path / "file")
        assert done.status == 2
        assert "is not a folder" in done.sentence
