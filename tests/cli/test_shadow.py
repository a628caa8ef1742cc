import json
from pathlib import Path

import pytest

from dwcp.safety.shadow import ShadowDecision, ShadowLog


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """2,000 decisions of two tasks: one right every time, the other in four of five."""
    file = tmp_path / "shadow.jsonl"
    written = ShadowLog(file)
    for number in range(2000):
        for task, right in (("compression", True), ("bandwidth", number % 5 > 0)):
            written.offer(
                ShadowDecision(
                    when_s=1.8e9 + number,
                    task=task,
                    unit=f"link-{number // 20}",
                    champion="1.0.0",
                    candidate="1.1.0",
                    champion_action="zstd-3",
                    candidate_action="lz4",
                    latency_ms=0.25,
                    correct=right,
                    champion_regret=0.5,
                    candidate_regret=0.25,
                )
            )
    written.flush()
    return file


def test_pass_fail_and_inconclusive_have_statuses_of_their_own(run, log):
    words = ("shadow", "validate", "--log", log, "--target-accuracy", "0.95")
    done = run(*words)
    assert done.status == 1
    assert "bandwidth 1.1.0: fail: accuracy 80.00%" in done.out
    assert done.out.endswith("verdict: fail\n")
    done = run(*words, "--task", "compression")
    assert (done.status, done.out.splitlines()[-1]) == (0, "verdict: pass")
    done = run(*words, "--task", "compression", "--min-decisions", "5000")
    assert (done.status, done.out.splitlines()[-1]) == (3, "verdict: inconclusive")
    assert "of 2,000 judged decisions, where 5,000 are wanted" in done.out


def test_json_tells_all_of_it(run, log):
    done = run("shadow", "validate", "--log", log, "--target-accuracy", "0.75", "--json")
    told = json.loads(done.out)
    assert (done.status, told["verdict"]) == (0, "pass")
    task = told["tasks"][0]
    assert (task["task"], task["units"], task["champion_regret"], task["candidate_regret"]) == (
        "bandwidth",
        100,
        0.5,
        0.25,
    )
    assert task["accuracy"]["low"] > 0.75
    assert told["files"] == [str(log)]


def test_bad_lines_are_told_with_their_numbers(run, log):
    log.write_bytes(b"nonsense\n" * 7 + log.read_bytes())
    done = run("shadow", "validate", "--log", log, "--task", "compression")
    assert done.status == 0
    assert f"{log} line 5 is passed over" in done.err
    assert "line 6" not in done.err
    assert "2 more bad lines passed over" in done.err
    assert "7 bad lines; 0 outcomes of decisions that are not in the log" in done.out


def test_what_cannot_be_used_is_one_sentence(run, log, tmp_path):
    for words, said in (
        (("--log", tmp_path / "none"), "none cannot be read: no such file or directory"),
        (("--log", Path(__file__)), "holds no decision of a shadow log; line 1"),
        (("--log", log, "--task", "gossip"), "there are those of bandwidth, compression"),
        (("--log", log, "--target-accuracy", "95"), "must be above 0 and at most 1, not 95"),
    ):
        done = run("shadow", "validate", *words)
        assert said in done.sentence
        assert done.status == 2
