"""A training result as files in a folder: how it travels from a worker process, and what people read."""

import json
import shutil
from pathlib import Path

from dwcp.errors import ArtifactRefusedError, StorageError
from dwcp.registry import Draft, Manifest
from dwcp.registry.artifact import read_file, read_golden
from dwcp.registry.layout import CARD, FILES, GOLDEN, MANIFEST, MODEL, REPORT
from dwcp.task import Task
from dwcp.training.fit import TrainingResult

__all__ = ["REPORT_JSON", "REPORT_MARKDOWN", "read_draft", "write_result"]

REPORT_JSON = "training_report.json"
REPORT_MARKDOWN = "training_report.md"

_UNPUBLISHED = "0.0.0"
# In the registry a report is called report.json; in a folder of its own it says what it reports.
_NAMES = {REPORT: REPORT_JSON}


def write_result(result: TrainingResult, folder: Path) -> Path:
    """Write model, golden vectors, card, manifest and report, all or nothing; a former result is replaced.

    Args:
        result: what training gave.
        folder: the result's own folder, e.g. ``models/compression``.

    Returns:
        The folder.

    Raises:
        InputError: the draft cannot be written, see `dwcp.registry.Draft`.
        StorageError: the disk is full or may not be written.
    """
    manifest = result.draft.manifest(_UNPUBLISHED)
    files = {_NAMES.get(name, name): content for name, content in result.draft.files().items()}
    files |= {MANIFEST: manifest.to_json(), REPORT_MARKDOWN: result.report.as_markdown().encode()}
    staging, former = folder.with_name(f".{folder.name}.new"), folder.with_name(f".{folder.name}.old")
    try:
        for leftover in (staging, former):
            shutil.rmtree(leftover, ignore_errors=True)
        staging.mkdir(parents=True)
        for name, content in files.items():
            (staging / name).write_bytes(content)
        if folder.exists():
            folder.rename(former)
        staging.rename(folder)
        shutil.rmtree(former, ignore_errors=True)
    except OSError as error:
        raise StorageError(f"{folder} cannot be written: {error.strerror or error}") from error
    return folder


def read_draft(folder: Path, task: Task) -> Draft:
    """Read back what `write_result` wrote, each file held against its digest.

    Raises:
        ArtifactRefusedError: a file is missing or changed, or the result is of another task or of other
            inputs or gates than this task has.
    """
    manifest = _read_manifest(folder, task)
    content = {
        name: read_file(folder / _NAMES.get(name, name), digest) for name, digest in manifest.files.items()
    }
    return Draft(
        input_spec=task.input_spec,
        outputs=task.outputs,
        kind=manifest.kind,
        model=content[MODEL],
        golden=read_golden(folder / GOLDEN, content[GOLDEN]),
        card=content[CARD].decode(),
        report=json.loads(content[REPORT]),
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


def _read_manifest(folder: Path, task: Task) -> Manifest:
    path = folder / MANIFEST
    try:
        manifest = Manifest.from_json(path.read_bytes())
    except (OSError, ArtifactRefusedError) as error:
        raise ArtifactRefusedError(f"{path} is not a training result, train again: {error}") from error
    found = (manifest.task, manifest.fingerprint, [(gate.metric, gate.limit) for gate in manifest.gates])
    wanted = (task.name, task.input_spec.fingerprint, [(gate.metric, gate.limit) for gate in task.gates])
    if found != wanted or set(manifest.files) != set(FILES):
        raise ArtifactRefusedError(f"{folder} was trained for another definition of a task; train again")
    return manifest
