import json
import os
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from dwcp.errors import InputError, RegistryError, StorageError
from dwcp.registry import Golden, Registry
from dwcp.registry.layout import FILES


def test_the_files_lie_where_they_should_and_match_the_manifest(registry, make_draft):
    draft = make_draft()
    ref = registry.publish(draft, now=7.0, who="ada", why="first")
    folder = registry.root / "bandwidth" / "1.0.0"
    assert {path.name for path in folder.iterdir()} == {*FILES, "manifest.json"}
    assert (folder / "model.onnx").read_bytes() == draft.model
    assert (folder / "card.md").read_text() == "# Bandwidth\n"
    assert json.loads((folder / "report.json").read_bytes()) == {"rows": 12, "skill": "NaN"}
    assert (ref.task, ref.version, len(ref.digest)) == ("bandwidth", "1.0.0", 64)
    assert (registry.root / "bandwidth" / "latest").readlink().name == "1.0.0"
    assert sorted(path.name for path in folder.parent.iterdir()) == [
        ".lock",
        "1.0.0",
        "journal.jsonl",
        "latest",
    ]


def test_the_same_draft_gives_the_same_bytes_anywhere(tmp_path, make_draft, tree):
    for place in ("a", "b"):
        Registry(tmp_path / place).publish(make_draft(), now=1.0, who="ada")
    assert tree(tmp_path / "a") == tree(tmp_path / "b")


def test_versions_count_up(publish, make_draft):
    assert [publish(number).version for number in range(12)][-2:] == ["1.10.0", "1.11.0"]


def test_other_inputs_make_a_major_version(publish):
    assert [publish(1).version, publish(2, unit="kbit/s").version, publish(3, unit="kbit/s").version] == [
        "1.0.0",
        "2.0.0",
        "2.1.0",
    ]


def test_after_a_version_that_cannot_be_read_comes_a_major_one(publish, registry):
    publish(1)
    (registry.root / "bandwidth" / "1.0.0" / "manifest.json").write_bytes(b"{}")
    assert publish(2).version == "2.0.0"


def test_a_version_can_be_chosen(registry, make_draft):
    assert registry.publish(make_draft(), now=1.0, who="ada", version="0.3.7").version == "0.3.7"
    assert (
        registry.publish(make_draft(model=b"\x08b"), now=1.0, who="ada", version="0.3.1").version == "0.3.1"
    )
    assert registry.aliases("bandwidth") == {"latest": "0.3.7"}
    assert (registry.root / "bandwidth" / "latest").readlink().name == "0.3.7"
    assert registry.publish(make_draft(model=b"\x08c"), now=1.0, who="ada").version == "0.4.0"


def test_the_same_content_twice_is_one_version(publish, registry, tree):
    first = publish(1)
    publish(2)
    before = tree(registry.root)
    assert publish(1) == first
    assert tree(registry.root) == before


def test_the_same_content_under_a_chosen_version_is_still_one(registry, make_draft):
    first = registry.publish(make_draft(), now=1.0, who="ada")
    assert registry.publish(make_draft(), now=2.0, who="ada", version="5.0.0") == first


def test_the_same_content_again_replaces_a_damaged_version_by_a_new_one(publish, registry):
    publish(1)
    (registry.root / "bandwidth" / "1.0.0" / "model.onnx").write_bytes(b"")
    assert publish(1).version == "1.1.0"
    assert registry.load("bandwidth", "1.1.0").model == b"\x08\x07weights 1"


def test_a_version_is_never_overwritten(registry, make_draft, tree):
    registry.publish(make_draft(), now=1.0, who="ada")
    before = tree(registry.root)
    with pytest.raises(RegistryError, match="never overwritten"):
        registry.publish(make_draft(model=b"\x08b"), now=1.0, who="ada", version="1.0.0")
    assert tree(registry.root) == before


def test_a_deleted_version_number_is_not_given_again(publish, registry, make_draft):
    publish(1)
    second = publish(2)
    shutil.rmtree(registry.root / "bandwidth" / "1.1.0")
    with pytest.raises(RegistryError, match="published already"):
        registry.publish(make_draft(model=b"\x08b"), now=1.0, who="ada", version="1.1.0")
    assert publish(3).version == "2.0.0"
    draft = make_draft(model=b"\x08\x07weights 2")
    assert registry.publish(draft, now=1.0, who="ada", version="1.1.0") == second


@pytest.mark.parametrize("version", ["1.0", "v1.0.0", "../1.0.0", "01.0.0", ""])
def test_a_chosen_version_must_be_one(registry, make_draft, version):
    with pytest.raises(InputError, match="is not a version"):
        registry.publish(make_draft(), now=1.0, who="ada", version=version)
    assert not registry.root.exists()


@pytest.mark.parametrize("model", [b"\x80\x04\x95", b"PK\x03\x04"])
def test_a_pickle_is_refused(registry, make_draft, model):
    with pytest.raises(InputError, match="is a pickle"):
        registry.publish(make_draft(model=model), now=1.0, who="ada")
    assert not registry.root.exists()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"task": "../etc"}, "task"),
        ({"task": "Band"}, "task"),
        ({"metrics": {"model": {"accuracy": "good"}}}, "metrics.model.accuracy"),
        ({"metrics": {"\udc80": {"accuracy": 1.0}}}, "cannot be written as JSON"),
        ({"golden": Golden({}, {})}, "golden vectors hold inputs"),
        ({"golden": Golden({"window": np.zeros(1), "hour": np.zeros(1)}, {})}, "golden vectors hold outputs"),
    ],
)
def test_a_draft_that_cannot_be_written_is_one_sentence(registry, make_draft, changes, sentence):
    with pytest.raises(InputError, match=sentence):
        registry.publish(make_draft(**changes), now=1.0, who="ada")
    assert not registry.root.exists()


