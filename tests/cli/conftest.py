"""Running the command line in this process, on tiny tables; training is done once."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from dwcp.cli.app import main
from dwcp.tasks.compression.examples import simulated_blocks
from dwcp.tasks.compression.table import write_table


@dataclass(frozen=True)
class Outcome:
    """What a command ended with."""

    status: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """The one sentence of an error; fails when there is none, more than one, or a traceback."""
        said = [line for line in self.err.splitlines() if line.startswith("dwcp: ")]
        assert len(said) == 1, self.err
        assert "Traceback" not in self.err
        assert self.status != 0
        return said[0].removeprefix("dwcp: ")


Run = Callable[..., Outcome]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def run(home: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run ``dwcp`` with these words in a home of its own."""

    def call(*words: object) -> Outcome:
        capsys.readouterr()
        status = main(["--home", str(home), *map(str, words)])
        said = capsys.readouterr()
        return Outcome(status, said.out, said.err)

    return call


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of 120 simulated blocks."""
    path = tmp_path_factory.mktemp("simulated") / "simulated.parquet"
    write_table(simulated_blocks(120, np.random.default_rng(5)), path)
    return path


@dataclass(frozen=True)
class Trained:
    """One training run: its home, the folder of its result, what was said."""

    home: Path
    folder: Path
    out: str
    status: int


@pytest.fixture(scope="session")
def trained(simulated: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A model trained by the command line, published, and champion of an otherwise empty registry."""
    from contextlib import redirect_stdout
    from io import StringIO

    home = tmp_path_factory.mktemp("trained")
    words = ["--home", str(home), "--quiet", "train", "compression", "--data", str(simulated)]
    with redirect_stdout(StringIO()) as said:
        status = main([*words, "--epochs", "1", "--out", str(home / "out")])
    return Trained(home, home / "out" / "compression", said.getvalue(), status)


@pytest.fixture
def with_model(trained: Trained, home: Path) -> Path:
    """A home of its own with the trained model as champion; gives the registry."""
    shutil.copytree(trained.home / "registry", home / "registry", symlinks=True)
    return home / "registry"


@pytest.fixture
def steady_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calibration takes a second and is tested by itself."""
    speed = (("none", 0.1), ("zstd-3", 3.0))
    monkeypatch.setattr("dwcp.tasks.compression.calibration.calibrate", lambda: speed)
    monkeypatch.setattr("dwcp.tasks.compression.measure.calibrate", lambda: speed)
