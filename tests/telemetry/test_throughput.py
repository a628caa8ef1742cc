import gzip

import numpy as np
import pytest

from dwcp.errors import InputError
from dwcp.telemetry.sources.throughput import read_throughput


def written(folder, *rows: str, name: str = "traces.csv"):
    path = folder / name
    text = "\n".join(rows)
    if name.endswith(".gz"):
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
    return path


@pytest.mark.parametrize("name", ["traces.csv", "traces.csv.gz"])
def test_traces_are_read_in_order(tmp_path, name: str) -> None:
    rows = ["trace,t_s,tput_mbps,rtt_ms,rttvar_ms,loss,retrans,cwnd_kb", "b,0,10,20,1,0.1,3,146", "b,1,,,,,,"]
    first, second = read_throughput(written(tmp_path, *rows, "a,5,7,,,,,", name=name))
    assert (first.name, second.name) == ("b", "a")
    assert len(first) == 2
    assert first.throughput_mbps[0] == 10
    assert np.isnan(first.throughput_mbps[1])
    assert (first.rtt_ms[0], first.jitter_ms[0], first.packet_loss[0], first.retransmits[0]) == (
        20,
        1,
        0.1,
        3,
    )
    assert first.congestion_window[0] == pytest.approx(100)
    assert (second.start_s, second.step_s) == (5, 1)
    assert np.isnan(second.rtt_ms).all()


def test_gaps_begin_a_new_stretch_and_time_only_goes_forward(tmp_path) -> None:
    times = [0, 1, 2, 1, 2, 3, 10, 11, 12]
    rows = [f"a,{time},{place}" for place, time in enumerate(times)]
    before, after = read_throughput(written(tmp_path, "trace,t_s,tput_mbps", *rows))
    assert before.throughput_mbps.tolist() == [0, 1, 2, 5]
    assert (after.start_s, after.throughput_mbps.tolist()) == (10, [6, 7, 8])


def test_a_start_since_1970_is_added(tmp_path) -> None:
    rows = ["trace,start_epoch,t_s,tput_mbps", "a,1628678172,0,5", "a,1628678172,1,6"]
    assert read_throughput(written(tmp_path, *rows))[0].start_s == 1628678172


def test_a_trace_without_throughput_is_left_out(tmp_path) -> None:
    found = read_throughput(written(tmp_path, "trace,t_s,tput_mbps", "a,0,", "a,1,", "b,0,1"))
    assert [stretch.name for stretch in found] == ["b"]


def test_what_is_no_such_table_is_refused(tmp_path) -> None:
    with pytest.raises(InputError, match="no column 't_s'"):
        read_throughput(written(tmp_path, "trace,tput_mbps", "a,1"))
    with pytest.raises(InputError, match="cannot be read"):
        read_throughput(tmp_path / "nothing.csv")
