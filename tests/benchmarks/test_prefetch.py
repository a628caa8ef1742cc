"""The prefetch benchmark, on small made-up traces under the published names."""

import gzip
import json
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import prefetch
import prefetch_runs
import prefetch_traces


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    traces = tmp_path / "access"
    traces.mkdir()
    for name in ("caffeine_lirs_gli.trace.gz", "caffeine_lirs_cpp.trace.gz"):
        text = "".join(f"{number // 2 % 120}\n" for number in range(2000))
        (traces / name).write_bytes(gzip.compress(text.encode()))
    cold = np.random.default_rng(1).integers(1 << 60, size=1500).astype(">u8")
    (traces / "caffeine_corda_trace_vaultservice.gz").write_bytes(gzip.compress(cold.tobytes()))
    return traces


def test_it_writes_figures_and_gates(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prefetch, "SIMULATED", ())
    monkeypatch.setattr(prefetch, "run_all", lambda work, items: [work(item) for item in items])
    words = ["--data", str(folder), "--results", str(tmp_path), "--no-lstm", "--accesses", "1500"]
    assert prefetch.main(words) in (0, 1)
    written = json.loads((tmp_path / "prefetch.json").read_text())
    assert written["figures"]["held_out"] == ["corda", "gli"]
    gates = {gate["metric"]: gate for gate in written["gates"]}
    assert gates["cold_spoke_share"]["figure"] == 0.0
    assert gates["held_out_relative_gain"]["met"]
    assert "gli (held out)" in capsys.readouterr().out


@pytest.mark.train
def test_the_network_stands_beside_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefetch_runs, "TRAINING_ROWS", 200)
    monkeypatch.setattr(prefetch_runs, "EPOCHS", 1)
    found = prefetch_runs.run_trace("loop", prefetch_traces.simulated("loop", 1000), with_network=True)
    assert {one.policy for one in found.figures} >= {"lstm", "lstm-ungated", "hybrid", "none"}
    assert len(found.of("hybrid")) == len(prefetch_runs.CACHE_SHARES)


def test_a_folder_that_is_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DWCP_ACCESS", raising=False)
    assert prefetch.main(["--data", str(tmp_path / "none")]) == 2
    assert "there are no traces at" in capsys.readouterr().err
    assert prefetch.main(["--data", str(tmp_path)]) == 2
    assert "holds none of the traces" in capsys.readouterr().err


def test_numbers_by_first_appearance_are_no_places(tmp_path: Path) -> None:
    (tmp_path / "trace").write_bytes(np.arange(5, dtype="<u4").tobytes())
    made = [
        prefetch_traces.Trace("made up", "trace", prefetch_traces.AccessFormat.UINT32_LITTLE, places, True)
        for places in (True, False)
    ]
    with pytest.raises(prefetch_traces.InputError, match="names, not places"):
        prefetch_traces.load(made[0], tmp_path, 10)
    assert [read.block for read in prefetch_traces.load(made[1], tmp_path, 10)] == ["0", "1", "2", "3", "4"]


def test_one_side_holds_each_source() -> None:
    sides = {trace.name: trace.held_out for trace in prefetch_traces.TRACES}
    for family in (("cpp", "cs", "ps", "multi1", "multi2"), ("w106", "cloudPhysicsIO")):
        assert len({sides[name] for name in family}) == 1
