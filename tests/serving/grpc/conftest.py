"""A server on TCP and on a Unix socket, with a model in memory and the tasks' own rules."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc
import numpy as np
import pytest

from dwcp.errors import ArtifactNotFoundError, ArtifactRefusedError, InputError
from dwcp.serving import FallbackAdvisor
from dwcp.serving.access import ALL_RIGHTS, Access, Caller, InFlight, Limits, Right
from dwcp.serving.grpc import GrpcServer, GrpcSettings
from dwcp.serving.hints import Hints
from dwcp.serving.inference import ModelEntry, ModelMetadata, TensorMetadata
from dwcp.serving.tensors import TensorLimits
from dwcp.task import Arrays
from dwcp.tasks import discover

TOKENS = {
    "all": Caller("everything", ALL_RIGHTS),
    "hints": Caller("a store", frozenset({Right.HINTS})),
    "infer": Caller("a client", frozenset({Right.INFER})),
}
NAMES = ("x", "n")


@dataclass
class Sums:
    """`Inference`: ``total`` is the sum of each row of ``x``, ``twice`` is ``n`` doubled."""

    is_ready: bool = True
    versions: list[str] = field(default_factory=lambda: ["1.0.0", "1.1.0"])
    is_broken: bool = False

    def ready(self) -> bool:
        return self.is_ready

    def index(self) -> Sequence[ModelEntry]:
        entries = [ModelEntry("sums", version, "READY") for version in self.versions]
        if not entries:
            entries = [ModelEntry("sums", "", "UNAVAILABLE", "no model has been loaded")]
        return [*entries, ModelEntry("idle", "", "UNAVAILABLE", "no model has been loaded")]

    def metadata(self, name: str, version: str | None = None) -> ModelMetadata:
        found = self._version(name, version)
        inputs = (
            TensorMetadata("x", "float32", (-1, 3), "1", "a row"),
            TensorMetadata("n", "int64", (-1,), "1", "a number"),
        )
        outputs = (
            TensorMetadata("total", "float32", (-1,), "1", "sum of the row"),
            TensorMetadata("twice", "int64", (-1,), "1", "the number doubled"),
        )
        return ModelMetadata("sums", found, tuple(self.versions), "d" * 64, "f" * 64, inputs, outputs)

    def infer(self, name: str, version: str | None, arrays: Arrays) -> tuple[str, Arrays]:
        found = self._version(name, version)
        if self.is_broken:
            raise ZeroDivisionError("a secret of the program")
        missing = [one for one in NAMES if one not in arrays]
        if missing:
            raise InputError(f"input {missing[0]} is missing")
        return found, {"total": arrays["x"].sum(axis=1), "twice": arrays["n"] * 2}

    def load(self, name: str, version: str | None = None) -> None:
        if name != "sums":
            raise ArtifactNotFoundError(f"there is no model {name!r}")
        if version == "9.9.9":
            raise ArtifactRefusedError("9.9.9 does not give its golden answers")
        self.versions.append(version or "2.0.0")

    def unload(self, name: str) -> None:
        if name != "sums":
            raise ArtifactNotFoundError(f"there is no model {name!r}")
        self.versions.clear()

    def _version(self, name: str, version: str | None) -> str:
        if name != "sums" or not self.versions or (version and version not in self.versions):
            raise ArtifactNotFoundError(f"there is no model {name!r} of version {version or 'any'}")
        return version or self.versions[-1]


class Rules(FallbackAdvisor):
    """The tasks' own rules; keeps what it is told."""

    def __init__(self) -> None:
        super().__init__({name: task.fallback() for name, task in discover().items()})
        self.asked: list[tuple[str, str, str]] = []
        self.observed: list[tuple[str, Any, Any, Any]] = []

    def ask(self, task_name: str, context: Any, *, unit: str = "", region: str = "") -> Any:
        self.asked.append((task_name, unit, region))
        return super().ask(task_name, context)

    def observe(self, task_name: str, context: Any, action: Any, outcome: Any) -> None:
        self.observed.append((task_name, context, action, outcome))


@dataclass
class Served:
    """A running server, and what it stands on."""

    server: GrpcServer
    models: Sums
    advisor: Rules
    in_flight: InFlight

    @property
    def tcp(self) -> str:
        return self.server.addresses[0]

    @property
    def unix(self) -> str:
        return self.server.addresses[1]


LIMITS = Limits(max_body_bytes=1 << 20, max_concurrent=4, tensors=TensorLimits(max_batch=64))


def served_at(listen: Sequence[str], tokens: dict[str, Caller] | None = None, **settings: Any) -> Served:
    """A server that has begun; the Unix socket lets everybody do everything."""
    everybody = Access({}, Caller("everybody", ALL_RIGHTS))
    access = everybody if tokens is None else Access(tokens, Caller("nobody", frozenset()))
    in_flight, models, advisor = InFlight(LIMITS.max_concurrent), Sums(), Rules()
    made = GrpcSettings(access, everybody, LIMITS, threads=4, **settings)
    server = GrpcServer(models, Hints(advisor), made, listen, in_flight)
    server.start()
    return Served(server, models, advisor, in_flight)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Without tokens."""
    made = served_at(["127.0.0.1:0", f"unix:{tmp_path_factory.mktemp('run') / 's'}"])
    yield made
    made.server.stop(0.0)


@pytest.fixture
def served(running: Served) -> Served:
    """The same, with models and records as at the start."""
    running.models.__init__()  # type: ignore[misc]
    running.advisor.asked.clear()
    running.advisor.observed.clear()
    return running


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """With tokens over TCP."""
    made = served_at(["127.0.0.1:0", f"unix:{tmp_path_factory.mktemp('run') / 's'}"], TOKENS)
    yield made
    made.server.stop(0.0)


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    """Makes servers that end with the test."""
    made: list[Served] = []

    def begin(*listen: str, tokens: dict[str, Caller] | None = None, **settings: Any) -> Served:
        made.append(served_at(listen, tokens, **settings))
        return made[-1]

    yield begin
    for one in made:
        one.server.stop(0.0)


@pytest.fixture
def rows() -> dict[str, np.ndarray[Any, Any]]:
    """Two rows for the model."""
    return {"x": np.array([[1, 2, 3], [4, 5, 6.5]], np.float32), "n": np.array([7, -(2**40)], np.int64)}


@pytest.fixture
def channel(served: Served) -> Iterator[grpc.Channel]:
    """To the server without tokens, over TCP."""
    with grpc.insecure_channel(served.tcp) as opened:
        yield opened
