import errno
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dwcp.evaluation.gates import Gate
from dwcp.features.spec import InputColumn, InputSpec
from dwcp.registry import ArtifactRef, Draft, Golden, Registry
from dwcp.task import Arrays, OutputColumn

DraftMaker = Callable[..., Draft]
Publisher = Callable[..., ArtifactRef]


class Doubler:
    """Stands in for a runtime: gives twice the sum of the window, off by ``error``."""

    def __init__(self, error: float = 0.0) -> None:
        self.error = error

    def run(self, arrays: Arrays) -> Arrays:
        window: Any = arrays["window"]
        return {"mbps": (window.sum(axis=1) * 2 + self.error).astype(np.float32)}


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting for the disk takes most of the time and shows nothing; its order is tested by itself."""
    monkeypatch.setattr(os, "fsync", lambda _handle: None)


@pytest.fixture
def doubler() -> Callable[..., Doubler]:
    return Doubler


@pytest.fixture
def make_draft() -> DraftMaker:
    def make(
        task: str = "bandwidth",
        *,
        model: bytes = b"\x08\x07weights",
        unit: str = "Mbit/s",
        accuracy: float = 0.97,
        golden: Golden | None = None,
        metrics: Mapping[str, Mapping[str, float]] | None = None,
    ) -> Draft:
        window = np.arange(6, dtype=np.float32).reshape(2, 3)
        gate = Gate("accuracy", 0.95, "at_least", "how often right")
        return Draft(
            input_spec=InputSpec(
                task=task,
                columns=(
                    InputColumn("window", "float32", (3,), unit, "throughput, oldest first", low=0.0),
                    InputColumn("hour", "int64", (), "h", "hour of day", 0.0, 23.0),
                ),
                vocabularies=(("candidates", ("none", "zstd")),),
            ),
            outputs=(OutputColumn("mbps", "float32", (), "Mbit/s", "next throughput"),),
            kind="batch",
            model=model,
            golden=golden
            or Golden(
                inputs={"window": window, "hour": np.array([3, 4])},
                outputs={"mbps": np.array([6, 24], dtype=np.float32)},
            ),
            card="# Bandwidth\n",
            report={"rows": 12, "skill": float("nan")},
            metrics=metrics or {"model": {"accuracy": accuracy}, "last value": {"accuracy": 0.9}},
            gates=(gate.check(accuracy),),
            data="simulated links, 12 rows",
            data_fingerprint="ab" * 16,
            seed=42,
            libraries={"onnx": "1.17", "torch": "2.13.0"},
            instruction_set="x86-64-v3",
        )

    return make


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "registry")


@pytest.fixture
def publish(registry: Registry, make_draft: DraftMaker) -> Publisher:
    """Publish a draft whose model ends in the given number; time is that number, too."""

    def go(number: int = 0, **changes: Any) -> ArtifactRef:
        draft = make_draft(model=b"\x08\x07weights %d" % number, **changes)
        return registry.publish(draft, now=float(number), who="ada", why="trained")

    return go


class Crash(BaseException):
    """The machine went away: nothing after this reaches the disk."""


class FaultyDisk:
    """Lets writing go wrong at one step, counted from 1.

    Modes: ``once`` fails that step alone; ``full`` fails it and all later ones that need space; ``crash``
    lets nothing at all happen from that step on. The failing write leaves half its bytes behind.
    """

    NEEDS_SPACE = ("write", "fsync", "mkdir", "symlink", "open")
    MOVES = ("rename", "replace")
    FREES = ("unlink", "rmdir", "ftruncate", "truncate")

    def __init__(self, step: int, mode: str) -> None:
        self.step, self.mode, self.done = step, mode, 0

    @property
    def fired(self) -> bool:
        return self.done >= self.step

    @contextmanager
    def broken(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        with monkeypatch.context() as patch:
            for name in (*self.NEEDS_SPACE, *self.MOVES, *self.FREES):
                patch.setattr(os, name, self._wrap(name, getattr(os, name)))
            yield

    def _wrap(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            if name == "open" and not arguments[1] & os.O_CREAT:
                return real(*arguments, **named)
            if self.mode != "crash" and name in self.FREES:
                return real(*arguments, **named)
            self.done += 1
            if self._fails(name):
                if name == "write" and self.done == self.step:
                    handle, content = arguments
                    real(handle, content[: len(content) // 2])
                raise Crash if self.mode == "crash" else OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return real(*arguments, **named)

        return call

    def _fails(self, name: str) -> bool:
        if self.done == self.step:
            return True
        return self.done > self.step and (
            self.mode == "crash" or (self.mode == "full" and name in self.NEEDS_SPACE)
        )


@pytest.fixture
def faulty_disk() -> type[FaultyDisk]:
    return FaultyDisk


@pytest.fixture
def crash() -> type[Crash]:
    return Crash


@pytest.fixture
def tree() -> Callable[[Path], dict[str, bytes]]:
    """Everything a reader can see under a folder: locks and empty journals say nothing."""

    def read(root: Path) -> dict[str, bytes]:
        found = {}
        for path in root.rglob("*"):
            name = str(path.relative_to(root))
            if path.is_symlink():
                found[name] = b"-> " + os.fsencode(path.readlink())
            elif path.is_file() and path.name != ".lock" and path.stat().st_size:
                found[name] = path.read_bytes()
        return found

    return read
