"""Training on what was measured, publishing, promoting; a model of the same data is found again."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from dwcp.errors import ArtifactRefusedError
from dwcp.evaluation import Case
from dwcp.registry import Artifact, Registry
from dwcp.task import Progress, TrainingOptions
from dwcp.tasks.compression.contract import Action, Context, Outcome
from dwcp.tasks.compression.task import TASK
from dwcp.training import Job, read_draft, train_all
from dwcp.training.provenance import data_fingerprint, library_versions

__all__ = ["Learned", "learn"]

_LIBRARIES = ("onnx", "sklearn", "torch", "xgboost")
_WHO = "dwcp demo"

CompressionCase = Case[Context, Action, Outcome]


@dataclass(frozen=True, slots=True)
class Learned:
    """What came of training.

    Attributes:
        artifact: the published model; None when there is none.
        promoted: whether it is the champion now, so that hints come from it.
        why: why it was promoted or not, or why there is no model.
        report: the training report, as JSON values.
        reused: whether it stood already, trained on the same data.
        failed: whether training was tried and failed.
    """

    artifact: Artifact | None
    promoted: bool
    why: str
    report: dict[str, Any]
    reused: bool = False
    failed: bool = False


def learn(
    cases: Sequence[CompressionCase],
    table: Path,
    home: Path,
    options: TrainingOptions,
    *,
    fresh: bool,
    now: float,
    progress: Progress,
) -> Learned:
    """Train in a process of its own, publish, and promote what beats the best rule.

    Args:
        cases: what the table holds.
        table: what is trained on.
        home: where results and the registry lie.
        options: seed, epochs, threads.
        fresh: train even if a model of the same data stands.
        now: seconds since 1970, for the registry's journal.
        progress: told the share done and a few words.

    Raises:
        RegistryError: the registry is damaged.
        StorageError: the disk is full or may not be written.
    """
    registry = Registry(home / "registry")
    standing = None if fresh else _standing(registry, data_fingerprint(cases), options)
    if standing is not None:
        return _promoted(registry, standing, now, reused=True)
    if absent := [name for name in _LIBRARIES if find_spec(name) is None]:
        why = f"training needs the extra: pip install 'dwcp[train]' ({absent[0]} is not installed)"
        return Learned(None, False, why, {})
    [result] = train_all(
        [Job(TASK.name, options, table)],
        home / "demo",
        parallel=1,
        progress=lambda _, share, words: progress(share, words),
    )
    if result.folder is None:
        return Learned(None, False, result.failure, {}, failed=True)
    ref = registry.publish(read_draft(result.folder, TASK), now=now, who=_WHO, why="trained on this machine")
    return _promoted(registry, registry.load(TASK.name, ref.version), now, reused=False)


def _promoted(registry: Registry, artifact: Artifact, now: float, *, reused: bool) -> Learned:
    report = _report(artifact)
    verdict = report["verdict"]
    if verdict["promotable"]:
        registry.promote(TASK.name, artifact.ref.version, now=now, who=_WHO, why=verdict["why"])
    return Learned(artifact, verdict["promotable"], verdict["why"], report, reused)


def _standing(registry: Registry, fingerprint: str, options: TrainingOptions) -> Artifact | None:
    """A published model of the same data, options, inputs and libraries, newest first."""
    wanted = (fingerprint, options.seed, TASK.input_spec.fingerprint, library_versions())
    for listed in reversed(registry.list()):
        if listed.task != TASK.name or listed.problem:
            continue
        try:
            artifact = registry.load(TASK.name, listed.version)
        except ArtifactRefusedError:
            continue
        made = artifact.manifest
        found = (made.data_fingerprint, made.seed, made.fingerprint, made.libraries)
        if found == wanted and _report(artifact)["epochs"] == options.epochs:
            return artifact
    return None


def _report(artifact: Artifact) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((artifact.folder / "report.json").read_bytes())
    return report
