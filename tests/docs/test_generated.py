"""What is written by a program is what the program would write now."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from doc_pages import ROOT

from dwcp.cli import reference

ROW = {
    "policy": "selector", "point": "pipelined 10 Mbit/s", "decisions": 1200, "strict": 0.5,
    "within_5pct": 0.875, "mean_regret": 0.011, "p99_regret": 0.1, "asking_share": 0.001,
    "gain_over_zstd_3": 0.25, "gain_over_best_fixed": -0.125, "gain_over_fallback": 0.0,
}  # fmt: skip
OVERALL = {
    "strict": 0.5,
    "within_5pct": 0.875,
    "mean_regret": 0.011,
    "p99_regret": 0.1,
    "macro_f1_beyond_noise": 0.9,
}
COMPRESSION = {
    "figures": {
        "blocks": [ROW, ROW | {"policy": "fallback"}],
        "runs": [ROW],
        "overall": {
            **dict.fromkeys(("selector", "selector, runs", "odd one"), OVERALL),
            **dict.fromkeys(("fallback", "zstd-3"), OVERALL | {"mean_regret": 2.0}),
        },
        "oracle_agreement": {ROW["point"]: {"strict": 0.9, "within_5pct": 0.99, "mean_regret": 0.002}},
        "families": {
            "logs.txt": {
                f"{policy}_{figure}": 0.5
                for policy in ("selector", "fallback")
                for figure in ("within_5pct", "mean_regret")
            }
        },
    },
    "data": {
        "corpus": {"a": {"bytes": 3_000_000}}, "blocks": 12, "block_bytes": 262144,
        "training_blocks_of_this_machine": 5,
    },
    "gates": [
        {"metric": "good", "limit": 0.5, "direction": "at_least", "meaning": "m", "figure": 0.6, "met": 1},
        {"metric": "bad", "limit": 0.01, "direction": "at_most", "meaning": "m", "figure": 0.2, "met": 0},
        {"metric": "gone", "limit": 0.01, "direction": "at_most", "meaning": "m", "figure": None, "met": 0},
    ],
    "environment": {"cpu": "CPU", "instruction_set": "x86_64-avx2", "python": "3.11"},
}  # fmt: skip


def test_the_reference_is_fresh() -> None:
    assert reference.main(["--check", str(ROOT / "docs" / "reference")]) == 0


def page_tool(mode: str, root: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks.pages", mode]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, cwd=root)


def test_the_results_are_fresh() -> None:
    done = page_tool("--check")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The pages and the tool, without any result."""
    (tmp_path / "benchmarks" / "results").mkdir(parents=True)
    (tmp_path / "docs").mkdir()
    for name in ("README.md", "docs/results.md"):
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "benchmarks" / "pages", tmp_path / "benchmarks" / "pages")
    return tmp_path


def write(copy: Path, name: str, result: object) -> None:
    (copy / "benchmarks" / "results" / f"{name}.json").write_text(json.dumps(result))


def read(copy: Path) -> str:
    return "".join((copy / name).read_text() for name in ("README.md", "docs/results.md"))


def test_a_benchmark_that_was_not_run_is_named_with_its_target(copy: Path) -> None:
    assert page_tool("--write", copy).returncode == 0
    text = read(copy)
    assert all(f"`make bench-{name}` measures it" in text for name in ("compression", "hde", "hint"))
    assert page_tool("--check", copy).returncode == 0


def test_figures_stand_beside_rules_and_limit_and_short_gates_are_said(copy: Path) -> None:
    write(copy, "compression", COMPRESSION)
    assert page_tool("--write", copy).returncode == 0
    text = read(copy)
    assert "12 blocks of 256 KiB from 1 real files (3 MB" in text
    assert "| **the selector**, asked for every block | 50.0 % | 87.5 % | 1.1 % | 10.0 % |" in text
    assert "takes 1.1 % longer than the best possible one" in text
    assert "the fallback's takes 200 % longer, always zstd-3 200 %. Of the 3 gates" in text
    assert "| pipelined, 10 Mbit/s | 1,200 |" in text
    assert "held against another run | 90.0 % | 99.0 % | 0.2 % | – |" in text
    assert "| compared with | 10 Mbit/s |\n| --- | ---: |\n| zstd-3 | 25.0 % |" in text
    assert "| the best fixed codec of the link | -12.5 % |" in text
    assert "Gates, 1 of 3 met:" in text
    assert "- `good` 0.6 (gate ≥ 0.5): met; m" in text
    assert "- `bad` 0.2 (gate ≤ 0.01): **short**; m" in text
    assert "- `gone` missing (gate ≤ 0.01): **short**; m" in text


def test_a_new_result_makes_a_page_stale_until_it_is_written(copy: Path) -> None:
    page_tool("--write", copy)
    write(copy, "compression", COMPRESSION)
    done = page_tool("--check", copy)
    assert done.returncode == 1
    assert "README.md is stale" in done.stderr
    assert "results.md is stale" in done.stderr
    page_tool("--write", copy)
    assert page_tool("--check", copy).returncode == 0


@pytest.mark.parametrize("result", [{}, [], {"figures": {}}, COMPRESSION | {"gates": [{}]}])
def test_a_result_of_another_shape_is_one_sentence(copy: Path, result: object) -> None:
    write(copy, "compression", result)
    done = page_tool("--write", copy)
    assert done.returncode == 2
    assert "compression.json is not as its benchmark writes it" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_marker_of_no_section_is_one_sentence(copy: Path) -> None:
    page = copy / "README.md"
    page.write_text(page.read_text() + "<!-- results:nonsense -->\n<!-- /results:nonsense -->\n")
    done = page_tool("--check", copy)
    assert done.returncode == 2
    assert "no section 'nonsense'" in done.stderr
