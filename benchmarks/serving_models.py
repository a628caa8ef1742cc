"""Versions to serve: copies of a published model, and one that answers nonsense."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np

from dwcp.errors import InputError
from dwcp.registry import Artifact, Draft, Registry
from dwcp.task import Task

__all__ = ["copied_registry", "draft_of", "nonsense_of", "publish_copy"]

WHO = "benchmark"
_CONFIDENCE = "confidence"
_TOO_SURE = 2.0
"""Added to a confidence, which then lies above 1 whatever it was: the advisor refuses the answer."""


def copied_registry(source: Path, task: str, root: Path) -> Registry:
    """One task of a registry, in a folder that may be written.

    Args:
        source: the registry's folder.
        task: which task.
        root: folder of the copy.

    Raises:
        InputError: there is no champion of that task.
    """
    if "champion" not in (Registry(source).aliases(task) if (source / task).is_dir() else ()):
        raise InputError(f"{source} has no champion of {task}: run `dwcp demo`, or `dwcp train {task}`")
    shutil.copytree(source / task, root / task, symlinks=True)
    return Registry(root)


def draft_of(artifact: Artifact, task: Task) -> Draft:
    """A published model as if it had just been trained."""
    manifest = artifact.manifest
    return Draft(
        input_spec=task.input_spec,
        outputs=task.outputs,
        kind=manifest.kind,
        model=artifact.model,
        golden=artifact.golden,
        card=(artifact.folder / "card.md").read_text(encoding="utf-8"),
        report=json.loads((artifact.folder / "report.json").read_bytes()),
        metrics=manifest.metrics,
        gates=tuple(
            gate.check(record.figure) for gate, record in zip(task.gates, manifest.gates, strict=True)
        ),
        data=manifest.data,
        data_fingerprint=manifest.data_fingerprint,
        seed=manifest.seed,
        libraries=manifest.libraries,
        instruction_set=manifest.instruction_set,
    )


def publish_copy(registry: Registry, draft: Draft, seed: int, now: float) -> str:
    """Publish a draft once more under a seed of its own; the version it got."""
    return registry.publish(replace(draft, seed=seed), now=now, who=WHO).version


def nonsense_of(draft: Draft) -> Draft:
    """The same graph, but with every confidence above 1: it passes its golden answers, and fails in service.

    Raises:
        InputError: the graph gives no confidence.
        ExtraMissingError: onnx is not installed.
    """
    from dwcp.training.extra import training_extra

    with training_extra():
        import onnx

    model = onnx.load_from_string(draft.model)
    makers = [node for node in model.graph.node if _CONFIDENCE in node.output]
    if not makers:
        raise InputError(f"{draft.task} gives no {_CONFIDENCE}: take another task")
    sound = f"{_CONFIDENCE}_sound"
    for node in model.graph.node:
        for names in (node.input, node.output):
            names[:] = [sound if name == _CONFIDENCE else name for name in names]
    more = onnx.numpy_helper.from_array(np.array(_TOO_SURE, np.float32), "too_sure")
    model.graph.initializer.append(more)
    model.graph.node.append(onnx.helper.make_node("Add", [sound, "too_sure"], [_CONFIDENCE]))
    outputs = dict(draft.golden.outputs)
    outputs[_CONFIDENCE] = np.add(outputs[_CONFIDENCE], _TOO_SURE, dtype=np.float32)
    return replace(draft, model=model.SerializeToString(), golden=replace(draft.golden, outputs=outputs))
