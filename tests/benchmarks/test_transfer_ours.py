"""Our own rows: the plain one first, each with one thing changed, none remembering the one before."""

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from benchmarks.transfer import ours, trees
from benchmarks.transfer.nonsense import Nonsense
from benchmarks.transfer.plan import at


@pytest.fixture
def job(corpus: Path, tmp_path: Path) -> trees.Job:
    return trees.second_version(corpus, tmp_path / "job", 1.0)


def names(point: ours.Point, job: trees.Job, home: Path) -> list[str]:
    return [peer.name for peer in ours.ours(point, job, home)]


def test_the_plain_row_is_first_and_a_reference_needs_an_old_version(job: trees.Job, tmp_path: Path) -> None:
    found = names(at(100, 100), job, tmp_path)
    assert found[0] == ours.PLAIN
    assert found[-1] == ours.OLD_AT_HAND
    assert "dwcp, published formula: 3 streams" in found
    assert ours.OLD_AT_HAND not in names(at(None), replace(job, changed=()), tmp_path)
    assert all(map(ours.is_ours, found))
    assert not ours.is_ours("rsync")


def test_nothing_is_remembered_and_the_champion_is_linked(job: trees.Job, tmp_path: Path) -> None:
    (tmp_path / "registry").mkdir()
    work = tmp_path / "work"
    work.mkdir()
    for peer in ours.ours(at(100), job, tmp_path):
        assert all(value.startswith("{work}/") for _, value in peer.environment)
        assert set(re.findall(r"{(\w+)}", peer.send)) <= {"verb", "source", "address", "port", "before"}
    first = ours.ours(at(100), job, tmp_path)[0]
    subprocess.run(["bash", "-ec", first.prepare.format(work=work)], check=True)
    assert (work / "home" / "registry").resolve() == (tmp_path / "registry").resolve()
    assert ours.ours(at(100), job, tmp_path / "nowhere")[0].prepare == ""


def test_what_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    ours.missing.cache_clear()
    monkeypatch.setattr(ours, "_PROGRAM", Path("nowhere/dwcp"))
    assert "is not there" in str(ours.missing())
    ours.missing.cache_clear()


def test_nonsense_is_nonsense() -> None:
    advisor = Nonsense()
    actions = {str(advisor.ask("compression", None).action) for _ in range(300)}
    assert {"None", "sixteen", "none", "zstd-19", "delta-3"} <= actions
