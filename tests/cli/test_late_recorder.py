"""Telemetry is written of what lasts, with what came before that was known."""

import pytest

from dwcp.cli.late_recorder import LateRecorder

EPOCH_NS = 1_790_000_000 * 10**9
HOST = {"node_id": "here", "cpu_usage": 0.125}


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


def files(home):
    return list((home / "telemetry").rglob("*.parquet"))


def test_of_short_work_nothing_is_written(tmp_path, clock):
    recorder = LateRecorder(tmp_path, clock)
    assert recorder.record("host", EPOCH_NS, HOST)
    clock.now = 9.9
    assert recorder.record("host", EPOCH_NS + 1, HOST)
    recorder.close()
    assert list(tmp_path.iterdir()) == []


def test_of_long_work_everything_is(tmp_path, clock):
    polars = pytest.importorskip("polars")
    recorder = LateRecorder(tmp_path, clock)
    for second in range(15):
        clock.now = float(second)
        recorder.record("host", EPOCH_NS + second, HOST)
    recorder.close()
    assert recorder.error is None
    (file,) = files(tmp_path)
    assert polars.read_parquet(file)["epoch_time"].to_list() == [EPOCH_NS + second for second in range(15)]


def test_in_a_hurry_nothing_is_loaded(tmp_path, clock, monkeypatch):
    loaded = []
    monkeypatch.setattr("dwcp.telemetry.sinks.ParquetSink", loaded.append)
    recorder = LateRecorder(tmp_path, clock)
    clock.now = 20.0
    recorder.record("host", EPOCH_NS, HOST)
    recorder.close(hurried=True)
    assert loaded == []


def test_what_cannot_be_written_is_told_and_stops_nothing(tmp_path, clock):
    (tmp_path / "telemetry.key").mkdir()
    recorder = LateRecorder(tmp_path, clock)
    clock.now = 20.0
    assert recorder.record("host", EPOCH_NS, HOST)
    assert recorder.record("host", EPOCH_NS + 1, HOST)
    recorder.close()
    assert "telemetry.key" in str(recorder.error)
