"""The storage benchmark: sets of versions, runs that are compared, figures and gates."""

import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from random import Random

import pytest
from benchmarks.storage.contenders import ARCHIVE, CONTENDERS, EXACT, OURS, Contender
from benchmarks.storage.figures import as_json, gated
from benchmarks.storage.growth import as_json as growth_as_json
from benchmarks.storage.growth import sparse_set
from benchmarks.storage.runs import Run, run
from benchmarks.storage.sets import VersionSet, corpus_sets, given_set, released_sets

from dwcp.errors import InputError

ROOT = Path(__file__).parents[2]


def small_set(tmp_path: Path) -> VersionSet:
    rng = Random(6)
    text = b"".join(b"%d is a number\n" % rng.randrange(9**12) for _ in range(3000))
    for number, content in enumerate((text, text[:20_000] + b"new" + text[20_000:])):
        folder = tmp_path / "given" / str(number)
        (folder / "below").mkdir(parents=True)
        (folder / "below" / "file").write_bytes(content)
        (folder / "link").symlink_to("below/file")
    return given_set([tmp_path / "given" / "0", tmp_path / "given" / "1"], tmp_path / "work")


@pytest.mark.slow
@pytest.mark.parametrize("contender", CONTENDERS, ids=lambda one: one.name)
def test_every_contender_gives_everything_back(contender: Contender, tmp_path: Path) -> None:
    if contender.missing():
        pytest.skip(str(contender.missing()))
    found = run(contender, small_set(tmp_path), tmp_path)
    assert found.problem is None
    assert 1000 < found.stored_bytes < 500_000
    assert len(found.put_s) == len(found.get_s) == 2
    assert found.put_mib > 1
    assert (found.tried > 0) == (contender is OURS)


def test_what_differs_is_told_and_a_command_that_fails_too(tmp_path: Path) -> None:
    versions = small_set(tmp_path)
    forgetful = Contender("forgetful", "true", "true", "mkdir {destination}/below", "bash")
    problem = run(forgetful, versions, tmp_path).problem
    assert problem is not None
    assert "on one side only" in problem
    broken = Contender("broken", "true", "echo it is broken; exit 3", "true", "no-such-program")
    with pytest.raises(InputError, match="it is broken"):
        run(broken, versions, tmp_path)
    assert broken.missing() == "no-such-program is not installed"


def test_sets_of_a_corpus(tmp_path: Path, corpus: Path) -> None:
    [pair] = corpus_sets(corpus, tmp_path)
    assert (pair.name, pair.is_archive) == ("mem_heap_t1.bin -> mem_heap_t2.bin", True)
    assert [path.name for folder in pair.versions for path in folder.iterdir()] == ["mem_heap_t2.bin"] * 2
    assert pair.plain_bytes == sum(int(str(one["bytes"])) for one in pair.data.values())
    with pytest.raises(InputError, match="holds no two versions"):
        list(corpus_sets(tmp_path, tmp_path))


def test_releases_that_are_there_are_not_fetched(tmp_path: Path) -> None:
    downloads = tmp_path / "downloads"
    downloads.mkdir()
    (tmp_path / "setup.py").write_text("print('hello')")
    for version in ("5.1", "5.1.8", "5.2"):
        with tarfile.open(downloads / f"Django-{version}.tar.gz", "w:gz") as tar:
            tar.add(tmp_path / "setup.py", f"Django-{version}/setup.py")
    for version in ("44.0.2", "44.0.3"):
        with zipfile.ZipFile(downloads / f"cryptography-{version}-cp39-any.whl", "w") as wheel:
            wheel.writestr("cryptography/__init__.py", version)
    work = tmp_path / "work"
    work.mkdir()
    trees, archives, wheels = released_sets(downloads, work)
    assert [one.is_archive for one in (trees, archives, wheels)] == [False, True, False]
    assert [folder.name for folder in trees.versions] == ["data"] * 3
    assert all((folder / "setup.py").is_file() for folder in trees.versions)
    assert (wheels.versions[1] / "cryptography" / "__init__.py").read_text() == "44.0.3"


