"""A task's place in an advisor: the model in service, those beside it, or why there is none."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from dwcp.errors import ArtifactNotFoundError, DwcpError
from dwcp.serving._served import ServedModel, ServedPolicy, Service
from dwcp.serving.hint import ModelRef, Reason
from dwcp.task import LearnsOnline, Task

__all__ = ["ONLINE", "Slot"]

ONLINE = "online"
"""The version that hints name where a policy learned while it served."""


class Slot:
    """What answers a task's questions.

    Models are replaced whole, so a hint sees one or the other; a replaced model lives on until the last hint
    that began with it ends.

    Args:
        task: whose place it is.
        service: on what terms models serve.
        min_confidence: below this a policy that learns online declines.
    """

    def __init__(self, task: Task, service: Service, min_confidence: float) -> None:
        self.task = task
        self.fallback = task.fallback()
        self.changing = threading.Lock()
        """Held by whoever changes or copies what the fallback remembers."""
        self.min_confidence = min_confidence
        self.beside: dict[str, ServedModel] = {}
        """Models by version that answer only when they are asked for by version."""
        self._service = service
        self.model: ServedPolicy | None = self._without_model()
        self.absence = (Reason.FALLBACK_NO_MODEL, "no model has been loaded")

    def answering(self, version: str) -> ServedPolicy | None:
        """The model of a version, or the one in service where that is not here; empty: the one in service."""
        return self.beside.get(version, self.model) if version else self.model

    def known(self, version: str) -> ServedPolicy | None:
        """Who has that version, in service or beside; None where it is gone."""
        model = self.model
        return model if model is not None and model.ref.version == version else self.beside.get(version)

    def loaded(self) -> dict[str, ServedModel]:
        """Every model here, by version; the one in service is the last."""
        found = dict(self.beside)
        if isinstance(self.model, ServedModel):
            found.pop(self.model.ref.version, None)
            found[self.model.ref.version] = self.model
        return found

    def find(self, version: str | None) -> ServedModel:
        """A model by version; without one, the model in service.

        Raises:
            ArtifactNotFoundError: it is not loaded.
        """
        found = self.loaded()
        model = self.model if version is None else found.get(version)
        if isinstance(model, ServedModel):
            return model
        name = self.task.name
        if version is None:
            raise ArtifactNotFoundError(f"{name} has no model in service: {self.absence[1]}")
        have = ", ".join(found) or "none"
        raise ArtifactNotFoundError(f"{name} {version} is not loaded; the versions that are: {have}")

    def clear(self) -> None:
        """Take all models out of service."""
        self.model = self._without_model()
        self.beside = {}
        self.absence = (Reason.FALLBACK_NO_MODEL, "the model was taken out of service")

    @contextmanager
    def failing_as(self, reason: Reason) -> Iterator[None]:
        """Keep what goes wrong inside as the reason there is no model."""
        try:
            yield
        except DwcpError as error:
            self.absence = (reason, str(error))
            raise

    def _without_model(self) -> ServedPolicy | None:
        if not isinstance(self.task, LearnsOnline):
            return None
        ref = ModelRef(self.task.name, ONLINE, "")
        return ServedPolicy(self.task, ref, self.task.online(), self._service, self.min_confidence)
