"""The models of an advisor as the Open Inference front ends see them."""

from collections.abc import Callable, Sequence

from dwcp.errors import ArtifactNotFoundError, GraphError, InputError
from dwcp.serving._checks import DeclinedError
from dwcp.serving._slot import Slot
from dwcp.serving.inference import ModelEntry, ModelMetadata, TensorMetadata
from dwcp.serving.local import LocalAdvisor
from dwcp.task import Arrays, Task

__all__ = ["Models"]

_ANY = -1


class Models:
    """`dwcp.serving.inference.Inference` over an advisor: both serve the same graphs, loaded once.

    Args:
        advisor: holds the models.
        wanted: tasks whose model must be in service before this is ready.
        settled: whether whoever keeps the models is done with what a restart asks.
    """

    def __init__(
        self,
        advisor: LocalAdvisor,
        wanted: Sequence[str] = (),
        *,
        settled: Callable[[], bool] = lambda: True,
    ) -> None:
        self._advisor = advisor
        self._wanted = tuple(wanted)
        self._settled = settled

    def ready(self) -> bool:
        """Whether every wanted task has a verified model, and all is as it was before a restart."""
        slots = self._advisor.slots()
        return self._settled() and all(slots[name].loaded() for name in self._wanted)

    def index(self) -> Sequence[ModelEntry]:
        """Every task with the versions that are loaded; one line without a version where none is."""
        entries = []
        for name, slot in sorted(self._advisor.slots().items()):
            loaded = slot.loaded()
            entries += [ModelEntry(name, version, "READY") for version in loaded]
            if not loaded:
                entries.append(ModelEntry(name, "", "UNAVAILABLE", slot.absence[1]))
        return entries

    def metadata(self, name: str, version: str | None = None) -> ModelMetadata:
        """What a model takes and gives."""
        slot = self._slot(name)
        model = slot.find(version)
        return ModelMetadata(
            name,
            model.ref.version,
            tuple(slot.loaded()),
            model.ref.digest,
            model.manifest.fingerprint,
            _inputs(slot.task),
            _outputs(slot.task),
        )

    def infer(self, name: str, version: str | None, arrays: Arrays) -> tuple[str, Arrays]:
        """Ask a model: the version that answered, and its answer."""
        slot = self._slot(name)
        model = slot.find(version)
        _check_batch(slot.task, arrays)
        try:
            return model.ref.version, model.infer(arrays)
        except DeclinedError as declined:
            kind = GraphError if declined.model_at_fault else InputError
            raise kind(f"{name} {model.ref.version}: {declined.detail}") from declined

    def load(self, name: str, version: str | None = None) -> None:
        """Put a version in service; without one, the champion."""
        self._slot(name)
        self._advisor.load(name, version or "champion")

    def unload(self, name: str) -> None:
        """Take a task's models out of service."""
        self._slot(name)
        self._advisor.unload(name)

    def _slot(self, name: str) -> Slot:
        slots = self._advisor.slots()
        if name not in slots:
            raise ArtifactNotFoundError(f"there is no model {name!r}; there are: {', '.join(sorted(slots))}")
        return slots[name]


def _check_batch(task: Task, arrays: Arrays) -> None:
    known = {column.name for column in task.input_spec.columns}
    if unknown := sorted(set(arrays) - known):
        raise InputError(
            f"{task.name} has no input {unknown[0]!r}; its inputs are: {', '.join(sorted(known))}"
        )
    if any(array.ndim == 0 for array in arrays.values()):
        raise InputError("an input has no batch dimension")
    sizes = {len(array) for array in arrays.values()}
    if len(sizes) != 1 or 0 in sizes:
        raise InputError(f"the inputs must all have the same batch of at least one, not {sorted(sizes)}")


def _inputs(task: Task) -> tuple[TensorMetadata, ...]:
    return tuple(
        TensorMetadata(one.name, one.dtype, (_ANY, *one.shape), one.unit, one.meaning)
        for one in task.input_spec.columns
    )


def _outputs(task: Task) -> tuple[TensorMetadata, ...]:
    return tuple(
        TensorMetadata(one.name, one.dtype, (_ANY, *one.shape), one.unit, one.meaning) for one in task.outputs
    )
