import errno
import json
import shutil

import pytest

from dwcp.registry import Registry

pytestmark = pytest.mark.train
TASK = "compression"


def test_an_empty_registry_is_no_error_to_list_and_verify(run):
    for verb in ("list", "verify"):
        done = run("models", verb)
        assert done.status == 0
        assert "no model in" in done.out
    assert json.loads(run("models", "list", "--json").out) == []


@pytest.mark.parametrize(
    "words",
    [
        ["show", TASK],
        ["verify", TASK],
        ["verify", TASK, "1.0.0"],
        ["promote", TASK, "1.0.0", "--why", "x"],
        ["rollback", TASK, "--why", "x"],
        ["diff", TASK, "1.0.0", "1.1.0"],
        ["export", TASK, "--out", "nowhere"],
    ],
)
def test_what_is_not_there_is_one_sentence(words, run):
    done = run("models", *words)
    assert "no task 'compression' in the registry" in done.sentence
    assert done.status == 1


def test_list_show_and_verify(with_model, run):
    listed = json.loads(run("models", "list", "--json").out)
    assert [(line["task"], line["version"], line["problem"]) for line in listed] == [(TASK, "1.0.0", "")]
    assert listed[0]["aliases"] == ["challenger", "champion", "latest"]
    assert "champion" in run("models", "list").out
    shown = json.loads(run("models", "show", TASK, "--json").out)
    assert shown["version"] == "1.0.0"
    assert [entry["action"] for entry in shown["journal"]] == ["publish", "promote", "promote"]
    text = run("models", "show", TASK, "latest").out
    assert "fingerprint" in text
    assert "mean_regret" in text
    verified = run("models", "verify")
    assert verified.status == 0
    assert "fingerprint, golden answers" in verified.out


def test_another_registry_can_be_named(with_model, run, tmp_path):
    moved = tmp_path / "moved"
    shutil.move(with_model, moved)
    assert json.loads(run("models", "list", "--json").out) == []
    assert len(json.loads(run("models", "list", "--json", "--registry", moved).out)) == 1


def test_an_unknown_version_is_one_sentence(with_model, run):
    done = run("models", "show", TASK, "9.9.9")
    assert "has no '9.9.9'" in done.sentence
    assert done.status == 1


def test_rolling_back_and_promoting_move_the_champion_and_are_in_the_journal(with_model, run):
    assert "holds nothing: the fallback answers" in run("models", "rollback", TASK, "--why", "slow").out
    assert "champion" not in Registry(with_model).aliases(TASK)
    done = run("models", "promote", TASK, "latest", "--why", "after all")
    assert done.out == "champion of compression is now 1.0.0\n"
    last = Registry(with_model).history(TASK).entries[-1]
    assert (last.action, last.alias, last.why) == ("promote", "champion", "after all")
    assert last.who


@pytest.mark.parametrize("why", ["", "  "])
def test_a_move_without_a_reason_is_refused(why, with_model, run):
    for words in (["promote", TASK, "1.0.0"], ["rollback", TASK]):
        done = run("models", *words, "--why", why)
        assert "--why needs a reason" in done.sentence
        assert done.status == 2


def test_short_gates_are_told_when_a_model_is_promoted(with_model, run):
    run("models", "rollback", TASK, "--why", "x")
    told = run("models", "promote", TASK, "1.0.0", "--why", "x").err
    manifest = Registry(with_model).load(TASK, "1.0.0").manifest
    assert [gate.metric for gate in manifest.gates if not gate.met] == [
        line.split()[3] for line in told.splitlines()
    ]


def test_an_alias_that_cannot_be_moved_is_one_sentence(with_model, run):
    done = run("models", "promote", TASK, "1.0.0", "--alias", "latest", "--why", "x")
    assert "not an alias that can be moved" in done.sentence
    assert done.status == 2


