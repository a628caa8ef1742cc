"""What goes in and out as JSON, by the Open Inference Protocol v2.

Sources: https://github.com/kserve/open-inference-protocol (``inference_rest.md``,
``open_inference_rest.yaml``), and Triton's extensions ``binary_tensor_data`` and ``model_repository``. These
types read requests, and describe them and the answers in ``/openapi.json``.
"""

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

__all__ = [
    "Failed",
    "InferAnswer",
    "InferRequest",
    "Live",
    "LoadRequest",
    "ModelLine",
    "ModelReady",
    "ModelTold",
    "Parameters",
    "Ready",
    "RepositoryFilter",
    "RequestInput",
    "RequestOutput",
    "ServerTold",
    "TensorAnswer",
    "TensorTold",
]

Parameters = dict[str, str | bool | int | float]
_Size = Annotated[int, Meta(ge=1)]


class RequestInput(Struct):
    """One input; ``data`` is left out where ``parameters`` has ``binary_data_size``."""

    name: str
    shape: Annotated[list[_Size], Meta(min_length=1)]
    datatype: str
    parameters: Parameters = {}
    data: list[Any] | UnsetType = UNSET


class RequestOutput(Struct):
    """One output that is wanted."""

    name: str
    parameters: Parameters = {}


class InferRequest(Struct):
    """A question to a model; without ``outputs`` all of them are answered."""

    inputs: Annotated[list[RequestInput], Meta(min_length=1)]
    id: str | UnsetType = UNSET
    parameters: Parameters = {}
    outputs: list[RequestOutput] = []


class TensorAnswer(Struct):
    """One output; ``data`` is left out where ``parameters`` has ``binary_data_size``."""

    name: str
    shape: list[int]
    datatype: str
    parameters: Parameters | UnsetType = UNSET
    data: list[float | int] | UnsetType = UNSET


class InferAnswer(Struct):
    """A model's answer."""

    model_name: str
    model_version: str
    outputs: list[TensorAnswer]
    id: str | UnsetType = UNSET


class Live(Struct):
    """Whether the server answers."""

    live: bool


class Ready(Struct):
    """Whether every model that should serve is verified, and requests are taken."""

    ready: bool


class ServerTold(Struct):
    """What the server is."""

    name: str
    version: str
    extensions: list[str]


class TensorTold(Struct):
    """What a tensor is; a dimension of -1 is any."""

    name: str
    datatype: str
    shape: list[int]
    parameters: Parameters


class ModelTold(Struct):
    """What a model is."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorTold]
    outputs: list[TensorTold]
    parameters: Parameters


class ModelReady(Struct):
    """Whether a model can be asked."""

    name: str
    ready: bool


class RepositoryFilter(Struct):
    """Which models to list."""

    ready: bool = False


class ModelLine(Struct):
    """One version of a model, or a name without any."""

    name: str
    version: str
    state: str
    reason: str


class LoadRequest(Struct):
    """What to load; ``parameters`` may hold a ``version``."""

    parameters: Parameters = {}


class Failed(Struct):
    """What went wrong, in one sentence."""

    error: str