@pytest.mark.parametrize("folders", [[], ["one"], ["one", "nowhere"]])
def test_versions_that_are_none_are_refused(folders: list[str], tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    with pytest.raises(InputError, match="two folders or more"):
        given_set([tmp_path / name for name in folders], tmp_path / "work")


def a_run(stored_bytes: int, useless: int = 0, problem: str | None = None) -> Run:
    return Run(stored_bytes, 10, (1.0, 1.0), 0.0, (0.5, 0.5), 20.0, 10.0, 1.5, 100, useless, problem)


def test_figures_are_the_worst_of_all_sets(tmp_path: Path) -> None:
    versions = small_set(tmp_path)
    good = {OURS.name: a_run(50), EXACT.name: a_run(100), "restic": a_run(80), ARCHIVE.name: a_run(25)}
    worse = {OURS.name: a_run(90, 4), EXACT.name: a_run(100), "restic": a_run(120, problem="gone")}
    found = {"good": (versions, good), "worse": (versions, worse)}
    figures = gated(found)
    assert figures["least_saving_over_exact"] == pytest.approx(0.1)
    assert figures["largest_share_of_restic"] == pytest.approx(0.75)
    assert "largest_share_of_borg" not in figures
    assert figures["largest_useless_share"] == pytest.approx(0.04)
    assert figures["exact_share"] == pytest.approx(6 / 7)
    ours = json.loads(json.dumps(as_json(found)))["good"]["contenders"][OURS.name]
    assert (ours["share_of_exact"], ours["share_of_archive"], ours["share_of_git"]) == (0.5, 2.0, None)


def command(module: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        capture_output=True, text=True, check=False, timeout=120, cwd=ROOT, env=dict(os.environ),
    )  # fmt: skip


@pytest.mark.slow
def test_two_folders_are_stored_and_written_down(tmp_path: Path) -> None:
    small_set(tmp_path)
    folders = [tmp_path / "given" / name for name in "01"]
    done = command("benchmarks.storage", "--data", *folders, "--only", "dwcp", "--results", tmp_path)
    assert done.returncode == 1, done.stderr
    assert "largest_share_of_borg: missing (gate <= 0.999) short" in done.stdout
    figures = json.loads((tmp_path / "storage.json").read_bytes())["figures"]
    assert figures["gated"]["exact_share"] == 1.0
    assert list(figures["sets"]["0 -> 1"]["contenders"]) == [OURS.name, EXACT.name]


def test_what_is_missing_is_one_sentence(tmp_path: Path) -> None:
    done = command("benchmarks.storage", "--corpus", "nowhere")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith("there is no corpus at nowhere")
    done = command("benchmarks.storage", "--data", tmp_path, "nowhere")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


@pytest.mark.slow
def test_the_index_is_measured_and_written_down(corpus: Path, tmp_path: Path) -> None:
    done = command(
        "benchmarks.dedup_index", "--most", 10_000, "--originals", 20, "--corpus", corpus,
        "--no-releases", "--results", tmp_path,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    content = json.loads((tmp_path / "dedup-index.json").read_bytes())
    assert [row["blocks"] for row in content["figures"]["growth"]] == [10_000, 10_000]
    [policies] = content["figures"]["version_sets"].values()
    assert {"fallback", "none", "oracle"} <= set(policies)


def test_growth_is_measured_on_files_that_are_mostly_holes(tmp_path: Path) -> None:
    versions = sparse_set(2, tmp_path, file_bytes=32 << 20, data_mib=4)
    assert versions.plain_bytes == 64 << 20
    on_disk = sum(512 * path.stat().st_blocks for path in versions.versions[0].iterdir())
    assert 8 << 20 <= on_disk < 12 << 20
    found = run(OURS, versions, tmp_path)
    assert found.problem is None
    [row] = growth_as_json([(2, {OURS.name: found})])
    assert row["put_data_mb_per_s"] > 0
