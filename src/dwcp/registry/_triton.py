"""A Triton model configuration in protobuf's text form.

Fields after ``model_config.proto`` of Triton Inference Server (package ``inference``).
"""

import json
from collections.abc import Sequence
from typing import Protocol

from dwcp.errors import InputError
from dwcp.registry.artifact import Artifact
from dwcp.registry.layout import parse_version

__all__ = ["model_configuration", "version_number"]

_TYPES = {
    "bool": "TYPE_BOOL",
    "uint8": "TYPE_UINT8",
    "uint16": "TYPE_UINT16",
    "uint32": "TYPE_UINT32",
    "uint64": "TYPE_UINT64",
    "int8": "TYPE_INT8",
    "int16": "TYPE_INT16",
    "int32": "TYPE_INT32",
    "int64": "TYPE_INT64",
    "float16": "TYPE_FP16",
    "float32": "TYPE_FP32",
    "float64": "TYPE_FP64",
}
_MAX_BATCH = 64
_PLACES = 1000


class _Tensor(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def dtype(self) -> str: ...
    @property
    def shape(self) -> tuple[int, ...]: ...


def version_number(version: str) -> int:
    """A semantic version as the integer Triton sorts by: 1.2.3 is 1002003.

    Raises:
        InputError: 0.0.0 (Triton passes over 0), or a minor or patch number of 1000 or more.
    """
    major, minor, patch = parse_version(version)
    number = (major * _PLACES + minor) * _PLACES + patch
    if number == 0 or minor >= _PLACES or patch >= _PLACES:
        raise InputError(
            f"version {version} cannot be exported for Triton: it must be above 0.0.0, with minor and patch "
            f"below {_PLACES}"
        )
    return number


def model_configuration(artifact: Artifact) -> str:
    """The text of ``config.pbtxt``: inputs, outputs, one thread on the processor, and where it came from.

    Raises:
        InputError: a tensor of a type Triton does not have.
        ArtifactRefusedError: the manifest's input specification is not one this release knows.
    """
    manifest = artifact.manifest
    parameters = {
        "intra_op_thread_count": "1",
        "dwcp_version": manifest.version,
        "dwcp_digest": artifact.ref.digest,
        "dwcp_fingerprint": manifest.fingerprint,
    }
    lines = [
        f"name: {_quoted(manifest.task)}",
        'backend: "onnxruntime"',
        'platform: "onnxruntime_onnx"',
        f"max_batch_size: {_MAX_BATCH}",
        *_tensors("input", manifest.specification().columns),
        *_tensors("output", manifest.outputs),
        "instance_group [ { count: 1 kind: KIND_CPU } ]",
        *(
            f"parameters {{ key: {_quoted(key)} value {{ string_value: {_quoted(value)} }} }}"
            for key, value in parameters.items()
        ),
    ]
    return "\n".join(lines) + "\n"


def _tensors(side: str, tensors: Sequence[_Tensor]) -> list[str]:
    return [f"{side} [ {{ {_tensor(tensor)} }} ]" for tensor in tensors]


def _tensor(tensor: _Tensor) -> str:
    if tensor.dtype not in _TYPES:
        raise InputError(f"tensor {tensor.name!r} has type {tensor.dtype}, which Triton does not have")
    # Triton wants a dimension beside the batch's; a plain number per decision is reshaped to none.
    shape = f"dims: {list(tensor.shape)}" if tensor.shape else "dims: [ 1 ] reshape: { shape: [ ] }"
    return f"name: {_quoted(tensor.name)} data_type: {_TYPES[tensor.dtype]} {shape}"


def _quoted(text: str) -> str:
    return json.dumps(text)
