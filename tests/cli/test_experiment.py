import json
import random
from pathlib import Path

import polars as pl
import pytest

from dwcp.safety.experiments import ExperimentBook

START = ("experiment", "start", "codec", "--arm", "control", "--arm", "new", "--metric", "regret")


def rows(new: float = 0.5, units: int = 600, seed: int = 1) -> list[dict]:
    rng = random.Random(seed)
    made = []
    for number in range(units):
        arm = ("control", "new")[number % 2]
        regret = rng.gauss(new if arm == "new" else 1.0, 1)
        made.append({"unit": f"u{number}", "arm": arm, "regret": regret, "ok": rng.random() < 0.9})
    return made


def table(folder: Path, suffix: str, content: list[dict]) -> Path:
    file, frame = folder / f"outcomes.{suffix}", pl.DataFrame(content)
    {"csv": frame.write_csv, "parquet": frame.write_parquet, "jsonl": frame.write_ndjson}[suffix](file)
    return file


def log(home: Path, new: float, units: int = 2000) -> None:
    book = ExperimentBook(home)
    experiment, log = book.record("codec").experiment(), book.log("codec")
    rng = random.Random(2)
    for number in range(units):
        arm = experiment.arm(f"link-{number}")
        if arm:
            log.expose(f"link-{number}", arm, 1.8e9 + number)
            log.outcome(
                f"link-{number}", {"regret": rng.gauss(new if arm == "new" else 1.0, 1)}, 1.8e9 + number
            )
    log.flush()


def test_a_life_from_start_to_conclusion(run, home):
    done = run(*START, "--traffic", "0.5", "--why", "smaller blocks?")
    assert (done.status, done.out) == (0, "codec: running, traffic 50%, arms control 50%, new 50%\n")
    log(home, new=0.4)
    assert run("experiment", "start", "codec", "--traffic", "0.8", "--json").status == 0
    log(home, new=0.4)
    done = run("experiment", "status", "codec")
    assert done.status == 0
    assert "codec: running, traffic 80%" in done.out
    assert "2027-01-15" in done.out
    assert "recommendation: rollout: new is better by regret -0." in done.out
    assert run("experiment", "stop", "codec", "--why", "enough").out.startswith("codec: stopped, traffic 80%")
    assert "running, traffic 80%" in run("experiment", "start", "codec").out
    done = run("experiment", "stop", "codec", "--why", "rolled out", "--conclude", "--json")
    told = json.loads(done.out)
    assert (told["state"], len(told["journal"]), told["plan"]["why"]) == ("concluded", 5, "smaller blocks?")
    assert "codec is concluded and cannot be started" in run("experiment", "start", "codec").sentence
    assert "concluded" in run("experiment", "list").out
    assert json.loads(run("experiment", "list", "--json").out)[0]["state"] == "concluded"


def test_status_as_json_and_what_a_torn_log_costs(run, home):
    run(*START)
    log(home, new=1.0)
    file = home / "experiments" / "codec" / "outcomes.jsonl"
    file.write_bytes(file.read_bytes()[:-9])
    log(home, new=1.0, units=1)
    done = run("experiment", "status", "codec", "--json")
    told = json.loads(done.out)
    assert (done.status, told["bad_lines"], told["state"]) == (0, 1, "running")
    assert told["analysis"]["recommendation"]["verdict"] == "continue"
    assert len(told["analysis"]["arms"][0]["primary"]["looks"]) > 8
    assert "1 line of the log could not be used" in done.err


def test_nothing_observed_yet_is_too_little_data(run):
    assert "no experiment in" in run("experiment", "list").out
    run(*START)
    done = run("experiment", "status", "codec")
    assert done.status == 0
    assert "recommendation: continue: new has too little data on regret" in done.out


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl"])
def test_a_table_is_analysed_without_an_experiment(suffix, run, tmp_path):
    file = table(tmp_path, suffix, rows())
    words = ("experiment", "analyze", file, "--metric", "regret", "--guardrail", "ok:0.2:proportion:higher")
    done = run(*words, "--json")
    told = json.loads(done.out)
    assert (told["control"], told["recommendation"]["verdict"]) == ("control", "rollout")
    assert told["arms"][0]["guardrails"][0]["standing"] == "kept"
    assert "ok (guardrail 0.2)" in run(*words).out


def test_a_table_of_a_registered_experiment_and_one_that_cannot_be_trusted(run, tmp_path):
    run(*START)
    uneven = [row for row in rows(units=2000) if row["arm"] == "new" or row["unit"][-1] in "02"]
    file = table(tmp_path, "csv", uneven)
    done = run("experiment", "analyze", file, "--experiment", "codec")
    assert done.status == 3
    assert "it can't be trusted: the arms have other shares" in done.out
    words = ("experiment", "analyze", file, "--metric", "regret")
    assert run(*words, "--arm", "control=2", "--arm", "new=5").status == 0


def test_what_cannot_be_used_is_one_sentence(run, tmp_path):
    run(*START)
    file = table(tmp_path, "csv", rows(units=10))
    (tmp_path / "words.csv").write_text("unit,arm,regret\na,control,much\n")
    (tmp_path / "holes.csv").write_text("unit,arm,regret\n,control,1\n")
    (tmp_path / "empty.csv").write_text("")
    analyze = ("experiment", "analyze")
    for words, said in (
        ((*START, "--traffic", "0.5"), "its arms and metrics can't be changed"),
        (("experiment", "start", "new"), "name its arms"),
        (("experiment", "start", "new", "--arm", "a", "--arm", "b"), "name the metric that decides"),
        ((*START[:2], "new", "--arm", "a=x", "--metric", "m"), "the weight in --arm a=x is 'x'"),
        ((*START[:2], "new", *START[3:], "--traffic", "50"), "50.0 is not in the range"),
        (
            (*START[:2], "new", "--arm", "a", "--arm", "b", "--metric", "m:up"),
            "'up' says nothing of a metric",
        ),
        ((*START[:2], "new", *START[3:], "--guardrail", "p99"), "has no margin; write p99:MARGIN"),
        (("experiment", "stop", "codec", "--why", " "), "--why needs a reason"),
        (("experiment", "status", "other"), "there is no experiment 'other'"),
        ((*analyze, tmp_path / "none", "--metric", "m"), "cannot be read: no such file"),
        ((*analyze, tmp_path / "empty.csv", "--metric", "m"), "is no CSV file with a header"),
        ((*analyze, file, "--metric", "m"), "has no column m; it has unit, arm, regret, ok"),
        (
            (*analyze, file, "--metric", "regret", "--arm", "a", "--arm", "b"),
            "met arm 'control'; there are a, b",
        ),
        ((*analyze, tmp_path / "words.csv", "--metric", "regret"), "regret of row 1 is 'much'"),
        ((*analyze, tmp_path / "holes.csv", "--metric", "regret"), "has rows without unit"),
        ((*analyze, file, "--metric", "regret", "--experiment", "codec"), "--experiment brings its arms"),
        ((*analyze, file, "--metric", "regret:proportion"), "is a proportion and must lie inside [0, 1]"),
    ):
        done = run(*words)
        assert said in done.sentence
        assert done.status == 2
    assert not (tmp_path / "home" / "experiments" / "new" / "journal.jsonl").exists()
