"""What each operation does with the models."""

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

import dwcp
from dwcp.errors import ArtifactNotFoundError, InputError
from dwcp.serving.http.failures import json_response
from dwcp.serving.http.infer import HEADER_LENGTH, answer_of, arrays_of, read_json, read_request
from dwcp.serving.http.messages import (
    LoadRequest,
    ModelLine,
    ModelTold,
    Parameters,
    RepositoryFilter,
    ServerTold,
    TensorTold,
)
from dwcp.serving.inference import Inference, TensorMetadata
from dwcp.serving.tensors import TensorLimits, datatype_of
from dwcp.task import Arrays

__all__ = ["EXTENSIONS", "ModelEndpoints"]

EXTENSIONS = ("binary_tensor_data", "model_repository", "model_repository(unload_dependents)")
"""As Triton names them."""

_PLATFORM = "onnx_onnxv1"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,127}")
_LOADABLE = frozenset({"version"})
_UNLOADABLE = frozenset({"unload_dependents"})
_TYPES = ("application/json", "application/octet-stream")
_ResultT = TypeVar("_ResultT")


class ModelEndpoints:
    """Endpoints over an `Inference`.

    Args:
        inference: the models.
        limits: how large tensors may be.
        workers: run what takes longer than handing it over.
        inline_batch: largest batch that is computed where the request was read, as that is quicker; nothing
            else is read meanwhile.
        is_draining: whether the server takes no more requests.
    """

    def __init__(
        self,
        inference: Inference,
        limits: TensorLimits,
        workers: Executor,
        inline_batch: int,
        is_draining: Callable[[], bool],
    ) -> None:
        self._inference = inference
        self._limits = limits
        self._workers = workers
        self._inline_batch = inline_batch
        self._is_draining = is_draining

    async def live(self, _request: Request) -> Response:
        """It is, or this would not run."""
        return json_response({"live": True})

    async def ready(self, _request: Request) -> Response:
        """503 while models are not verified, or requests are not taken any more."""
        is_ready = self._inference.ready() and not self._is_draining()
        return json_response({"ready": is_ready}, 200 if is_ready else 503)

    async def server(self, _request: Request) -> Response:
        """Name, version and extensions."""
        return _told(ServerTold("dwcp", dwcp.__version__, list(EXTENSIONS)))

    async def metadata(self, request: Request) -> Response:
        """Inputs and outputs of a model."""
        found = self._inference.metadata(*_named(request))
        parameters: Parameters = {
            "version": found.version,
            "digest": found.digest,
            "fingerprint": found.fingerprint,
        }
        inputs, outputs = _tensors(found.inputs), _tensors(found.outputs)
        return _told(ModelTold(found.name, list(found.versions), _PLATFORM, inputs, outputs, parameters))

    async def model_ready(self, request: Request) -> Response:
        """503 for a model that is known and not loaded."""
        name, version = _named(request)
        try:
            self._inference.metadata(name, version)
        except ArtifactNotFoundError:
            if not any(
                entry.name == name and version in (None, entry.version) for entry in self._inference.index()
            ):
                raise
            return json_response({"name": name, "ready": False}, 503)
        return json_response({"name": name, "ready": True})

    async def infer(self, request: Request) -> Response:
        """Ask a model."""
        name, version = _named(request)
        if "content-length" not in request.headers and "transfer-encoding" not in request.headers:
            raise HTTPException(411, "a question has a body; send its Content-Length, or send it in chunks")
        body = await _body(request)
        asked, binary = read_request(body, request.headers.get(HEADER_LENGTH))
        arrays = arrays_of(asked, binary, self._limits)
        answered, answers = await self._ask(name, version, arrays)
        return answer_of(asked, name, answered, answers)

    async def index(self, request: Request) -> Response:
        """Every model, or only those that can be asked."""
        wanted = await _optional(request, RepositoryFilter)
        lines = [
            ModelLine(entry.name, entry.version, entry.state, entry.reason)
            for entry in self._inference.index()
            if entry.state == "READY" or not wanted.ready
        ]
        return json_response([msgspec.to_builtins(line) for line in lines])

    async def load(self, request: Request) -> Response:
        """Put a model in service, verified."""
        name, _ = _named(request)
        parameters = (await _optional(request, LoadRequest)).parameters
        _refuse_others(parameters, _LOADABLE)
        version = parameters.get("version")
        if version is not None and not (isinstance(version, str) and _NAME.fullmatch(version)):
            raise InputError("the parameter version must be a version's name")
        await self._apart(lambda: self._inference.load(name, version))
        return Response()

    async def unload(self, request: Request) -> Response:
        """Take a model out of service."""
        name, _ = _named(request)
        _refuse_others((await _optional(request, LoadRequest)).parameters, _UNLOADABLE)
        await self._apart(lambda: self._inference.unload(name))
        return Response()

    async def _ask(self, name: str, version: str | None, arrays: Arrays) -> tuple[str, Arrays]:
        if max(len(array) for array in arrays.values()) <= self._inline_batch:
            return self._inference.infer(name, version, arrays)
        return await self._apart(lambda: self._inference.infer(name, version, arrays))

    async def _apart(self, call: Callable[[], _ResultT]) -> _ResultT:
        return await asyncio.get_running_loop().run_in_executor(self._workers, call)


def _named(request: Request) -> tuple[str, str | None]:
    """The model's name and version in the path, which may be nothing but a name."""
    name, version = request.path_params["name"], request.path_params.get("version")
    if not _NAME.fullmatch(name) or (version is not None and not _NAME.fullmatch(version)):
        raise ArtifactNotFoundError(
            "no model has a name or version like that; POST /v2/repository/index lists them"
        )
    return name, version


async def _body(request: Request) -> bytes:
    headers = request.headers
    kind = headers.get("content-type", _TYPES[0]).partition(";")[0].strip().lower()
    if kind not in _TYPES:
        raise HTTPException(415, f"a body of this type is not read here; send {' or '.join(_TYPES)}")
    return await request.body()


async def _optional(request: Request, kind: type[_ResultT]) -> _ResultT:
    """A body that may be empty."""
    return read_json(await _body(request) or b"{}", kind)


def _refuse_others(parameters: Parameters, known: frozenset[str]) -> None:
    strange = sorted(set(parameters) - known)
    if strange:
        raise InputError(
            f"the parameter {strange[0][:64]!r} is not taken: models come from the registry as they are, "
            f"and here it can be {' or '.join(sorted(known))}"
        )


def _tensors(described: tuple[TensorMetadata, ...]) -> list[TensorTold]:
    return [
        TensorTold(
            tensor.name,
            datatype_of(tensor.dtype),
            list(tensor.shape),
            {"unit": tensor.unit, "meaning": tensor.meaning},
        )
        for tensor in described
    ]


def _told(value: msgspec.Struct) -> Response:
    return json_response(msgspec.to_builtins(value))
