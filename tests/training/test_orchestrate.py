"""Several tasks in processes of their own, with every way a process can end."""

import json
import os
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")

import toy_task

import dwcp.tasks
from dwcp.errors import InputError, StorageError
from dwcp.task import TrainingOptions
from dwcp.training import Job, read_draft, resolve_task, train_all, train_task
from dwcp.training.files import REPORT_JSON

pytestmark = pytest.mark.train

OPTIONS = TrainingOptions(seed=3, epochs=20)


def job(name, **more):
    return Job(f"toy_task:{name}", OPTIONS, examples=90, **more)


@pytest.mark.slow
def test_good_failing_and_killed_jobs_do_not_disturb_each_other(tmp_path):
    table = tmp_path / "ninety.txt"
    table.write_text("90")
    names = ["KILLED", "TASK", "REFUSED", "BUG", "SECOND"]
    jobs = [job(name) for name in names]
    jobs[-1] = job("SECOND", table=table)
    told = []
    out = tmp_path / "models"
    results = train_all(jobs, out, parallel=2, progress=lambda *what: told.append(what))
    failures = {result.task.partition(":")[2]: result.failure for result in results}
    assert list(failures) == names
    assert "was killed (SIGKILL)" in failures["KILLED"]
    assert failures["REFUSED"] == "the toy refuses to learn"
    assert "status 1: ZeroDivisionError: a bug in the toy" in failures["BUG"]
    assert (failures["TASK"], failures["SECOND"]) == ("", "")
    assert (results[1].folder, results[-1].folder) == (out / "toy", out / "second")
    assert sorted(p.name for p in out.iterdir()) == [
        "second",
        "toy",
        "toy_task-BUG.log",
        "toy_task-KILLED.log",
    ]

    assert ("toy_task:TASK", 1.0, "done") in told
    assert ("toy_task:KILLED", pytest.approx(0.6), "epoch 3") in told

    report = json.loads((out / "toy" / REPORT_JSON).read_text())
    assert report["fitted"]["threads"] == 1
    assert report["data"] == "90 simulated cases, seed 3"
    assert json.loads((out / "second" / REPORT_JSON).read_text())["data"] == "90 recorded cases of ninety.txt"

    here = train_task(
        toy_task.TASK,
        toy_task.TASK.examples(90, 3),
        OPTIONS,
        lambda *_: None,
        data="90 simulated cases, seed 3",
    )
    assert read_draft(out / "toy", toy_task.TASK).model == here.draft.model


def process_ids(tag: Path):
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and str(tag).encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return [pid for pid in found if pid != os.getpid()]


def test_interrupt_ends_every_process(tmp_path):
    seen = []

    def interrupt(task, share, words):
        if words == "epoch 3":
            seen.extend(process_ids(tmp_path))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_all([job("WAITS")], tmp_path, parallel=1, progress=interrupt)
    assert len(seen) == 1
    assert process_ids(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_nothing_to_train_gives_nothing(tmp_path):
    assert train_all([], tmp_path, parallel=1, progress=print) == ()


@pytest.mark.parametrize(("jobs", "parallel"), [([job("TASK")], 0), ([job("TASK"), job("TASK")], 1)])
def test_what_cannot_be_started_is_refused(tmp_path, jobs, parallel):
    with pytest.raises(InputError, match="each task once"):
        train_all(jobs, tmp_path, parallel=parallel, progress=print)


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot be written"):
        train_all([job("TASK")], tmp_path / "file" / "out", parallel=1, progress=print)


def test_jobs_travel_as_text(tmp_path):
    options = TrainingOptions(7, 3, 2, {"depth": 4})
    for one in (Job("a", options, tmp_path / "t"), Job("b")):
        assert Job.from_json(one.to_json()) == one
    with pytest.raises(InputError, match="options of a"):
        Job("a", TrainingOptions(extra={"f": print})).to_json()


def test_tasks_are_found_by_name_or_by_reference(monkeypatch):
    monkeypatch.setattr(dwcp.tasks, "discover", lambda: {"toy": toy_task.TASK}, raising=False)
    assert resolve_task("toy") is toy_task.TASK
    assert resolve_task("toy_task:SECOND").name == "second"
    with pytest.raises(InputError, match="there are toy"):
        resolve_task("tyo")
    with pytest.raises(InputError, match="no_such_module"):
        resolve_task("no_such_module:TASK")
