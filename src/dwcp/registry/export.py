"""Writing an artifact in the layouts others serve from. What stands there already is never overwritten."""

import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path

from dwcp.errors import InputError
from dwcp.registry._disk import make_folder, storage_errors, sync_folder, write_file
from dwcp.registry._triton import model_configuration, version_number
from dwcp.registry.artifact import Artifact
from dwcp.registry.layout import MODEL, parse_version
from dwcp.registry.manifest import canonical_json

__all__ = ["Layout", "export"]


class Layout(StrEnum):
    """How the exported files lie."""

    TRITON = "triton"
    """``<out>/<task>/config.pbtxt`` and ``<out>/<task>/<integer>/model.onnx``: a Triton model repository."""
    PLAIN = "plain"
    """``<out>/vX.Y/model.onnx`` and ``metadata.json``; ``out`` is one model's folder."""


def export(artifact: Artifact, out: Path, layout: Layout) -> Path:
    """Write the artifact under ``out``, all or nothing.

    Returns:
        The folder that was made.

    Raises:
        InputError: that folder stands already, or the artifact cannot be said in this layout.
        StorageError: the disk is full or may not be written.
    """
    name, files = _LAYOUTS[layout](artifact)
    final, staging = out / name, out / f".{name}.{os.getpid()}"
    if final.exists():
        raise InputError(f"{final} stands already and is not overwritten; move it away or export elsewhere")
    with storage_errors(out), ExitStack() as undo:
        make_folder(out)
        undo.callback(shutil.rmtree, staging, ignore_errors=True)
        for path, content in files.items():
            make_folder((staging / path).parent)
            write_file(staging / path, content)
            sync_folder((staging / path).parent)
        staging.rename(final)
        undo.callback(final.rename, staging)
        sync_folder(out)
        undo.pop_all()
    return final


def _triton(artifact: Artifact) -> tuple[str, Mapping[str, bytes]]:
    number = version_number(artifact.ref.version)
    return artifact.ref.task, {
        "config.pbtxt": model_configuration(artifact).encode(),
        f"{number}/{MODEL}": artifact.model,
    }


def _plain(artifact: Artifact) -> tuple[str, Mapping[str, bytes]]:
    major, minor, _ = parse_version(artifact.ref.version)
    manifest = artifact.manifest
    metadata = {
        "name": manifest.task,
        "version": manifest.version,
        "digest": artifact.ref.digest,
        "fingerprint": manifest.fingerprint,
        "inputs": manifest.input_spec["columns"],
        "outputs": [output.model_dump() for output in manifest.outputs],
        "metrics": manifest.metrics,
        "data": manifest.data,
    }
    return f"v{major}.{minor}", {MODEL: artifact.model, "metadata.json": canonical_json(metadata, indent=2)}


_LAYOUTS: Mapping[Layout, Callable[[Artifact], tuple[str, Mapping[str, bytes]]]] = {
    Layout.TRITON: _triton,
    Layout.PLAIN: _plain,
}
