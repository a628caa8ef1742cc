"""What the tests of the documentation share: made-up files, and training that really happens once."""

import shutil
import sys
from collections.abc import Callable, Sequence
from os import environ
from pathlib import Path
from random import Random

import pytest

# What reads and runs pages.
sys.path.insert(0, str(Path(__file__).parent))

WORDS = 600


def made_up_files(folder: Path) -> None:
    """What the pages call the reader's own files: ``data``, ``photos``, ``backup.tar`` and so on."""
    rng = Random(7)
    words = ["".join(rng.choices("etaoinshrdlucm", k=rng.randint(2, 9))) for _ in range(WORDS)]

    def text(size: int) -> bytes:
        return " ".join(rng.choices(words, k=size)).encode()[:size]

    data = folder / "data"
    data.mkdir()
    for name in ("letters", "minutes", "stories"):
        (data / f"{name}.txt").write_bytes(text(40_000))
    (data / "events.log").write_bytes(b"".join(b"%06d %s\n" % (n, text(30)) for n in range(1500)))
    (data / "photo.jpg").write_bytes(rng.randbytes(50_000))
    older = text(60_000)
    newer = older[:20_000] + text(900) + older[20_000:]
    (data / "app-1.0.tar").write_bytes(older)
    (data / "app-1.1.tar").write_bytes(newer)
    (folder / "yesterday.tar").write_bytes(older)
    (folder / "backup.tar").write_bytes(newer)
    (folder / "film.mov").write_bytes(rng.randbytes(8_000_000))
    (folder / "photos" / "2024").mkdir(parents=True)
    (folder / "photos" / "album.txt").write_bytes(text(30_000))
    for name in ("beach.jpg", "hills.jpg"):
        (folder / "photos" / "2024" / name).write_bytes(rng.randbytes(200_000))
    for day, bills in (("monday", older * 4), ("tuesday", newer + older * 3)):
        (folder / day).mkdir()
        (folder / day / "bills.csv").write_bytes(bills)


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    """The folder a reader follows a page in. Keys and state are there too, never the user's own."""
    made_up_files(tmp_path)
    shutil.copytree(Path(__file__).parents[2] / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    for name in [name for name in environ if name.startswith("DWCP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DWCP_KEYS", str(tmp_path / "config" / "keys"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    # What Go has compiled once is kept beside pytest's own cache; it gets nothing from the network.
    monkeypatch.setenv("GOCACHE", str(request.config.cache.mkdir("go")))  # type: ignore[union-attr]
    monkeypatch.setenv("GOPROXY", "off")
    return tmp_path


@pytest.fixture(scope="session")
def kept_results() -> list[Path]:
    """Where the one training run of the session left its result."""
    return []


@pytest.fixture
def train_once(kept_results: list[Path], tmp_path_factory: pytest.TempPathFactory, monkeypatch) -> None:
    """Train the first time a page does; give the same result whenever a page trains again."""
    from dwcp import training
    from dwcp.training import Job, JobResult

    really = training.train_all

    def train_all(jobs: Sequence[Job], out: Path, **more: Callable[..., None]) -> tuple[JobResult, ...]:
        if not kept_results:
            [result] = really(jobs, out, **more)
            assert result.folder is not None, result.failure
            kept_results.append(tmp_path_factory.mktemp("result") / "compression")
            shutil.copytree(result.folder, kept_results[0])
        folder = out / jobs[0].task
        shutil.copytree(kept_results[0], folder, dirs_exist_ok=True)
        return (JobResult(jobs[0].task, folder),)

    monkeypatch.setattr("dwcp.training.train_all", train_all)
