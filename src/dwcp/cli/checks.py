"""What ``dwcp doctor`` looks at. Every check answers, whatever is missing or broken."""

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dwcp.cli.machine import processor
from dwcp.errors import DwcpError
from dwcp.words import counted

if TYPE_CHECKING:
    from dwcp.registry import Registry

__all__ = ["Finding", "examine"]

_OLDEST_PYTHON = (3, 11)
_LITTLE_SPACE_BYTES = 1 << 30
_OLD_S = 7 * 86_400
_LIBRARIES = (
    ("backports-zstd", "backports.zstd"),
    ("blake3", "blake3"),
    ("cramjam", "cramjam"),
    ("lz4", "lz4"),
    ("numpy", "numpy"),
    ("polars", "polars"),
    ("pyarrow", "pyarrow"),
    ("pydantic", "pydantic"),
    ("pydantic-settings", "pydantic_settings"),
    ("pyyaml", "yaml"),
    ("rich", "rich"),
    ("typer", "typer"),
    ("xxhash", "xxhash"),
)
"""What is needed: distribution and module."""
_SERVING = (("onnxruntime", "onnxruntime"),)
_TRAINING = (("onnx", "onnx"), ("scikit-learn", "sklearn"), ("torch", "torch"), ("xgboost-cpu", "xgboost"))


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: ``note`` is worth knowing, ``broken`` needs mending."""

    what: str
    state: Literal["ok", "note", "broken"]
    detail: str


def examine(home: Path, registry: Path, now: float) -> list[Finding]:
    """Look at everything.

    Args:
        home: the folder of registry, telemetry and tables.
        registry: the folder of the models.
        now: seconds since 1970, for ages.
    """
    return [
        _python(),
        *_libraries(),
        _processor(),
        *_home(home),
        *_models(registry, now),
        _telemetry(home / "telemetry"),
    ]


def _python() -> Finding:
    found = f"{platform.python_version()} at {sys.executable}"
    if sys.version_info < _OLDEST_PYTHON:
        return Finding("python", "broken", f"{found}; 3.11 or newer is needed")
    return Finding("python", "ok", found)


def _libraries() -> Iterator[Finding]:
    for distribution, module in _LIBRARIES:
        lost = f"pip install {distribution}: nothing works without it"
        yield _library(distribution, module, "broken", lost)
    for distribution, module in _SERVING:
        lost = f"pip install {distribution}: without it no model is asked, the fallback answers"
        yield _library(distribution, module, "note", lost)
    for distribution, module in _TRAINING:
        lost = "pip install 'dwcp[train]': without it nothing is trained, the rest works"
        yield _library(distribution, module, "note", lost)


def _library(distribution: str, module: str, missing: Literal["note", "broken"], lost: str) -> Finding:
    if not _importable(module):
        return Finding(distribution, missing, f"not installed; {lost}")
    try:
        return Finding(distribution, "ok", version(distribution))
    except PackageNotFoundError:
        return Finding(distribution, "ok", "installed, version not known")


def _importable(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _processor() -> Finding:
    try:
        from dwcp.training.provenance import instruction_set
    except ModuleNotFoundError:
        instructions = f"{platform.machine()}, vector unit not looked at"
    else:
        instructions = instruction_set()
    return Finding("processor", "ok", f"{processor()}, {os.cpu_count()} cores, {instructions}")


def _home(home: Path) -> Iterator[Finding]:
    standing = next((path for path in (home, *home.absolute().parents) if path.exists()), Path("/"))
    if not standing.is_dir():
        yield Finding("home", "broken", f"{standing} is not a folder; set --home or DWCP_HOME")
        return
    if not os.access(standing, os.W_OK | os.X_OK):
        yield Finding(
            "home", "broken", f"{standing} may not be written; allow it, or set --home or DWCP_HOME"
        )
    else:
        yield Finding("home", "ok", f"{home.absolute()}{'' if home.exists() else ' (made when needed)'}")
    free = shutil.disk_usage(standing).free
    little = free < _LITTLE_SPACE_BYTES
    yield Finding("space", "note" if little else "ok", f"{free / 1e9:,.1f} GB free at {standing}")


def _models(root: Path, now: float) -> Iterator[Finding]:
    from dwcp.cli.model_checks import verify_all
    from dwcp.registry import Registry

    registry = Registry(root)
    try:
        found = verify_all(registry)
    except DwcpError as error:
        yield Finding("registry", "broken", str(error))
        return
    if not found:
        yield Finding("registry", "note", f"no model in {root}: the fallback answers; dwcp train makes one")
        return
    for one in found:
        problems = "; ".join(check.problem for check in one.checks if not check.passed)
        passed = ", ".join(check.name for check in one.checks)
        yield Finding(
            f"model {one.task} {one.version}", "broken" if problems else "ok", problems or f"whole ({passed})"
        )
    for task in dict.fromkeys(one.task for one in found):
        yield _champion(registry, task, now)


def _champion(registry: "Registry", task: str, now: float) -> Finding:
    what = f"champion {task}"
    try:
        history = registry.history(task)
    except DwcpError as error:
        return Finding(what, "broken", str(error))
    version = history.aliases().get("champion")
    if version is None:
        return Finding(what, "note", "none: the fallback answers; dwcp models promote makes one")
    published = min((entry.when_s for entry in history.entries if entry.version == version), default=now)
    age_s = max(now - published, 0.0)
    detail = f"{version}, {age_s / 86_400:.1f} days old"
    if history.note:
        return Finding(what, "note", f"{detail}; {history.note}")
    if age_s > _OLD_S:
        return Finding(what, "note", f"{detail}: over a week, think of training again")
    return Finding(what, "ok", detail)


def _telemetry(folder: Path) -> Finding:
    if not folder.exists():
        return Finding("telemetry", "note", f"nothing recorded yet in {folder}")
    parts = [path for path in folder.glob("date=*/kind=*/part-*.parquet") if path.is_file()]
    size = sum(path.stat().st_size for path in parts)
    return Finding("telemetry", "ok", f"{counted(len(parts), 'file')}, {size / 1e6:,.1f} MB in {folder}")