def test_a_publisher_whose_name_cannot_be_written_leaves_nothing(registry, make_draft):
    with pytest.raises(InputError):
        registry.publish(make_draft(), now=1.0, who="\udc80")
    assert registry.list() == ()


def test_a_root_that_cannot_be_written_is_one_sentence(tmp_path, make_draft):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StorageError, match=r"registry/bandwidth cannot be written \(File exists\)"):
        Registry(tmp_path / "file" / "registry").publish(make_draft(), now=1.0, who="ada")


@pytest.fixture
def standing(tmp_path, make_draft):
    """A registry with a champion, to be copied before each try."""
    registry = Registry(tmp_path / "standing")
    registry.publish(make_draft(), now=1.0, who="ada")
    registry.promote("bandwidth", "1.0.0", now=2.0, who="ada", why="first")
    return registry.root


def tries(tmp_path, standing, faulty_disk, mode):
    """A fresh copy and a disk that fails one step later than before, until nothing fails any more."""
    for step in range(1, 100):
        root = tmp_path / f"try-{step}"
        if standing is not None:
            shutil.copytree(standing, root, symlinks=True)
        disk = faulty_disk(step, mode)
        yield Registry(root), disk
        if not disk.fired:
            assert step > 15, "the disk was never asked"
            return
    raise AssertionError("publishing never succeeded")


@pytest.mark.parametrize("mode", ["once", "full"])
@pytest.mark.parametrize("first", [True, False])
def test_a_full_disk_at_any_step_leaves_everything_as_it_was(
    tmp_path, standing, make_draft, faulty_disk, monkeypatch, tree, mode, first
):
    new = make_draft(model=b"\x08new")
    for registry, disk in tries(tmp_path, None if first else standing, faulty_disk, mode):
        before = tree(registry.root)
        with disk.broken(monkeypatch):
            refusal = None
            try:
                registry.publish(new, now=3.0, who="bob")
            except StorageError as error:
                refusal = error
        assert (refusal is not None) is disk.fired
        if refusal is not None:
            assert "No space left on device" in str(refusal)
            assert refusal.retryable
            assert tree(registry.root) == before
        registry.publish(new, now=4.0, who="bob")
        assert registry.load("bandwidth", "latest").model == b"\x08new"
        assert (registry.root / "bandwidth" / "latest" / "model.onnx").read_bytes() == b"\x08new"


@pytest.mark.parametrize("first", [True, False])
def test_a_crash_at_any_step_leaves_only_whole_versions(
    tmp_path, standing, make_draft, faulty_disk, crash, monkeypatch, first
):
    new = make_draft(model=b"\x08new")
    for registry, disk in tries(tmp_path, None if first else standing, faulty_disk, "crash"):
        with disk.broken(monkeypatch):
            try:
                registry.publish(new, now=3.0, who="bob")
            except crash:
                assert disk.fired
        for line in registry.list():
            assert registry.verify(line.task, line.version).passed
        if not first:
            assert registry.load("bandwidth").ref.version == "1.0.0"
        registry.publish(new, now=4.0, who="bob")
        assert registry.load("bandwidth", "latest").model == b"\x08new"
        assert (registry.root / "bandwidth" / "latest" / "model.onnx").read_bytes() == b"\x08new"
        history = registry.history("bandwidth")
        assert not history.note
        assert [line.who for line in history.entries].count("bob") == 1
        assert not list(registry.root.glob("*/.staging*"))


def test_everything_is_on_the_disk_before_it_is_renamed_and_the_name_before_it_is_recorded(
    standing, make_draft, monkeypatch
):
    seen = []
    rename = os.rename

    def note_rename(source, target):
        seen.append("rename")
        rename(source, target)

    monkeypatch.setattr(
        os, "fsync", lambda handle: seen.append(Path(f"/proc/self/fd/{handle}").readlink().name)
    )
    monkeypatch.setattr(os, "rename", note_rename)
    Registry(standing).publish(make_draft(model=b"\x08new"), now=3.0, who="bob")
    files = [*FILES, "manifest.json"]
    assert seen == [*files, ".staging", "rename", "bandwidth", "journal.jsonl"]


def test_publishers_at_the_same_time_get_different_versions(registry, make_draft):
    drafts = [make_draft(model=b"\x08weights %d" % number) for number in range(8)]
    start = threading.Barrier(len(drafts))

    def go(draft):
        start.wait()
        return registry.publish(draft, now=1.0, who="ada")

    with ThreadPoolExecutor(len(drafts)) as pool:
        refs = list(pool.map(go, drafts))
    assert sorted(ref.version for ref in refs) == sorted(f"1.{number}.0" for number in range(8))
    assert len(registry.history("bandwidth").entries) == 8
    for draft, ref in zip(drafts, refs, strict=True):
        assert registry.load("bandwidth", ref.version).model == draft.model


def test_publishers_of_the_same_content_at_the_same_time_get_one_version(registry, make_draft):
    start = threading.Barrier(6)

    def go(_):
        start.wait()
        return registry.publish(make_draft(), now=1.0, who="ada")

    with ThreadPoolExecutor(6) as pool:
        refs = set(pool.map(go, range(6)))
    assert {ref.version for ref in refs} == {"1.0.0"}
    assert len(registry.history("bandwidth").entries) == 1
