"""Checking one version and saying everything that is wrong with it, not just the first thing."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from dwcp.errors import ArtifactRefusedError
from dwcp.registry.artifact import check_answers, read_artifact, read_file, read_manifest
from dwcp.registry.layout import FILES, MANIFEST, TaskFolder
from dwcp.task import Graph

__all__ = ["Check", "Verification", "verify"]

_ANSWERS = "golden answers"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    """A file's name, or ``golden answers``."""
    problem: str = ""
    """What is wrong and what to do; empty when nothing is."""

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problem


@dataclass(frozen=True, slots=True)
class Verification:
    """Every check of one version, in order."""

    task: str
    version: str
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(check.passed for check in self.checks)


def verify(
    folder: TaskFolder, version: str, recorded_digest: str | None, graph: Graph | None
) -> Verification:
    """Check the manifest, each file's digest, and, given a graph, its golden answers.

    Without a readable manifest there is nothing to hold the files against, so they are not looked at.

    Raises:
        DwcpError: whatever the graph raises when it cannot be run.
    """
    try:
        manifest = read_manifest(folder, version, recorded_digest)
    except ArtifactRefusedError as error:
        return Verification(folder.task, version, (Check(MANIFEST, str(error)),))
    where = folder.version(version)
    checks = [Check(MANIFEST)]
    checks += [_check(name, partial(read_file, where / name, manifest.files[name])) for name in FILES]
    if graph is not None and all(check.passed for check in checks):
        checks.append(
            _check(_ANSWERS, lambda: check_answers(read_artifact(folder, version, recorded_digest), graph))
        )
    return Verification(folder.task, version, tuple(checks))


def _check(name: str, look: Callable[[], object]) -> Check:
    try:
        look()
    except ArtifactRefusedError as error:
        return Check(name, str(error))
    return Check(name)
