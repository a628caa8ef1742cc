"""The benchmark as a user runs it, and what becomes of its results."""

import json
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from xml.etree import ElementTree

import benchmarks.pages.__main__ as page
import pytest
from benchmarks.transfer import tables
from benchmarks.transfer.__main__ import curves, main
from benchmarks.transfer.plan import USUAL, Kind
from benchmarks.transfer.plot import plot
from made_up import result, row

from dwcp.simulate import shaped_link

ROOT = Path(__file__).parents[2]
STEPS = [
    result(Kind.FIRST, 100, 2.0, row("dwcp", 2.1), row("tar | nc", 8.0), row("borg", 1.0, problem="a | b")),
    result(Kind.FIRST, None, 0.1, row("dwcp", 0.2), row("tar | nc", 0.3)),
    result(Kind.KNOWN, None, None, row("rsync", 3.0)),
]


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.transfer", *map(str, arguments)],
        capture_output=True, text=True, check=False, timeout=60, cwd=ROOT,
    )  # fmt: skip


def test_steps_are_listed() -> None:
    lines = run("--list").stdout.splitlines()
    assert len(lines) == len(USUAL)
    assert "100/20/1/cubic first copy" in lines


def test_a_missing_corpus_is_one_sentence() -> None:
    done = run("--corpus", "nowhere")
    assert done.returncode == 2
    assert done.stderr.startswith("bench-transfer: there is no corpus at nowhere")


def test_where_no_link_can_be_made_that_is_said(
    corpus: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shaped_link, "available", lambda: "network namespaces need root")
    assert main(["--corpus", str(corpus)]) == 2
    assert "no links can be made here: network namespaces need root" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [("--only", "nothing"), ("--only", "max/0/0/bbr first", "--peer", "nobody")]
)
def test_nothing_to_do_is_said(
    arguments: tuple[str, ...],
    corpus: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("benchmarks.transfer.__main__.needs", lambda: None)
    monkeypatch.setattr("benchmarks.transfer.links.Point.open", lambda _: nullcontext())
    monkeypatch.setattr("benchmarks.transfer.links.check", lambda *_: None)
    monkeypatch.setattr("benchmarks.transfer.ours.missing", lambda: "it is not there")
    assert main(["--corpus", str(corpus), *arguments]) == 2
    assert "name holds" in capsys.readouterr().err


def test_a_table_shows_the_quickest_first(capsys: pytest.CaptureFixture[str]) -> None:
    tables.show(STEPS[0])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in lines[-3:]] == ["dwcp", "tar | nc", "borg"]
    assert "1.05" in lines[-3]


def test_a_page_is_made_of_what_was_written(tmp_path: Path) -> None:
    written = {
        "figures": {
            "steps": [tables.as_json(step) for step in STEPS],
            "short": ["somewhere it is slow"],
            "left_out": [],
            "limits": {"first_copy": "What it is."},
            "remarks": {"borg": "keeps a repository"},
        },
        "gates": [],
        "environment": {"cpu": "CPU", "instruction_set": "avx", "python": "3.11"},
    }
    (tmp_path / "transfer.json").write_text(json.dumps(written))
    text = page.filled("<!-- results:transfer -->\n<!-- /results:transfer -->\n", tmp_path)
    head = "100 Mbit/s, RTT 0 ms, loss 0.0 %, bbr"
    assert f"| {head} | first copy | 2.000 | 2.100 | 1.05 | tar \\| nc | 8.000 |" in text
    assert "known blocks | – | – | – | rsync | 3.000 |" in text
    assert f"### {head}: first copy" in text
    assert "| borg: a \\| b | – |" in text
    assert "- somewhere it is slow" in text
    assert "Left out" not in text


def test_curves_are_drawn_well_formed() -> None:
    found = curves(STEPS)
    assert found["dwcp"] == [(100, 1.05), (9000.0, 2.0)]
    drawing = ElementTree.fromstring(plot("A & B", found))
    texts = ["".join(text.itertext()) for text in drawing.iter("{http://www.w3.org/2000/svg}text")]
    assert "A & B" in texts
    assert "tar | nc" in texts
    assert "rsync" not in texts


def test_without_points_there_is_an_empty_drawing() -> None:
    ElementTree.fromstring(plot("nothing", {"dwcp": []}))
