import json
import sys
from random import Random

import pytest

from dwcp.codecs.probe import run_blocks
from dwcp.tasks.compression.contract import STORAGE, TRANSFER, CostModel, Link, action_named
from dwcp.tasks.compression.rules import LadderPolicy

pytestmark = pytest.mark.usefixtures("steady_speed")


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "file.bin"
    path.write_bytes(b"a line of words like many others\n" * 6000 + Random(3).randbytes(200_000))
    return path


def ask(run, *words):
    done = run("advise", *words, "--json")
    assert done.status == 0, done.err
    return json.loads(done.out)


def test_without_a_model_the_fallback_answers_and_says_why(file, run):
    done = run("advise", file, "--bandwidth-mbps", 10)
    assert done.status == 0
    assert "FALLBACK_NO_MODEL" in done.out
    assert "fallback: no task 'compression' in the registry" in done.out
    assert done.err == ""
    said = ask(run, file, "--bandwidth-mbps", 10)
    assert said["summary"]["bytes"] == file.stat().st_size
    assert sum(one["run_bytes"] for one in said["runs"]) == file.stat().st_size
    assert said["summary"]["predicted_s"] is None


def test_each_run_shows_the_published_views(file, run):
    for one in ask(run, file, "--bandwidth-mbps", 1, "--block-bytes", 65_536)["runs"]:
        action = action_named(one["action"])
        views = (one["class"], one["level"], one["storage_algorithm"])
        assert views == (action.transfer_class, action.published_level, action.storage_algorithm)


def test_noise_is_sent_as_it_is_and_words_are_not(file, run):
    runs = ask(run, file, "--bandwidth-mbps", 1, "--block-bytes", 65_536)["runs"]
    assert runs[0]["action"].startswith("zstd")
    assert runs[-1]["action"] == "none"


def test_runs_grow_with_the_link(file, run):
    slow, fast = (ask(run, file, "--bandwidth-mbps", mbps)["summary"]["runs"] for mbps in (1, 10_000))
    assert slow > fast == 1


BLOCK_BYTES = 16_384


def blocks_of(kinds):
    noise, words = (
        Random(4).randbytes(BLOCK_BYTES),
        (b"a line of words like many others\n" * 600)[:BLOCK_BYTES],
    )
    return b"".join(noise if kind == "n" else words for kind in kinds)


@pytest.mark.parametrize(
    ("kinds", "compressed"),
    [
        ("nwwwwwww", True),
        ("nnnnnnww", True),
        ("nnnnnnnn", False),
        ("nwnwnwnw", False),  # the blocks between those looked at are not seen
    ],
)
def test_a_few_blocks_spread_over_a_run_speak_for_it(kinds, compressed, run, tmp_path):
    path = tmp_path / "mixed.bin"
    path.write_bytes(blocks_of(kinds))
    (only,) = ask(run, path, "--bandwidth-mbps", 1, "--block-bytes", BLOCK_BYTES)["runs"]
    assert only["run_bytes"] == len(kinds) * BLOCK_BYTES
    assert (only["action"] != "none") == compressed


@pytest.mark.parametrize(("kinds", "compressed"), [("nwwwwwww", False), ("wnnnnnnn", True)])
@pytest.mark.parametrize("mbps", [10, 1000], ids=["short", "too short to pay"])
def test_a_run_that_is_soon_over_gets_one_look(mbps, kinds, compressed, run, tmp_path):
    path = tmp_path / "mixed.bin"
    path.write_bytes(blocks_of(kinds))
    (only,) = ask(run, path, "--bandwidth-mbps", mbps, "--block-bytes", BLOCK_BYTES)["runs"]
    assert (only["action"] != "none") == compressed


def test_each_run_is_looked_at_by_itself(run, tmp_path):
    path = tmp_path / "halves.bin"
    length = run_blocks(1.0, BLOCK_BYTES)
    path.write_bytes(blocks_of("n" * length + "w" * length + "n"))
    runs = ask(run, path, "--bandwidth-mbps", 1, "--block-bytes", BLOCK_BYTES)["runs"]
    assert [one["run_bytes"] for one in runs] == [length * BLOCK_BYTES, length * BLOCK_BYTES, BLOCK_BYTES]
    assert [one["action"] == "none" for one in runs] == [True, False, True]


def test_a_previous_version_is_used(file, run, tmp_path):
    old = tmp_path / "old.bin"
    old.write_bytes(file.read_bytes()[1000:])
    runs = ask(run, file, "--bandwidth-mbps", 10, "--reference", old)["runs"]
    assert {one["action"].partition("-")[0] for one in runs} == {"delta"}


