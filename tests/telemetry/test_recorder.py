import subprocess
import sys
import threading

import pytest

from dwcp.errors import InputError, StorageError
from dwcp.telemetry import BackgroundWriter, IdentifierHasher, Recorder, Rule
from dwcp.telemetry.sinks import MemorySink

TIME = 1_767_225_600 * 10**9
HASHER = IdentifierHasher(bytes(32))


def link(number: int = 0) -> tuple:
    return "link", TIME + number, {"node_id": "a", "peer_id": "b", "rtt_ms": 1.0 + number}


class FlakySink(MemorySink):
    """Cannot write the first times."""

    def __init__(self, failures: int) -> None:
        super().__init__()
        self.failures = failures

    def write(self, kind, rows) -> None:
        if self.failures:
            self.failures -= 1
            raise StorageError("full")
        super().write(kind, rows)


def test_records_wait_until_the_flush() -> None:
    sink = MemorySink()
    recorder = Recorder(sink, HASHER)
    assert all(recorder.record(*link(number)) for number in range(5))
    assert recorder.stats().waiting == 5
    assert sink.rows("link") == []
    assert recorder.flush(now=7.0) == 5
    stats = recorder.stats()
    assert (stats.written, stats.waiting, stats.dropped, stats.last_flush_s) == (5, 0, 0, 7.0)
    assert [row["rtt_ms"] for row in sink.rows("link")] == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert {row["node_id"] for row in sink.rows("link")} == {HASHER.hash("a", "node")}


def test_a_full_queue_drops_and_counts() -> None:
    sink = MemorySink()
    recorder = Recorder(sink, HASHER, capacity=3)
    assert [recorder.record(*link(number)) for number in range(5)] == [True, True, True, False, False]
    assert recorder.stats().dropped == 2
    assert recorder.stats().waiting == 3
    recorder.flush(0.0)
    assert recorder.record(*link())
    assert len(sink.rows("link")) == 3


def test_refused_records_are_counted_by_rule_and_stop_nothing() -> None:
    sink = MemorySink()
    recorder = Recorder(sink, HASHER)
    kind, time, fields = link()
    recorder.record(kind, time, fields | {"content": "x"})
    recorder.record(kind, time, fields | {"region": b"x"})
    recorder.record(kind, time, fields | {"region": b"y"})
    recorder.record("letters", time, fields)
    recorder.record(kind, time, fields)
    assert recorder.flush(0.0) == 1
    assert recorder.stats().refused == {Rule.UNKNOWN_COLUMN: 1, Rule.TYPE: 2, Rule.UNKNOWN_KIND: 1}
    assert len(sink.rows("link")) == 1


def test_what_the_sink_cannot_take_is_kept_for_the_next_flush() -> None:
    sink = FlakySink(failures=1)
    recorder = Recorder(sink, HASHER, batch_rows=4)
    for number in range(10):
        recorder.record(*link(number))
    with pytest.raises(StorageError):
        recorder.flush(0.0)
    assert recorder.stats().waiting == 10
    assert recorder.stats().last_flush_s is None
    assert recorder.flush(1.0) == 10
    assert [row["rtt_ms"] for row in sink.rows("link")] == [1.0 + number for number in range(10)]
    assert recorder.stats().waiting == 0


def test_memory_stays_bounded_while_the_sink_fails() -> None:
    recorder = Recorder(FlakySink(failures=1000), HASHER, capacity=8, batch_rows=4)
    for number in range(100):
        recorder.record(*link(number))
        with pytest.raises(StorageError):
            recorder.flush(0.0)
    assert recorder.stats().waiting <= 8 + 4
    assert recorder.stats().dropped + recorder.stats().waiting == 100


def test_a_flush_does_not_chase_a_producer() -> None:
    class Echo(MemorySink):
        def write(self, kind, rows) -> None:
            super().write(kind, rows)
            recorder.record(*link())

    recorder = Recorder(Echo(), HASHER, batch_rows=1)
    recorder.record(*link())
    assert recorder.flush(0.0) == 1
    assert recorder.stats().waiting == 1


def test_many_threads_lose_nothing_uncounted() -> None:
    sink = MemorySink()
    recorder = Recorder(sink, HASHER, capacity=500)
    stop = threading.Event()

    def produce() -> None:
        for number in range(1000):
            recorder.record(*link(number))

    def flush() -> None:
        while not stop.is_set():
            recorder.flush(0.0)

    producers = [threading.Thread(target=produce) for _ in range(4)]
    flushers = [threading.Thread(target=flush) for _ in range(2)]
    for thread in (*producers, *flushers):
        thread.start()
    for thread in producers:
        thread.join()
    stop.set()
    for thread in flushers:
        thread.join()
    recorder.flush(0.0)
    stats = recorder.stats()
    assert stats.written == len(sink.rows("link"))
    assert stats.written + stats.dropped == 4000


@pytest.mark.parametrize("sizes", [{"capacity": 0}, {"batch_rows": 0}])
def test_sizes_must_be_positive(sizes: dict) -> None:
    with pytest.raises(InputError, match="at least 1"):
        Recorder(MemorySink(), HASHER, **sizes)


def test_the_background_writer_flushes_at_the_end() -> None:
    sink = MemorySink()
    recorder = Recorder(sink, HASHER)
    with BackgroundWriter(recorder, interval_s=3600, clock=lambda: 42.0) as writer:
        recorder.record(*link())
    assert len(sink.rows("link")) == 1
    assert recorder.stats().last_flush_s == 42.0
    assert writer.failures == 0


def test_the_background_writer_flushes_at_its_interval() -> None:
    written = threading.Event()

    class Telling(MemorySink):
        def write(self, kind, rows) -> None:
            super().write(kind, rows)
            written.set()

    recorder = Recorder(Telling(), HASHER)
    with BackgroundWriter(recorder, interval_s=0.001):
        recorder.record(*link())
        assert written.wait(10)


def test_the_background_writer_outlives_a_failing_sink() -> None:
    sink = FlakySink(failures=1)
    recorder = Recorder(sink, HASHER)
    recorder.record(*link())
    with BackgroundWriter(recorder, interval_s=3600) as writer:
        writer._flush()
    assert writer.failures == 1
    assert str(writer.last_error) == "full"
    assert len(sink.rows("link")) == 1


def test_the_data_path_loads_no_table_library() -> None:
    code = "import dwcp.telemetry, sys; sys.exit(len({'polars', 'pyarrow', 'numpy'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
