"""The Open Inference Protocol v2 over gRPC, with Triton's model repository extension.

Sources: https://github.com/kserve/open-inference-protocol (``open_inference_grpc.proto``) and Triton's
``grpc_service.proto``. Outputs are always raw, as Triton's are.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import dwcp
from dwcp.errors import ArtifactNotFoundError, InputError
from dwcp.serving.access import Right
from dwcp.serving.grpc.calls import Rpc
from dwcp.serving.grpc.contents import answer_of, arrays_of
from dwcp.serving.inference import Inference, TensorMetadata
from dwcp.serving.protocol import open_inference_pb2 as messages
from dwcp.serving.tensors import TensorLimits, datatype_of

__all__ = ["SERVICE", "OpenInference"]

SERVICE = messages.DESCRIPTOR.services_by_name["GRPCInferenceService"]
_EXTENSIONS = ("model_repository", "model_repository(unload_dependents)")
_PLATFORM = "onnx_onnxv1"


class OpenInference:
    """The service over an `Inference`.

    Args:
        inference: the models.
        limits: how large tensors may be.
        is_draining: whether the server takes no more requests.
    """

    def __init__(self, inference: Inference, limits: TensorLimits, is_draining: Callable[[], bool]) -> None:
        self._inference = inference
        self._limits = limits
        self._is_draining = is_draining

    def methods(self) -> dict[str, Rpc]:
        """What answers each method, and the right it needs."""
        return {
            "ServerLive": Rpc(lambda _: messages.ServerLiveResponse(live=True), is_public=True),
            "ServerReady": Rpc(lambda _: messages.ServerReadyResponse(ready=self.ready()), is_public=True),
            "ServerMetadata": Rpc(_server),
            "ModelReady": Rpc(self._model_ready, Right.INFER),
            "ModelMetadata": Rpc(self._metadata, Right.INFER),
            "ModelInfer": Rpc(self._infer, Right.INFER),
            "RepositoryIndex": Rpc(self._index, Right.INFER),
            "RepositoryModelLoad": Rpc(self._load, Right.ADMIN),
            "RepositoryModelUnload": Rpc(self._unload, Right.ADMIN),
        }

    def ready(self) -> bool:
        """Whether every model that should serve is verified, and requests are taken."""
        return self._inference.ready() and not self._is_draining()

    def _model_ready(self, request: Any) -> Any:
        try:
            self._inference.metadata(request.name, request.version or None)
        except ArtifactNotFoundError:
            known = ((request.name, request.version), (request.name, ""))
            if not any((entry.name, entry.version) in known for entry in self._inference.index()):
                raise
            return messages.ModelReadyResponse(ready=False)
        return messages.ModelReadyResponse(ready=True)

    def _metadata(self, request: Any) -> Any:
        found = self._inference.metadata(request.name, request.version or None)
        return messages.ModelMetadataResponse(
            name=found.name,
            versions=found.versions,
            platform=_PLATFORM,
            inputs=map(_tensor, found.inputs),
            outputs=map(_tensor, found.outputs),
        )

    def _infer(self, request: Any) -> Any:
        arrays = arrays_of(request, self._limits)
        version, answers = self._inference.infer(request.model_name, request.model_version or None, arrays)
        return answer_of(request, version, answers)

    def _index(self, request: Any) -> Any:
        entry = messages.RepositoryIndexResponse.ModelIndex
        return messages.RepositoryIndexResponse(
            models=[
                entry(name=one.name, version=one.version, state=one.state, reason=one.reason)
                for one in self._inference.index()
                if one.state == "READY" or not request.ready
            ]
        )

    def _load(self, request: Any) -> Any:
        self._inference.load(request.model_name, _version(request.parameters))
        return messages.RepositoryModelLoadResponse()

    def _unload(self, request: Any) -> Any:
        _refuse_others(request.parameters, "unload_dependents")
        self._inference.unload(request.model_name)
        return messages.RepositoryModelUnloadResponse()


def _server(_request: Any) -> Any:
    return messages.ServerMetadataResponse(name="dwcp", version=dwcp.__version__, extensions=_EXTENSIONS)


def _tensor(one: TensorMetadata) -> Any:
    datatype = datatype_of(one.dtype)
    return messages.ModelMetadataResponse.TensorMetadata(name=one.name, datatype=datatype, shape=one.shape)


def _version(parameters: Mapping[str, Any]) -> str | None:
    _refuse_others(parameters, "version")
    if "version" not in parameters:
        return None
    told = parameters["version"].string_param
    if not told:
        raise InputError("the parameter version must be a version's name, as a string_param")
    return str(told)


def _refuse_others(parameters: Iterable[str], known: str) -> None:
    strange = sorted(set(parameters) - {known})
    if strange:
        raise InputError(
            f"the parameter {strange[0][:64]!r} is not taken: models come from the registry as they are, and "
            f"here it can be {known}"
        )
