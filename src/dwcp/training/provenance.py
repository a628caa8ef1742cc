"""Where a model comes from: the data's fingerprint, the library versions, the instruction set."""

import json
import platform
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from blake3 import blake3

from dwcp.evaluation.policy import Case

__all__ = ["data_fingerprint", "instruction_set", "library_versions"]

_LIBRARIES = ("numpy", "onnx", "onnxruntime", "scikit-learn", "torch", "xgboost-cpu", "xgboost")
_VECTOR_FLAGS = ("avx512f", "avx2", "avx", "asimd")


def data_fingerprint(cases: Iterable[Case[Any, Any, Any]]) -> str:
    """BLAKE3 (hex) over the cases, in order, each as one line of canonical JSON.

    Dataclasses count by class name and fields, mappings and sets without regard to order, floats exactly.

    Raises:
        TypeError: a case holds something that is no dataclass, mapping, set, sequence or plain value.
    """
    digest = blake3()
    for case in cases:
        digest.update(_canonical(case).encode() + b"\n")
    return digest.hexdigest()


def library_versions() -> dict[str, str]:
    """Name to version of Python and of every library that takes part and is installed."""
    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def instruction_set(cpu_facts: Path = Path("/proc/cpuinfo")) -> str:
    """Machine and widest vector unit, e.g. ``x86_64-avx2``: the same seed gives the same weights on one only.

    Args:
        cpu_facts: the kernel's description of the processor; only the machine is named where there is none.
    """
    machine = platform.machine()
    try:
        lines = cpu_facts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return machine
    flags = {flag for line in lines if line.startswith(("flags", "Features")) for flag in line.split()}
    widest = next((flag for flag in _VECTOR_FLAGS if flag in flags), None)
    return machine if widest is None else f"{machine}-{widest}"


def _canonical(value: object) -> str:
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"))


def _plain(value: Any) -> object:
    """JSON values that differ whenever the values differ."""
    if isinstance(value, Enum):
        return [type(value).__name__, value.name]
    if value is None or isinstance(value, str | int | float):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return [type(value).__name__, *(_plain(getattr(value, name)) for name in _field_names(type(value)))]
    if isinstance(value, Mapping):
        return {_canonical(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(inner) for inner in value]
    if isinstance(value, frozenset):
        return sorted(map(_canonical, value))
    if isinstance(value, np.ndarray | np.generic):
        return [value.dtype.name, value.tolist()]
    raise TypeError(f"a {type(value).__name__} has no canonical form; keep plain values in a case")


@cache
def _field_names(kind: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))
