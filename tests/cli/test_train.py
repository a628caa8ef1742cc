import errno
import json
import shutil
from importlib import import_module

import polars as pl
import pytest

from dwcp.cli import settling
from dwcp.cli.app import main
from dwcp.registry import Registry
from dwcp.training import JobResult

pytestmark = pytest.mark.train
TASK = "compression"


def test_a_trained_model_is_published_and_champion_of_an_empty_registry(trained):
    assert trained.status == 0
    assert "published as compression 1.0.0, champion: mean_regret is" in trained.out
    assert "gate within_5pct" in trained.out
    assert {path.name for path in trained.folder.iterdir()} >= {"training_report.json", "training_report.md"}
    aliases = Registry(trained.home / "registry").aliases(TASK)
    assert aliases == {"champion": "1.0.0", "challenger": "1.0.0", "latest": "1.0.0"}


@pytest.fixture
def done_already(trained, monkeypatch):
    """Training that is over at once: its result is the session's. Gives the jobs it was given."""
    jobs = []

    def finished(given, *_arguments, **_more):
        jobs.extend(given)
        return tuple(JobResult(job.task, trained.folder) for job in given)

    monkeypatch.setattr("dwcp.training.train_all", finished)
    return jobs


@pytest.fixture
def failing(monkeypatch):
    monkeypatch.setattr(
        "dwcp.training.train_all",
        lambda jobs, *_, **__: tuple(JobResult(job.task, None, "it went wrong") for job in jobs),
    )


def test_a_plot_shows_the_gates_and_the_model_beside_the_rules(
    trained, simulated, run, monkeypatch, tmp_path
):
    folder = shutil.copytree(trained.folder, tmp_path / "result")
    monkeypatch.setattr("dwcp.training.train_all", lambda *_, **__: (JobResult(TASK, folder),))
    assert run("train", TASK, "--data", simulated, "--plot").status == 0
    page = (folder / "training_report.html").read_text()
    assert "Training of compression" in page
    assert "within 5pct" in page
    assert "zstd-3" in page
    (folder / "training_report.html").unlink()
    assert run("train", TASK, "--data", simulated).status == 0
    assert not (folder / "training_report.html").exists()


def test_samples_is_another_word_for_examples(done_already, run):
    assert run("train", TASK, "--samples", 77).status == 0
    assert [job.examples for job in done_already] == [77]


@pytest.mark.parametrize("mode", ["both", "datacenter", "internet"])
def test_the_mode_reaches_the_learner(done_already, run, mode):
    run("train", "bandwidth", "--mode", mode, "--samples", 60, "--epochs", 2, "--no-publish")
    (job,) = done_already
    assert (job.options.extra, job.examples, job.options.epochs) == ({"mode": mode}, 60, 2)


def test_without_a_mode_no_task_hears_of_one(done_already, run):
    run("train", TASK, "--examples", 50, "--no-publish")
    assert done_already[0].options.extra == {}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([TASK, "--mode", "both"], "--mode is for bandwidth, not for compression: leave it out"),
        (["bandwidth", TASK, "--mode", "both"], "not for compression"),
        (["bandwidth", "--mode", "hybrid"], "for mode 'hybrid'; there are both, datacenter, internet"),
    ],
)
def test_a_mode_that_a_task_has_not_is_one_sentence(done_already, run, words, said):
    done = run("train", *words)
    assert said in done.sentence
    assert done.status == 2
    assert done_already == []


def test_a_target_that_is_short_is_status_3_with_the_figure_and_no_champion(
    done_already, simulated, run, home
):
    done = run("train", TASK, "--data", simulated, "--target-accuracy", 1)
    assert done.status == 3
    assert "target 100.00 % within 5 % of the oracle:" in done.out
    assert "%, short" in done.out
    assert "challenger: the target is short" in done.out
    assert "champion" not in Registry(home / "registry").aliases(TASK)


def test_a_target_that_is_reached_is_status_0(done_already, simulated, run, home):
    done = run("train", TASK, "--data", simulated, "--target-accuracy", 0.1, "--json")
    assert done.status == 0
    (said,) = json.loads(done.out)
    assert said["within_5pct"] > 0.1
    assert (said["version"], said["promoted"], said["error"]) == ("1.0.0", True, None)


def test_options_reach_the_job(done_already, simulated, run):
    run("train", TASK, "--data", simulated, "--epochs", 7, "--seed", 3, "--no-publish")
    (job,) = done_already
    assert (job.options.epochs, job.options.seed, job.table) == (7, 3, simulated)


def test_without_a_table_it_learns_from_simulated_examples_and_says_so(done_already, run):
    done = run("train", TASK, "--examples", 50, "--no-publish")
    assert done_already[0].table is None
    assert done_already[0].examples == 50
    assert "simulated examples" in done.err


def test_the_measured_table_of_the_home_is_used_and_named(done_already, simulated, run, home):
    (home / "tables").mkdir(parents=True)
    shutil.copy(simulated, home / "tables" / "compression.parquet")
    done = run("train", TASK, "--no-publish")
    assert done_already[0].table == home / "tables" / "compression.parquet"
    assert str(home / "tables") in done.err


