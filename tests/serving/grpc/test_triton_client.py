"""Triton's own client, over TCP and over a Unix socket, with every mix of typed and raw tensors."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import grpc
import numpy as np
import pytest
import tritonclient.grpc as triton
from tritonclient.grpc import service_pb2
from tritonclient.utils import InferenceServerException


@pytest.fixture(params=["tcp", "unix"])
def client(request: pytest.FixtureRequest, served: Any) -> Iterator[triton.InferenceServerClient]:
    made = triton.InferenceServerClient(getattr(served, request.param))
    yield made
    made.close()


def inputs_of(rows: dict[str, Any]) -> list[triton.InferInput]:
    made = []
    for name, array in rows.items():
        datatype = "FP32" if array.dtype == np.float32 else "INT64"
        made.append(triton.InferInput(name, list(array.shape), datatype))
        made[-1].set_data_from_numpy(array)
    return made


def test_the_server_tells_what_it_is(client: triton.InferenceServerClient, served: Any) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    served.models.is_ready = False
    assert not client.is_server_ready()
    told = client.get_server_metadata()
    assert (told.name, "model_repository" in told.extensions) == ("dwcp", True)


def test_models_are_described(client: triton.InferenceServerClient) -> None:
    told = client.get_model_metadata("sums", as_json=True)
    assert told["versions"] == ["1.0.0", "1.1.0"]
    assert told["inputs"] == [
        {"name": "x", "datatype": "FP32", "shape": ["-1", "3"]},
        {"name": "n", "datatype": "INT64", "shape": ["-1"]},
    ]
    assert client.is_model_ready("sums", "1.0.0")
    assert not client.is_model_ready("idle")
    with pytest.raises(InferenceServerException, match="there is no model 'other'"):
        client.is_model_ready("other")


def test_raw_tensors_are_answered(client: triton.InferenceServerClient, rows: dict[str, Any]) -> None:
    answer = client.infer("sums", inputs_of(rows), request_id="r1")
    np.testing.assert_array_equal(answer.as_numpy("total"), np.array([6.0, 15.5], np.float32))
    np.testing.assert_array_equal(answer.as_numpy("twice"), rows["n"] * 2)
    told = answer.get_response()
    assert (told.id, told.model_version, len(told.raw_output_contents)) == ("r1", "1.1.0", 2)
    old = client.infer("sums", inputs_of(rows), "1.0.0", [triton.InferRequestedOutput("twice")])
    assert old.get_response().model_version == "1.0.0"
    assert old.as_numpy("total") is None


def ask(client: triton.InferenceServerClient, request: Any) -> Any:
    """A message as it is, which the client itself would not send."""
    return client._client_stub.ModelInfer(request)


def typed(rows: dict[str, Any], are_raw: tuple[bool, bool]) -> Any:
    """A question with some tensors in the fields of their types and some raw."""
    request = service_pb2.ModelInferRequest(model_name="sums")
    for (name, array), is_raw in zip(rows.items(), are_raw, strict=True):
        is_float = array.dtype == np.float32
        one = request.inputs.add(name=name, datatype="FP32" if is_float else "INT64", shape=array.shape)
        if is_raw:
            request.raw_input_contents.append(array.tobytes())
        else:
            content = one.contents.fp32_contents if is_float else one.contents.int64_contents
            content.extend(array.ravel().tolist())
    return request


@pytest.mark.parametrize("are_raw", list(product([True, False], repeat=2)))
def test_tensors_are_all_raw_or_all_typed(
    client: triton.InferenceServerClient, rows: dict[str, Any], are_raw: tuple[bool, bool]
) -> None:
    request = typed(rows, are_raw)
    if len(set(are_raw)) == 1:
        answer = triton.InferResult(ask(client, request))
        np.testing.assert_array_equal(answer.as_numpy("total"), np.array([6.0, 15.5], np.float32))
        return
    with pytest.raises(grpc.RpcError, match="give one for each") as raised:
        ask(client, request)
    assert raised.value.code().name == "INVALID_ARGUMENT"


def test_both_at_once_are_refused(client: triton.InferenceServerClient, rows: dict[str, Any]) -> None:
    request = typed(rows, (False, False))
    request.raw_input_contents.extend([array.tobytes() for array in rows.values()])
    with pytest.raises(grpc.RpcError, match="input 'x' has contents, and raw_input_contents too"):
        ask(client, request)


def test_faults_of_questions_are_told(client: triton.InferenceServerClient, rows: dict[str, Any]) -> None:
    cases = {
        "there is no model 'nobody'": ("NOT_FOUND", "nobody", {}),
        "input n is missing": ("INVALID_ARGUMENT", "sums", {"x": rows["x"]}),
        "takes 24 bytes, not the 12": ("INVALID_ARGUMENT", "sums", {**rows, "x": rows["x"][:1]}),
        "batch of 65": ("INVALID_ARGUMENT", "sums", {"n": np.zeros(65, np.int64)}),
    }
    for sentence, (code, model, arrays) in cases.items():
        inputs = inputs_of(arrays or rows)
        if code == "INVALID_ARGUMENT" and sentence.startswith("takes"):
            inputs[0].set_shape([2, 3])
        with pytest.raises(InferenceServerException, match=sentence) as raised:
            client.infer(model, inputs)
        assert raised.value.status() == f"StatusCode.{code}"


def test_faults_of_typed_tensors_and_outputs_are_told(
    client: triton.InferenceServerClient, rows: dict[str, Any]
) -> None:
    requests = {name: typed(rows, (False, False)) for name in ("other", "wrong", "twice", "output", "half")}
    requests["other"].inputs[0].datatype = "FP64"
    requests["wrong"].inputs[0].contents.int_contents.append(1)
    requests["twice"].inputs[1].name = "x"
    requests["output"].outputs.add(name="nothing")
    del requests["half"].inputs[0].contents.fp32_contents[3:]
    told = {}
    for name, request in requests.items():
        with pytest.raises(grpc.RpcError) as raised:
            ask(client, request)
        assert raised.value.code().name == "INVALID_ARGUMENT"
        told[name] = raised.value.details()
    assert told["other"] == "tensor 'x' is of type 'FP64'; models here take FP32 and INT64"
    assert told["wrong"] == "elements of tensor 'x' of type FP32 go into fp32_contents, not int_contents"
    assert told["twice"] == "input 'x' is there twice"
    assert told["output"] == "there is no output 'nothing'; there are: total, twice"
    assert told["half"] == "tensor 'x' of shape [2, 3] takes 6 numbers, not 3"


def test_a_fault_of_the_program_keeps_its_secrets(
    client: triton.InferenceServerClient, served: Any, rows: dict[str, Any]
) -> None:
    served.models.is_broken = True
    with pytest.raises(InferenceServerException) as raised:
        client.infer("sums", inputs_of(rows))
    assert "secret" not in str(raised.value)
    assert raised.value.status() == "StatusCode.INTERNAL"
    assert served.in_flight.count == 0


def test_the_repository_is_worked(client: triton.InferenceServerClient, served: Any) -> None:
    index = client.get_model_repository_index(as_json=True)["models"]
    assert [(one["name"], one["state"]) for one in index] == [
        ("sums", "READY"),
        ("sums", "READY"),
        ("idle", "UNAVAILABLE"),
    ]
    client.unload_model("sums")
    assert not client.is_model_ready("sums")
    client.load_model("sums")
    assert served.models.versions == ["2.0.0"]
    with pytest.raises(InferenceServerException, match="models come from the registry as they are"):
        client.load_model("sums", config="{}")
    request = service_pb2.RepositoryModelLoadRequest(model_name="sums")
    request.parameters["version"].string_param = "9.9.9"
    with pytest.raises(grpc.RpcError, match="golden answers") as raised:
        client._client_stub.RepositoryModelLoad(request)
    assert raised.value.code().name == "FAILED_PRECONDITION"
