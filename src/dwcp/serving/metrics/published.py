"""What the registry says of each task's models: enough for their ages, and for who is champion."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from dwcp.errors import ArtifactNotFoundError
from dwcp.registry import ListedVersion, Registry

__all__ = ["Published", "PublishedModel", "read_published"]


class PublishedModel(Struct, frozen=True):
    """A version in the registry.

    Attributes:
        version: its number.
        digest: of its manifest, BLAKE3 as hex; empty where that is damaged.
        published_s: when, in seconds since 1970; None where the journal does not know.
        gates_met: whether it met every gate when it was made.
        problem: why it is refused; empty where it is not.
    """

    version: str
    digest: str
    published_s: float | None
    gates_met: bool
    problem: str = ""


class Published(Struct, frozen=True):
    """A task's models in the registry.

    Attributes:
        models: by version.
        aliases: the version that each alias holds.
        publications: how often a model was published.
    """

    models: Mapping[str, PublishedModel]
    aliases: Mapping[str, str]
    publications: int


def read_published(registry: Registry, tasks: Iterable[str]) -> Mapping[str, Published]:
    """Read manifests and journals; a task that the registry does not know is left out.

    Args:
        registry: where models are.
        tasks: which tasks.

    Raises:
        RegistryError: a folder or a journal cannot be read.
    """
    listed: dict[str, list[ListedVersion]] = {}
    for line in registry.list():
        listed.setdefault(line.task, []).append(line)
    found = {}
    for task in tasks:
        if task in listed:
            try:
                found[task] = _of_task(registry, task, listed[task])
            except ArtifactNotFoundError:
                continue
    return found


def _of_task(registry: Registry, task: str, lines: Sequence[ListedVersion]) -> Published:
    history = registry.history(task)
    published = [entry for entry in history.entries if entry.action == "publish"]
    # A version that is published again with the same content is as old as at first.
    times = {entry.version: entry.when_s for entry in reversed(published)}
    models = {
        line.version: PublishedModel(
            line.version, line.digest, times.get(line.version), line.gates_met, line.problem
        )
        for line in lines
    }
    return Published(models, history.aliases(), len(published))
