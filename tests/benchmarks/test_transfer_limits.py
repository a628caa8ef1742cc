"""What no transfer can beat."""

import json
import shutil
from pathlib import Path

import pytest
from benchmarks.transfer import limits, trees
from benchmarks.transfer.alone import alone, files_of
from benchmarks.transfer.limits import Oracle


def test_the_oracle_takes_the_cheapest_codec_of_each_piece(corpus: Path, tmp_path: Path) -> None:
    job = trees.first_copy(corpus, tmp_path / "job", 1.0)
    oracle = Oracle(tmp_path / "cache" / "oracle.json", workers=1)
    slow, fast = (oracle.first_copy(job, mbps, 0.0) for mbps in (1.0, 100_000.0))
    incompressible = 80_000 + 100_003
    assert incompressible < slow.stored_bytes < incompressible + 3000
    assert slow.seconds == pytest.approx(slow.stored_bytes * 8 / 1e6, rel=0.01)
    assert fast.stored_bytes >= slow.stored_bytes
    assert fast.seconds < slow.seconds
    assert oracle.first_copy(job, 1.0, 99.0).seconds == 99.0


def test_what_was_measured_is_not_measured_again(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = trees.first_copy(corpus, tmp_path / "job", 1.0)
    cache = tmp_path / "oracle.json"
    found = Oracle(cache, workers=1).first_copy(job, 10.0, 0.0)
    assert len(json.loads(cache.read_bytes())) == 4
    monkeypatch.setattr(limits, "_measure", None)
    assert Oracle(cache, workers=1).first_copy(job, 10.0, 0.0) == found


@pytest.mark.skipif(shutil.which("zstd") is None, reason="zstd is not installed")
def test_a_second_version_is_at_best_its_patch(corpus: Path, tmp_path: Path) -> None:
    job = trees.second_version(corpus, tmp_path / "job", 1.0)
    cache = tmp_path / "oracle.json"
    limit = Oracle(cache).second_version(job, 10.0, 0.0)
    assert limit.stored_bytes < 200
    assert limit.seconds == pytest.approx(limit.stored_bytes * 8 / 10e6)
    assert Oracle(cache).second_version(job, 10.0, 0.5).seconds == 0.5


def test_reading_and_writing_alone_takes_time(corpus: Path, tmp_path: Path) -> None:
    job = trees.second_version(corpus, tmp_path / "job", 1.0)
    assert [path.name for path in files_of(job)] == ["mem_heap_t2.bin"]
    first = trees.first_copy(corpus, tmp_path / "first", 1.0)
    assert len(files_of(first)) == 4
    times = alone(files_of(first))
    assert 0 < times.read_hash_s < 1
    assert 0 < times.write_s < 1
    assert 0 < times.both_s < 1
