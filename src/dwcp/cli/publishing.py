"""From a training result to a published model, and from there to the champion, when it deserves it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dwcp.cli.user import user_name
from dwcp.errors import ArtifactRefusedError, GraphError, RegistryError
from dwcp.evaluation import Case, split_by_group
from dwcp.registry import Artifact, ArtifactRef, Draft, Manifest, Registry, check_fingerprint
from dwcp.serving.runtime import OnnxGraph
from dwcp.task import Task
from dwcp.training import Job, read_draft, resolve_task
from dwcp.training.fit import SHARES

__all__ = ["Promotion", "Rivalry", "learned_name", "promote_if_deserved", "publish_draft", "publish_folder"]

_CHAMPION, _CHALLENGER = "champion", "challenger"
_SIMULATION_MISLEADS = frozenset({"bandwidth", "reliability"})
"""Tasks whose models, trained on simulated cases alone, did worse on recorded ones than the rules."""


@dataclass(frozen=True, slots=True)
class Promotion:
    """Whether a model became champion, and why or why not."""

    promoted: bool
    why: str


@dataclass(frozen=True, slots=True)
class Rivalry:
    """On what terms a new model may become champion.

    Attributes:
        job: what it was trained on: a standing champion is held against it on the same held-out rows.
        target_reached: whether the figure that was asked for was reached.
        replace: whether a standing champion may be replaced by a better model.
    """

    job: Job
    target_reached: bool
    replace: bool


def publish_folder(registry: Registry, folder: Path, *, why: str, now: float) -> ArtifactRef:
    """Publish a training result that lies in a folder, as challenger.

    Raises:
        ArtifactRefusedError: the folder holds no training result, or one of another definition of the task.
        InputError: there is no such task.
        RegistryError: the registry cannot take it.
        StorageError: the disk is full or may not be written; what stood before still stands.
    """
    return publish_draft(registry, read_draft(folder, _task_of(folder)), why=why, now=now)


def publish_draft(registry: Registry, draft: Draft, *, why: str, now: float) -> ArtifactRef:
    """Publish a draft as challenger; the same draft twice is one version.

    Raises:
        RegistryError: the registry cannot take it.
        StorageError: the disk is full or may not be written; what stood before still stands.
    """
    who = user_name()
    ref = registry.publish(draft, now=now, who=who, why=why)
    registry.promote(ref.task, ref.version, _CHALLENGER, now=now, who=who, why=why)
    return ref


def learned_name(draft: Draft) -> str:
    """The learned policy's name in the draft's figures."""
    return str(draft.report["learned"])


def promote_if_deserved(
    registry: Registry, task: Task, ref: ArtifactRef, draft: Draft, rivalry: Rivalry, now: float
) -> Promotion:
    """Make a published model the champion, when nothing speaks against it.

    It must beat the best baseline and reach the target. It takes an empty place at once, that of a standing
    champion only when it may and is better on the same held-out rows.

    Raises:
        RegistryError: the registry cannot be read or written.
        StorageError: the disk is full or may not be written; the alias stays.
    """
    verdict: Any = draft.report["verdict"]
    if not verdict["promotable"]:
        return Promotion(False, verdict["why"])
    if rivalry.job.table is None and task.name in _SIMULATION_MISLEADS:
        return Promotion(
            False, "it saw simulated cases alone, which mislead here: record some, and train on those"
        )
    if not rivalry.target_reached:
        return Promotion(False, "the target is short")
    champion = registry.aliases(ref.task).get(_CHAMPION)
    if champion == ref.version:
        return Promotion(True, "it was champion already")
    decided = Promotion(True, verdict["why"])
    if champion is not None:
        decided = _against(registry, task, champion, draft, rivalry)
    if decided.promoted:
        registry.promote(ref.task, ref.version, _CHAMPION, now=now, who=user_name(), why=decided.why)
    return decided


def _against(registry: Registry, task: Task, champion: str, draft: Draft, rivalry: Rivalry) -> Promotion:
    if not rivalry.replace:
        return Promotion(False, f"{champion} is champion; --promote-if-better lets the better one be")
    metric = task.gates[0].metric
    own = draft.metrics[learned_name(draft)][metric]
    try:
        other = _champion_figure(task, registry.load(task.name, champion), rivalry.job, metric)
    except (RegistryError, GraphError) as error:
        return Promotion(True, f"the champion {champion} cannot be asked: {error}")
    better = own > other if task.gates[0].direction == "at_least" else own < other
    words = "better than" if better else "not better than"
    return Promotion(better, f"{metric} is {own:.4g}, {words} the champion's ({champion}: {other:.4g})")


def _champion_figure(task: Task, champion: Artifact, job: Job, metric: str) -> float:
    """The champion on the rows that the new model was judged on."""
    check_fingerprint(champion.manifest, task.input_spec)
    cases: Sequence[Case[Any, Any, Any]] = job.cases(task)[0]
    seed = job.options.seed
    judged = task.judged(split_by_group(cases, SHARES, seed).test)
    return float(task.metrics(judged, task.learned(OnnxGraph(champion.model)), seed)[metric])


def _task_of(folder: Path) -> Task:
    path = folder / "manifest.json"
    try:
        manifest = Manifest.from_json(path.read_bytes())
    except (OSError, ArtifactRefusedError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ArtifactRefusedError(f"{folder} holds no training result: {path}: {reason}") from error
    return resolve_task(manifest.task)
