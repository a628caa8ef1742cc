"""The benchmark as a user runs it: what it says, what it writes, how it ends."""

import json
import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from dwcp.evaluation import Gate

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "hde.py"


def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, SCRIPT, *map(str, arguments)],
        capture_output=True, text=True, check=False, timeout=120, env={**os.environ, **environment},
    )  # fmt: skip


@pytest.fixture
def versions(tmp_path: Path) -> tuple[Path, Path]:
    old, new = tmp_path / "old", tmp_path / "new"
    content = Random(1).randbytes(100_000)
    old.write_bytes(content)
    new.write_bytes(content[:50_000] + b"inserted" + content[50_000:])
    return old, new


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--corpus", "nowhere"), "there is no corpus at nowhere: give its folder"),
        (("--corpus", SCRIPT.parent), "holds no two versions"),
        (("--pair", "nowhere/a", "nowhere/b"), "nowhere/a cannot be read"),
        (("--rounds", "0"), "0 is not a number of rounds"),
    ],
)
def test_what_is_missing_is_said_in_one_sentence(arguments: tuple[object, ...], words: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_two_versions_are_measured_and_written_down(versions: tuple[Path, Path], tmp_path: Path) -> None:
    done = run("--pair", *versions, "--rounds", "1", "--results", tmp_path / "results", PATH="")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "exact_share: 1 (gate >= 1) met"
    assert "zstd -19 --patch-from is left out: zstd is not installed" in done.stdout
    assert "xdelta3 -9 is left out: xdelta3 is not installed" in done.stdout
    written = json.loads((tmp_path / "results" / "hde.json").read_text())
    assert written["figures"]["old -> new"]["hde-3"]["ratio"] > 100
    assert written["figures"]["old -> new"]["hde-3"]["exact"] is True
    assert written["data"]["new"]["bytes"] == 100_008
    assert written["environment"]["libraries"]["lz4"]


def test_a_corpus_without_the_gated_pair_is_short(versions: tuple[Path, Path], tmp_path: Path) -> None:
    for version, name in zip(versions, ("mem_heap_t1.bin", "mem_heap_t2.bin"), strict=True):
        version.rename(tmp_path / name)
    done = run("--rounds", "1", "--results", tmp_path, PATH="", DWCP_CORPUS=str(tmp_path))
    assert done.returncode == 1
    assert "source_ratio: missing (gate >= 50) short" in done.stdout


def test_a_report_that_cannot_be_written_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(SCRIPT.parent)
    from reporting import report

    gate = Gate("speed", 2.0, "at_least", "")
    (tmp_path / "file").write_text("in the way")
    assert report("speed", {"speed": 1.0}, "none", [gate.check(1.0)], 0.1, tmp_path) == 1
    assert capsys.readouterr().out == "speed: 1 (gate >= 2) short\n"
    assert report("speed", {"speed": 3.0}, "none", [gate.check(3.0)], 0.1, tmp_path) == 0
    assert report("speed", {}, "none", [], 0.1, tmp_path / "file") == 2
    assert "cannot be written" in capsys.readouterr().err
