"""Where things lie: ``<root>/<task>/<version>/`` with five files, beside a journal and a link.

::

    <root>/compression/1.0.0/model.onnx  manifest.json  golden.json  card.md  report.json
    <root>/compression/1.1.0/...
    <root>/compression/latest -> 1.1.0      for readers that know nothing of this package
    <root>/compression/journal.jsonl        aliases and their history
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dwcp.errors import ArtifactNotFoundError, InputError, RegistryError

__all__ = [
    "CARD",
    "FILES",
    "GOLDEN",
    "JOURNAL",
    "LATEST",
    "MANIFEST",
    "MODEL",
    "REPORT",
    "VERSION_PATTERN",
    "TaskFolder",
    "parse_version",
    "task_folder",
    "task_folders",
]

MODEL, GOLDEN, CARD, REPORT, MANIFEST = "model.onnx", "golden.json", "card.md", "report.json", "manifest.json"
FILES = (MODEL, GOLDEN, CARD, REPORT)
"""The files whose digests the manifest holds; the manifest itself is not among them."""
JOURNAL = "journal.jsonl"
LATEST = "latest"

_TASK = re.compile(r"[a-z][a-z0-9_]*")
_NUMBER = "(0|[1-9][0-9]*)"
VERSION_PATTERN = rf"^{_NUMBER}\.{_NUMBER}\.{_NUMBER}$"
"""What a version looks like, as a regular expression."""
_VERSION = re.compile(VERSION_PATTERN)


def parse_version(text: str) -> tuple[int, int, int]:
    """``1.10.0`` as numbers that sort.

    Raises:
        InputError: not three numbers with dots between them.
    """
    match = _VERSION.fullmatch(text)
    if match is None:
        raise InputError(f"{text!r} is not a version; write three numbers, like 1.4.0")
    major, minor, patch = (int(number) for number in match.groups())
    return major, minor, patch


@dataclass(frozen=True, slots=True)
class TaskFolder:
    """One task's place in a registry; it need not exist yet."""

    root: Path
    task: str

    @property
    def path(self) -> Path:
        """The task's folder."""
        return self.root / self.task

    @property
    def journal(self) -> Path:
        """The file that holds the task's history."""
        return self.path / JOURNAL

    def version(self, version: str) -> Path:
        """The folder of one version."""
        return self.path / version

    def versions(self) -> tuple[str, ...]:
        """The versions that stand, oldest number first.

        Raises:
            RegistryError: the folder cannot be read.
        """
        names = _names(self.path, lambda entry: entry.is_dir() and not entry.is_symlink())
        return tuple(sorted((name for name in names if _VERSION.fullmatch(name)), key=parse_version))


def task_folder(root: Path, task: str) -> TaskFolder:
    """The folder of a task that has at least one version.

    Raises:
        ArtifactNotFoundError: there is none; the message lists the tasks that there are.
        RegistryError: a folder cannot be read.
    """
    folder = TaskFolder(root, task)
    if _TASK.fullmatch(task) is None or not folder.versions():
        known = ", ".join(found.task for found in task_folders(root)) or "nothing yet"
        raise ArtifactNotFoundError(f"no task {task!r} in the registry {root}; it holds {known}")
    return folder


def task_folders(root: Path) -> tuple[TaskFolder, ...]:
    """The folders of every task that has a version, by name.

    Raises:
        RegistryError: a folder cannot be read.
    """
    names = _names(root, lambda entry: _TASK.fullmatch(entry.name) is not None)
    return tuple(folder for name in sorted(names) if (folder := TaskFolder(root, name)).versions())


def _names(folder: Path, wanted: Callable[[Path], bool]) -> list[str]:
    try:
        return [entry.name for entry in folder.iterdir() if wanted(entry)] if folder.is_dir() else []
    except OSError as error:
        raise RegistryError(
            f"{folder} cannot be read ({error.strerror}); allow reading, then try again"
        ) from error
