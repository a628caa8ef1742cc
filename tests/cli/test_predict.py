import csv
import json
from datetime import UTC, datetime

import polars as pl
import pytest

from dwcp.cli.history import read_history
from dwcp.errors import InputError
from dwcp.tasks.bandwidth.contract import Step


@pytest.fixture
def wan(run, tmp_path):
    out = tmp_path / "wan.parquet"
    assert run("simulate", "links", "--kind", "wan", "--seconds", 120, "--out", out).status == 0
    return out


@pytest.fixture
def table(tmp_path):
    """Write a CSV file."""

    def write(text):
        file = tmp_path / "history.csv"
        file.write_text(text)
        return file

    return write


def test_a_simulated_link_is_forecast(run, wan):
    done = run("predict", "bandwidth", "--history", wan)
    assert done.status == 0
    assert "120 steps of 1 s, mode internet, by rules alone: no task 'bandwidth' in the registry" in done.out
    assert "mean of the next 5" in done.out
    assert "on this history:" in done.out


def test_json_holds_the_forecast_and_how_right_forecasts_were(run, wan):
    done = json.loads(run("predict", "bandwidth", "--history", wan, "--json").out)
    told = done["forecast"]["next_step"]
    assert 0 < told["low"] <= told["mid"] <= told["high"]
    assert done["forecast"]["notes"] == []
    assert done["step_s"] == 1.0
    assert 60 < done["accuracy"]["samples"] <= 119
    assert 0.5 < done["accuracy"]["within_20"] <= 1.0


def test_the_mode_can_be_set(run, wan):
    done = run("predict", "bandwidth", "--history", wan, "--mode", "datacenter", "--json")
    assert json.loads(done.out)["forecast"]["mode"] == "datacenter"


def test_throughputs_alone_are_enough_and_samples_are_written(run, table, tmp_path):
    file = table("throughput_mbps\n" + "".join(f"{90 + step % 7}\n" for step in range(40)))
    samples = tmp_path / "new" / "samples.csv"
    done = run("predict", "bandwidth", "--history", file, "--samples", samples)
    assert "39 samples: " in done.err
    assert "round trip" not in done.out
    with samples.open(newline="") as text:
        assert len(list(csv.DictReader(text))) == 39


def test_one_row_is_enough(run, table):
    done = run("predict", "bandwidth", "--history", table("throughput_mbps\n50\n"))
    assert done.status == 0
    assert "1 step of 1 s" in done.out
    assert "on this history" not in done.out


def test_what_makes_a_forecast_wide_is_told(run, table):
    file = table("throughput_mbps\n" + "100\n" * 30 + "nan\n" * 2)
    assert (
        "wider than usual: the latest steps were not measured"
        in run("predict", "bandwidth", "--history", file).out
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no CSV file with a header"),
        ("rate\n5\n", "no column throughput_mbps"),
        ("throughput_mbps\n", "holds no row"),
        ("throughput_mbps\n5\nfast\n", "throughput_mbps of row 2 is 'fast', not float64; mend it"),
        ("throughput_mbps,peer_id\n5,a\n6,b\n", "holds 2 series (peer_id)"),
        ("throughput_mbps,time_s\n5,1\n6,\n", "rows without time_s"),
        ("throughput_mbps,timestamp\n5,noon\n", "timestamp of row 1 is 'noon'"),
    ],
)
def test_a_bad_file_is_one_sentence(text, said, run, table):
    done = run("predict", "bandwidth", "--history", table(text))
    assert said in done.sentence
    assert done.status == 2


def test_a_file_that_is_not_there_a_folder_and_a_damaged_one(run, tmp_path):
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"PAR1 and no more")
    for file, said in (
        (tmp_path / "none.csv", "no such file"),
        (tmp_path, "is a directory"),
        (broken, "no Parquet file"),
    ):
        done = run("predict", "bandwidth", "--history", file)
        assert said in done.sentence
        assert done.status == 2


def test_words_that_make_no_sense(run, wan):
    done = run("predict", "bandwidth", "--history", wan, "--mode", "moon")
    assert "no mode 'moon'; there are auto, datacenter, internet, hybrid" in done.sentence
    done = run("predict", "bandwidth", "--history", wan, "--step-s", 5)
    assert "has steps of 1 s by its times, not of 5 s" in done.sentence


def test_rows_come_in_order_of_time_and_keep_all_that_was_measured(table):
    file = table(
        "time_s,throughput_mbps,rtt_ms,packet_loss,retransmits,congestion_window,app_limited,other\n"
        "20,2,,0.5,3,7.0,true,x\n10,1,4.5,,,,,y\n"
    )
    found = read_history(file)
    assert found.step_s == 10.0
    assert found.steps == (
        (10.0, Step(1.0, rtt_ms=4.5)),
        (20.0, Step(2.0, packet_loss=0.5, retransmits=3, congestion_window=7, app_limited=True)),
    )


def test_times_may_be_those_of_telemetry(tmp_path):
    began = datetime(2026, 1, 1, tzinfo=UTC)
    file = tmp_path / "t.parquet"
    for columns in (
        {"timestamp": [began, began.replace(second=2)]},
        {"epoch_time": [int(began.timestamp() * 1e9), int((began.timestamp() + 2) * 1e9)]},
    ):
        pl.DataFrame({"throughput_mbps": [1.0, 2.0], **columns}).write_parquet(file)
        found = read_history(file)
        assert found.step_s == 2.0
        assert found.steps[0][0] == pytest.approx(began.timestamp())


def test_a_file_without_times_has_the_steps_that_are_told(table):
    file = table("throughput_mbps\n1\n2\n")
    assert [end_s for end_s, _ in read_history(file, 5.0).steps] == [0.0, 5.0]
    assert read_history(file).step_s == 1.0


def test_a_column_of_another_type_is_refused(tmp_path):
    file = tmp_path / "t.parquet"
    pl.DataFrame({"throughput_mbps": [[1.0], [2.0]]}).write_parquet(file)
    with pytest.raises(InputError, match="not float64; convert it first"):
        read_history(file)