def test_no_publish_leaves_the_registry_alone(done_already, simulated, run, home):
    assert run("train", TASK, "--data", simulated, "--no-publish").status == 0
    assert not (home / "registry").exists()


def test_a_standing_champion_stays_unless_a_better_one_may_replace_it(
    done_already, simulated, run, home, with_model, monkeypatch
):
    monkeypatch.setattr(
        import_module("dwcp.registry.manifest").Manifest, "content_digest", property(lambda _: object())
    )
    done = run("train", TASK, "--data", simulated)
    assert "published as compression 1.1.0, challenger: 1.0.0 is champion" in done.out
    same = run("train", TASK, "--data", simulated, "--promote-if-better")
    assert "challenger: mean_regret is" in same.out
    assert "not better than the champion's (1.0.0:" in same.out
    monkeypatch.setattr("dwcp.cli.publishing._champion_figure", lambda *_: 9.9)
    better = run("train", TASK, "--data", simulated, "--promote-if-better")
    assert "champion: mean_regret is" in better.out
    assert Registry(home / "registry").aliases(TASK)["champion"] == "1.3.0"


def test_a_champion_that_cannot_be_asked_is_replaced(done_already, simulated, run, with_model, monkeypatch):
    monkeypatch.setattr(
        import_module("dwcp.registry.manifest").Manifest, "content_digest", property(lambda _: object())
    )
    (with_model / TASK / "1.0.0" / "model.onnx").write_bytes(b"damaged")
    done = run("train", TASK, "--data", simulated, "--promote-if-better")
    assert "champion: the champion 1.0.0 cannot be asked" in done.out


def test_a_model_that_does_not_beat_the_rules_is_not_promoted(
    done_already, simulated, run, home, monkeypatch
):
    read = settling.read_draft

    def worse(*arguments):
        draft = read(*arguments)
        draft.report["verdict"].update(promotable=False, why="the fallback is better")
        return draft

    monkeypatch.setattr(settling, "read_draft", worse)
    done = run("train", TASK, "--data", simulated, "--promote-if-better")
    assert "challenger: the fallback is better" in done.out
    assert "champion" not in Registry(home / "registry").aliases(TASK)


def test_what_saw_simulated_cases_alone_takes_no_place_where_those_mislead(
    done_already, run, home, monkeypatch
):
    monkeypatch.setattr("dwcp.cli.publishing._SIMULATION_MISLEADS", frozenset({TASK}))
    done = run("train", TASK)
    assert "challenger: it saw simulated cases alone" in done.out
    assert "champion" not in Registry(home / "registry").aliases(TASK)


def test_a_full_disk_while_publishing_keeps_the_result_and_says_where(
    done_already, simulated, run, trained, monkeypatch
):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(import_module("dwcp.registry.publish"), "write_file", full)
    done = run("train", TASK, "--data", simulated)
    assert f"publish it with: dwcp models publish {trained.folder}" in done.sentence
    assert done.status == 1
    assert "gate within_5pct" in done.out


def test_a_failure_of_training_is_one_sentence(failing, simulated, run):
    done = run("train", TASK, "--data", simulated)
    assert done.sentence == "it went wrong"
    assert done.status == 1


@pytest.mark.parametrize("damage", ["cut", "columns", "one family", "no table"])
def test_a_table_that_cannot_be_learned_from_is_status_2(damage, failing, simulated, run, tmp_path):
    path = tmp_path / "bad.parquet"
    table = pl.read_parquet(simulated)
    if damage == "cut":
        path.write_bytes(simulated.read_bytes()[:3000])
    elif damage == "columns":
        table.drop("file").write_parquet(path)
    elif damage == "one family":
        table.with_columns(family=pl.lit("one")).write_parquet(path)
    else:
        path.write_text("no table at all\n" * 100)
    done = run("train", TASK, "--data", path)
    assert done.status == 2
    assert done.sentence != "it went wrong"


def test_a_truncated_table_is_one_sentence_from_the_real_worker(simulated, run, tmp_path):
    path = tmp_path / "cut.parquet"
    path.write_bytes(simulated.read_bytes()[:3000])
    done = run("train", TASK, "--data", path)
    assert "not a whole Parquet file" in done.sentence
    assert done.status == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nothing"], "no task 'nothing'; there are"),
        ([TASK, "--data", "none.parquet"], "none.parquet cannot be read"),
        ([TASK, TASK], "each task once"),
    ],
)
def test_what_cannot_be_trained_is_one_sentence(words, said, run):
    done = run("train", *words)
    assert said in done.sentence
    assert done.status == 2


def test_an_interrupt_while_training_is_a_word(monkeypatch, run):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("dwcp.training.train_all", interrupted)
    assert run("train", TASK).status == 130


def test_json_is_all_there_is_on_standard_output(done_already, simulated, home, capsys):
    assert main(["--home", str(home), "train", TASK, "--data", str(simulated), "--json"]) == 0
    json.loads(capsys.readouterr().out)
