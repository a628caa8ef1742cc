"""What the Open Inference front ends need: models by name and version, as named tensors in and out.

A name is a task's, a version one of its registry. Without a version, the model in service answers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from dwcp.task import Arrays

__all__ = ["Inference", "ModelEntry", "ModelMetadata", "ModelState", "TensorMetadata"]

ModelState = Literal["READY", "UNAVAILABLE"]


@dataclass(frozen=True, slots=True)
class TensorMetadata:
    """One named tensor.

    Attributes:
        name: in the graph.
        dtype: numpy's name of the element type, such as ``float32``.
        shape: with the batch dimension first, which is -1: any.
        unit: of every element, ``1`` for a plain number.
        meaning: one line.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    unit: str
    meaning: str


@dataclass(frozen=True, slots=True)
class ModelMetadata:
    """What a model takes and gives.

    Attributes:
        name: the task.
        version: that this describes.
        versions: all that are loaded, oldest first.
        digest: of the model.
        fingerprint: of the input specification.
        inputs: in the graph's order.
        outputs: in the graph's order.
    """

    name: str
    version: str
    versions: tuple[str, ...]
    digest: str
    fingerprint: str
    inputs: tuple[TensorMetadata, ...]
    outputs: tuple[TensorMetadata, ...]


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One line of the repository's index.

    Attributes:
        name: the task.
        version: empty where a task has no model.
        state: whether it can be asked.
        reason: why not, in a few words; empty where it can.
    """

    name: str
    version: str
    state: ModelState
    reason: str = ""


class Inference(Protocol):
    """Models that can be asked. Safe from any thread."""

    def ready(self) -> bool:
        """Whether every model that should serve is verified."""
        ...

    def index(self) -> Sequence[ModelEntry]:
        """Every task with its versions, loaded or not, in order."""
        ...

    def metadata(self, name: str, version: str | None = None) -> ModelMetadata:
        """What a model takes and gives.

        Raises:
            ArtifactNotFoundError: there is no such task, or no such version is loaded.
        """
        ...

    def infer(self, name: str, version: str | None, arrays: Arrays) -> tuple[str, Arrays]:
        """Ask a model: the version that answered, and named tensors of the same batch.

        Raises:
            ArtifactNotFoundError: there is no such task, or no such version is loaded.
            InputError: a tensor is missing, unknown, of another type or shape, not finite or out of range.
            GraphError: the graph failed, or its answer is no answer.
        """
        ...

    def load(self, name: str, version: str | None = None) -> None:
        """Put a version in service, verified; without one, the champion.

        Raises:
            ArtifactNotFoundError: there is none.
            RegistryError: it is refused; what served before goes on serving.
        """
        ...

    def unload(self, name: str) -> None:
        """Take a task's models out of service; its rule goes on answering hints.

        Raises:
            ArtifactNotFoundError: there is no such task.
        """
        ...