def test_a_changed_file_is_refused_everywhere_and_named(with_model, run):
    model = with_model / TASK / "1.0.0" / "model.onnx"
    model.write_bytes(model.read_bytes()[:-1] + b"x")
    for words in (
        ["show", TASK],
        ["promote", TASK, "1.0.0", "--why", "x"],
        ["export", TASK, "--out", "nowhere"],
    ):
        done = run("models", *words)
        assert "model.onnx" in done.sentence
        assert "BLAKE3" in done.sentence
        assert done.status == 1
    verified = run("models", "verify", TASK)
    assert verified.status == 1
    assert "refused" in verified.out
    checks = json.loads(run("models", "verify", "--json").out)[0]["checks"]
    assert [check["name"] for check in checks if not check["passed"]] == ["model.onnx"]


def test_a_model_for_other_inputs_is_refused(with_model, run, monkeypatch):
    from dwcp.features.spec import InputSpec

    monkeypatch.setattr(InputSpec, "fingerprint", "0123456789abcdef")
    done = run("models", "promote", TASK, "1.0.0", "--alias", "shadow", "--why", "x")
    assert "was made for inputs with fingerprint" in done.sentence
    assert done.status == 1
    assert "shadow" not in Registry(with_model).aliases(TASK)
    assert run("models", "verify", TASK, "1.0.0").status == 1


def test_versions_side_by_side(with_model, run):
    done = run("models", "diff", TASK, "champion", "latest")
    assert "say the same of themselves" in done.out
    everything = run("models", "diff", TASK, "champion", "latest", "--all").out
    assert "selector/mean_regret" in everything
    assert "model.onnx" in everything
    rows = json.loads(run("models", "diff", TASK, "1.0.0", "latest", "--json").out)["rows"]
    assert {row["part"] for row in rows} == {"figure", "gate", "input", "library", "bytes"}
    assert all(row["same"] for row in rows)


@pytest.mark.parametrize(("layout", "file"), [("triton", "config.pbtxt"), ("plain", "model.onnx")])
def test_export_never_overwrites(layout, file, with_model, run, tmp_path):
    words = ["models", "export", TASK, "--layout", layout, "--out", tmp_path / "out"]
    done = run(*words)
    assert done.status == 0
    assert (tmp_path / "out").joinpath(done.out.strip(), file).exists()
    again = run(*words)
    assert "stands already" in again.sentence
    assert again.status == 2


def test_a_layout_that_is_not_known_is_one_sentence(with_model, run, tmp_path):
    done = run("models", "export", TASK, "--layout", "zip", "--out", tmp_path)
    assert done.sentence == "there is no layout 'zip'; there are triton, plain"
    assert done.status == 2


def test_a_training_result_can_be_published_from_its_folder(trained, run):
    done = run("models", "publish", trained.folder)
    assert done.status == 0
    assert "compression 1.0.0 is published as challenger" in done.out
    assert json.loads(run("models", "list", "--json").out)[0]["aliases"] == ["challenger", "latest"]


def test_a_folder_without_a_training_result_is_one_sentence(run, tmp_path):
    done = run("models", "publish", tmp_path)
    assert "holds no training result" in done.sentence
    assert done.status == 1


def test_a_damaged_training_result_is_one_sentence(trained, run, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(trained.folder, copy)
    (copy / "golden.json").write_text("{}")
    done = run("models", "publish", copy)
    assert "golden.json" in done.sentence
    assert done.status == 1


def test_a_full_disk_while_publishing_loses_nothing(with_model, trained, run, monkeypatch):
    from importlib import import_module

    before = sorted(path.relative_to(with_model) for path in with_model.rglob("*"))
    monkeypatch.setattr(
        import_module("dwcp.registry.manifest").Manifest, "content_digest", property(lambda _: object())
    )

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    publishing = import_module("dwcp.registry.publish")
    monkeypatch.setattr(publishing, "write_file", full)
    done = run("models", "publish", trained.folder)
    assert "cannot be written" in done.sentence
    assert "may pass" in done.sentence
    assert done.status == 1
    left = sorted(path.relative_to(with_model) for path in with_model.rglob("*"))
    assert [path for path in left if path.name != ".lock"] == [p for p in before if p.name != ".lock"]
    assert run("models", "verify").status == 0
