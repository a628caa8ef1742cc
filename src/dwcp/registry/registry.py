"""The registry: every published model of every task under one folder."""

from dataclasses import dataclass
from pathlib import Path

from dwcp.errors import ArtifactNotFoundError, ArtifactRefusedError, InputError, RegistryError
from dwcp.registry._disk import exclusive, storage_errors
from dwcp.registry.artifact import Artifact, ArtifactRef, read_artifact, read_manifest
from dwcp.registry.difference import Difference, difference
from dwcp.registry.draft import Draft
from dwcp.registry.export import Layout, export
from dwcp.registry.journal import ALIASES, History, append, new_entry, read_history
from dwcp.registry.layout import LATEST, TaskFolder, task_folder, task_folders
from dwcp.registry.publish import publish
from dwcp.registry.verify import Verification, verify
from dwcp.task import Graph

__all__ = ["ListedVersion", "Registry"]


@dataclass(frozen=True, slots=True)
class ListedVersion:
    """One line of a listing."""

    task: str
    version: str
    digest: str = ""
    """BLAKE3 of the canonical manifest; empty when the manifest is damaged."""
    aliases: tuple[str, ...] = ()
    """What points at it, ``latest`` included."""
    gates_met: bool = False
    """Whether every gate was met when the model was made."""
    bytes: int = 0
    """Size of the files named by the manifest."""
    problem: str = ""
    """Why the manifest is refused; empty when it is not. Files are not read for a listing."""


