"""Training one task, whole: split, fit, export, parity, figures, draft, files."""

import json
from dataclasses import replace

import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")

import toy_task

from dwcp.errors import (
    ArtifactRefusedError,
    ExtraMissingError,
    InputError,
    ParityError,
    StorageError,
    TrainingError,
)
from dwcp.evaluation import Case, Gate
from dwcp.registry import Registry, check_answers
from dwcp.task import LearnerKind, TrainingOptions
from dwcp.training import train_task
from dwcp.training.files import REPORT_JSON, REPORT_MARKDOWN, read_draft, write_result
from dwcp.training.graph import ExportedGraph

pytestmark = pytest.mark.train

OPTIONS = TrainingOptions(seed=3, epochs=80)


def silent(*_):
    pass


def train(task=toy_task.TASK, count=180, progress=silent, options=OPTIONS):
    return train_task(task, task.examples(count, 1), options, progress, data=f"{count} simulated cases")


@pytest.fixture(scope="module")
def result():
    return train()


def test_learned_policy_beats_the_rules_and_may_be_promoted(result):
    report = result.report
    assert result.promotable
    assert report.gates_met
    assert list(report.metrics) == ["learned", "fallback", "always wide", "oracle"]
    best = max(report.metrics[name]["within_5pct"] for name in ("fallback", "always wide"))
    assert report.metrics["learned"]["within_5pct"] > best
    assert report.metrics["oracle"]["mean_regret"] == 0


def test_split_has_every_case_once_and_groups_whole(result):
    parts = result.report.split
    assert sum(part.cases for part in parts.values()) == 180
    assert sum(part.groups for part in parts.values()) == 9
    assert min(part.groups for part in parts.values()) >= 1


class SpyLearner(toy_task.ToyLearner):
    def fit(self, fitted_on, validation, options, progress):
        self.groups = [{case.group for case in cases} for cases in (fitted_on, validation)]
        return super().fit(fitted_on, validation, options, progress)


class SpyTask(toy_task.ToyTask):
    """Notes which groups go where."""

    def __init__(self):
        super().__init__()
        object.__setattr__(self, "spy", SpyLearner(""))
        object.__setattr__(self, "shown", {})

    def learner(self):
        return self.spy

    def metrics(self, cases, policy, seed):
        self.shown[policy.name] = {case.group for case in cases}
        return super().metrics(cases, policy, seed)


def test_figures_are_of_groups_that_nothing_was_fitted_or_chosen_on():
    task = SpyTask()
    report = train(task).report
    fitted_on, validation = task.spy.groups
    held_out = {f"link-{i}" for i in range(9)} - fitted_on - validation
    assert held_out
    assert not fitted_on & validation
    assert task.shown == dict.fromkeys(report.metrics, held_out)
    rows = {row.policy: row.figures["decisions"] for row in report.comparison.rows}
    assert rows == dict.fromkeys(report.metrics, report.split["test"].cases)


class TwiceJudgedTask(toy_task.ToyTask):
    """Judges every case as it is and under twice the load."""

    def judged(self, cases):
        return [*cases, *map(_under_twice_the_load, cases)]


def _under_twice_the_load(case):
    context = replace(case.context, load=2 * case.context.load)
    return replace(case, context=context, outcomes=toy_task.times(context))


def test_figures_are_of_cases_as_the_task_wants_them_judged():
    report = train(TwiceJudgedTask(), options=replace(OPTIONS, epochs=1)).report
    rows = {row.policy: row.figures["decisions"] for row in report.comparison.rows}
    assert rows == dict.fromkeys(report.metrics, 2 * report.split["test"].cases)


def test_progress_rises_to_one():
    told = []
    train(progress=lambda share, words: told.append((share, words)))
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert told[-1] == (1.0, "done")
    assert "replaying always wide" in [words for _, words in told]


def test_same_seed_and_data_give_the_same_bytes(result):
    again = train()
    assert again.draft.files() == result.draft.files()
    assert again.draft.manifest("1.0.0").to_json() == result.draft.manifest("1.0.0").to_json()
    assert again.report.as_markdown() == result.report.as_markdown()
    other = train(options=replace(OPTIONS, seed=4))
    assert other.draft.model != result.draft.model


def test_registry_takes_the_draft_and_the_graph_gives_its_golden_answers(result, tmp_path):
    registry = Registry(tmp_path)
    registry.publish(result.draft, now=0.0, who="test")
    artifact = registry.load("toy", "1.0.0")
    check_answers(artifact, ExportedGraph(artifact.model))
    assert len(artifact.golden.inputs["load"]) == 16


def test_files_come_back_as_the_same_draft(result, tmp_path):
    folder = write_result(result, tmp_path / "models" / "toy")
    assert read_draft(folder, toy_task.TASK).files() == result.draft.files()
    assert read_draft(folder, toy_task.TASK).manifest("2.0.0") == result.draft.manifest("2.0.0")
    assert json.loads((folder / REPORT_JSON).read_text())["verdict"]["promotable"] is True
    assert "**Promotable**" in (folder / REPORT_MARKDOWN).read_text()


def test_writing_again_replaces_a_former_result(result, tmp_path):
    folder = write_result(result, tmp_path / "toy")
    (folder / "stale").touch()
    write_result(result, folder)
    assert not (folder / "stale").exists()
    assert [entry.name for entry in tmp_path.iterdir()] == ["toy"]


def test_changed_or_foreign_results_are_refused(result, tmp_path):
    folder = write_result(result, tmp_path / "toy")
    with pytest.raises(ArtifactRefusedError, match="another definition"):
        read_draft(folder, toy_task.SECOND)
    with pytest.raises(ArtifactRefusedError, match="another definition"):
        read_draft(folder, replace(toy_task.TASK, gates=()))
    (folder / "card.md").write_text("other")
    with pytest.raises(ArtifactRefusedError, match="card"):
        read_draft(folder, toy_task.TASK)
    with pytest.raises(ArtifactRefusedError, match="not a training result"):
        read_draft(tmp_path, toy_task.TASK)


def test_a_place_that_cannot_be_written_is_one_sentence(result, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot be written"):
        write_result(result, tmp_path / "file" / "toy")


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        ("no parity", ParityError, "'costs', row"),
        ("no choice", TrainingError, "task declares"),
        ("no extra", ExtraMissingError, r"pip install 'dwcp\[train\]'"),
    ],
)
def test_faults_of_a_learner_are_told(fault, error, words):
    with pytest.raises(error, match=words):
        train(replace(toy_task.TASK, fault=fault))


def test_a_task_that_learns_online_is_not_trained():
    with pytest.raises(TrainingError, match="online"):
        train(replace(toy_task.TASK, kind=LearnerKind.ONLINE))


def test_too_few_groups_are_an_input_error():
    cases = [Case(c.context, c.outcomes, "one link") for c in toy_task.TASK.examples(20, 1)]
    with pytest.raises(InputError, match="three groups"):
        train_task(toy_task.TASK, cases, OPTIONS, silent, data="few")


def test_a_model_no_better_than_a_rule_is_not_promotable():
    lazy = train(
        replace(toy_task.TASK, gates=(Gate("decisions", 1, "at_least", "the same for everyone"),)),
        options=replace(OPTIONS, epochs=1),
    )
    assert not lazy.promotable
    assert "not better than" in lazy.report.verdict.why