@pytest.mark.parametrize(("purpose", "candidates"), [("transfer", TRANSFER), ("storage", STORAGE)])
def test_the_purpose_the_link_and_the_cores_reach_the_context(purpose, candidates, file, run, monkeypatch):
    seen = []
    rule = LadderPolicy.decide
    monkeypatch.setattr(LadderPolicy, "decide", lambda *words: seen.append(words[1]) or rule(*words))
    options = ["--rtt-ms", 40, "--packet-loss", 0.01, "--cpu-workers", 3, "--cost-model", "serial"]
    ask(run, file, "--bandwidth-mbps", 7, "--purpose", purpose, *options)
    assert {context.candidates for context in seen} == {candidates}
    assert {context.link for context in seen} == {Link(7.0, 40.0, 0.0, 0.01)}
    assert {context.host.cpu_workers for context in seen} == {3.0}
    assert {context.objective.cost_model for context in seen} == {CostModel.SERIAL}


@pytest.mark.parametrize("model", ["serial", "pipelined", "bytes"])
def test_every_cost_model_can_be_asked_for(model, file, run):
    assert ask(run, file, "--bandwidth-mbps", 50, "--cost-model", model)["runs"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--cost-model", "cheap"], "no cost model 'cheap'; there are serial, pipelined, bytes"),
        (["--purpose", "fun"], "no purpose 'fun'; there are transfer, storage"),
        (["--packet-loss", "2"], "--packet-loss"),
        (["--reference", "nowhere"], "nowhere cannot be read"),
    ],
)
def test_what_cannot_be_asked_is_one_sentence(words, said, file, run):
    done = run("advise", file, "--bandwidth-mbps", 10, *words)
    assert said in done.sentence.removeprefix("no model")
    assert done.status == 2


def test_a_path_that_is_no_file_is_one_sentence(run, tmp_path):
    (tmp_path / "empty").touch()
    for path, said in (
        ("none", "none cannot be read: no such file"),
        ("", "is a folder"),
        ("empty", "is empty"),
    ):
        done = run("advise", tmp_path / path, "--bandwidth-mbps", 10)
        assert said in done.sentence
        assert done.status == 2


def test_a_file_that_becomes_shorter_is_one_sentence(file, run, monkeypatch):
    monkeypatch.setattr("dwcp.cli.advice.file_bytes", lambda _path: 10_000_000)
    done = run("advise", file, "--bandwidth-mbps", 1)
    assert "became shorter" in done.sentence
    assert done.status == 2


def test_a_fallback_that_fails_is_one_sentence(file, run, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(LadderPolicy, "decide", broken)
    done = run("advise", file, "--bandwidth-mbps", 1)
    assert "the fallback of compression failed: ZeroDivisionError" in done.sentence
    assert done.status == 1


@pytest.mark.train
@pytest.mark.usefixtures("with_model")
class TestWithAModel:
    def test_the_champion_answers_with_confidence_and_predicted_seconds(self, file, run):
        said = ask(run, file, "--bandwidth-mbps", 100)
        assert set(said["summary"]["runs_by_reason"]) == {"MODEL"}
        assert said["summary"]["predicted_s"] > 0
        for one in said["runs"]:
            assert 0 <= one["confidence"] <= 1
            assert one["model"] == "1.0.0"
            # Nobody is advised to do what is expected to take longer than nothing at all.
            assert one["predicted_s"] <= one["plain_s"]
        done = run("advise", file, "--bandwidth-mbps", 100)
        assert "less than as it is" in done.out
        assert done.err == ""

    def test_predicted_seconds_are_of_the_whole_run(self, file, run):
        words = ["--bandwidth-mbps", 10, "--cost-model", "bytes"]
        size = file.stat().st_size
        said = ask(run, file, *words)
        assert said["summary"]["plain_s"] == pytest.approx(size * 8 / 10e6, rel=0.05)

    def test_without_onnxruntime_the_fallback_answers_and_says_why(self, file, run, monkeypatch):
        monkeypatch.setitem(sys.modules, "onnxruntime", None)
        done = run("advise", file, "--bandwidth-mbps", 10)
        assert done.status == 0
        assert "onnxruntime is not installed" in done.out

    def test_a_damaged_model_is_told_and_the_fallback_answers(self, file, run, with_model):
        (with_model / "compression" / "1.0.0" / "model.onnx").write_bytes(b"damaged")
        done = run("advise", file, "--bandwidth-mbps", 10)
        assert done.status == 0
        assert "model.onnx" in done.out
        assert "FALLBACK_NO_MODEL" in done.out

    def test_a_model_for_other_inputs_is_told_and_the_fallback_answers(self, file, run, monkeypatch):
        from dwcp.features.spec import InputSpec

        monkeypatch.setattr(InputSpec, "fingerprint", "0123456789abcdef")
        done = run("advise", file, "--bandwidth-mbps", 10)
        assert done.status == 0
        assert "FALLBACK_SCHEMA_MISMATCH" in done.out