class Registry:
    """Publishes, aliases and reads artifacts under ``root``; holds nothing in memory between calls.

    Every method raises `RegistryError` when a folder or a task's journal cannot be read or is damaged.

    A *reference* is an alias (``champion``, ``challenger``, ``shadow``, ``latest``) or a version (``1.4.0``).
    ``now`` is in seconds since 1970; it, ``who`` and ``why`` go into the journal.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def publish(
        self, draft: Draft, *, now: float, who: str, why: str = "", version: str | None = None
    ) -> ArtifactRef:
        """Give a draft a version and make it stand, all or nothing; the same content twice is one version.

        The version is the next one (see `dwcp.registry.publish.next_version`) unless given.

        Raises:
            InputError: the draft cannot be written, or ``version`` is not one.
            RegistryError: ``version`` stands already with other content.
            StorageError: the disk is full or may not be written; what stood before still stands.
        """
        return publish(self.root, draft, version, now=now, who=who, why=why)

    def load(self, task: str, reference: str = "champion") -> Artifact:
        """Read an artifact and hold every file against its digest.

        Raises:
            ArtifactNotFoundError: no such task, version or alias; the message lists what there is.
            ArtifactRefusedError: a file is missing or changed; the message names it and what to do.
        """
        folder, version, digest = self._resolve(task, reference)
        return read_artifact(folder, version, digest)

    def aliases(self, task: str) -> dict[str, str]:
        """Each alias that holds a version, ``latest`` included, with that version.

        Raises:
            ArtifactNotFoundError: no such task.
        """
        folder = task_folder(self.root, task)
        return _aliases(folder, read_history(folder.journal))

    def history(self, task: str) -> History:
        """Everything that was done, oldest first.

        Raises:
            ArtifactNotFoundError: no such task.
        """
        return read_history(task_folder(self.root, task).journal)

    def promote(
        self, task: str, reference: str, alias: str = "champion", *, now: float, who: str, why: str
    ) -> ArtifactRef:
        """Let an alias hold what ``reference`` stands for. Nothing is written when it holds it already.

        Whether the model deserves it (see `Manifest.gates_met`) is the caller's decision.

        Raises:
            InputError: the alias is not one that can be moved.
            ArtifactNotFoundError: no such task, version or alias.
            ArtifactRefusedError: a file of the artifact is missing or changed; the alias stays.
            StorageError: the disk is full or may not be written; the alias stays.
        """
        _movable(alias)
        folder = task_folder(self.root, task)
        with storage_errors(folder.path), exclusive(folder.path):
            ref = self.load(task, reference).ref
            previous = read_history(folder.journal).aliases().get(alias)
            if previous != ref.version:
                entry = new_entry(
                    now=now,
                    who=who,
                    action="promote",
                    alias=alias,
                    previous=previous,
                    version=ref.version,
                    digest=ref.digest,
                    why=why,
                )
                append(folder.journal, entry)
        return ref

    def rollback(
        self, task: str, alias: str = "champion", *, now: float, who: str, why: str
    ) -> ArtifactRef | None:
        """Let an alias hold again what it held before its last promotion.

        Rolling back again goes one further back. Before the first promotion the alias held nothing: rolling
        that back leaves it holding nothing, so the fallback answers.

        Returns:
            What the alias holds now; None when it holds nothing.

        Raises:
            InputError: the alias is not one that can be moved.
            ArtifactNotFoundError: no such task, or what the alias held before was deleted; the alias stays.
            ArtifactRefusedError: what the alias held before is damaged; the alias stays.
            RegistryError: the alias holds nothing.
            StorageError: the disk is full or may not be written; the alias stays.
        """
        _movable(alias)
        folder = task_folder(self.root, task)
        with storage_errors(folder.path), exclusive(folder.path):
            held = read_history(folder.journal).held(alias)
            if not held:
                raise RegistryError(f"{alias} of {task} holds nothing that could be rolled back")
            ref = self.load(task, held[-2]).ref if len(held) > 1 else None
            entry = new_entry(
                now=now,
                who=who,
                action="rollback",
                alias=alias,
                previous=held[-1],
                version=ref.version if ref else None,
                digest=ref.digest if ref else None,
                why=why,
            )
            append(folder.journal, entry)
        return ref

    def list(self) -> tuple[ListedVersion, ...]:
        """Every version of every task, by task and number; a damaged one is listed with its problem."""
        return tuple(line for folder in task_folders(self.root) for line in _listed(folder))

    def diff(self, task: str, a: str, b: str) -> Difference:
        """Lay two references of a task side by side.

        Raises:
            ArtifactNotFoundError: no such task, version or alias.
            ArtifactRefusedError: a manifest is damaged.
        """
        return difference(read_manifest(*self._resolve(task, a)), read_manifest(*self._resolve(task, b)))

    def verify(self, task: str, reference: str = "champion", graph: Graph | None = None) -> Verification:
        """Check everything about a version; what is wrong is in the answer, not raised.

        Args:
            task: the task's name.
            reference: an alias or a version.
            graph: the artifact's graph under some runtime; its golden answers are checked when given.

        Raises:
            ArtifactNotFoundError: no such task, version or alias.
            DwcpError: whatever the graph raises when it cannot be run.
        """
        return verify(*self._resolve(task, reference), graph)

    def export(self, task: str, reference: str, out: Path, layout: Layout) -> Path:
        """Write an artifact in a layout others serve from; gives the folder that was made.

        Raises:
            ArtifactNotFoundError: no such task, version or alias.
            ArtifactRefusedError: a file is missing or changed.
            InputError: that folder stands already, or the artifact cannot be said in this layout.
            StorageError: the disk is full or may not be written.
        """
        return export(self.load(task, reference), out, layout)

    def _resolve(self, task: str, reference: str) -> tuple[TaskFolder, str, str | None]:
        folder = task_folder(self.root, task)
        history = read_history(folder.journal)
        aliases = _aliases(folder, history)
        version = aliases.get(reference, reference)
        if version not in folder.versions():
            held = ", ".join(f"{alias} = {version}" for alias, version in aliases.items())
            raise ArtifactNotFoundError(
                f"{task} has no {reference!r}; it has the versions {', '.join(folder.versions())} ({held})"
            )
        return folder, version, history.digest_of(version)


def _aliases(folder: TaskFolder, history: History) -> dict[str, str]:
    return history.aliases() | {LATEST: folder.versions()[-1]}


def _movable(alias: str) -> None:
    if alias not in ALIASES:
        raise InputError(f"{alias!r} is not an alias that can be moved; those are {', '.join(ALIASES)}")


def _listed(folder: TaskFolder) -> list[ListedVersion]:
    history = read_history(folder.journal)
    aliases = _aliases(folder, history)
    return [
        _listed_version(
            folder, version, history, tuple(sorted(a for a, v in aliases.items() if v == version))
        )
        for version in folder.versions()
    ]


def _listed_version(
    folder: TaskFolder, version: str, history: History, aliases: tuple[str, ...]
) -> ListedVersion:
    try:
        manifest = read_manifest(folder, version, history.digest_of(version))
    except ArtifactRefusedError as error:
        return ListedVersion(folder.task, version, aliases=aliases, problem=str(error))
    return ListedVersion(
        task=folder.task,
        version=version,
        digest=manifest.digest,
        aliases=aliases,
        gates_met=manifest.gates_met,
        bytes=sum(entry.bytes for entry in manifest.files.values()),
    )
