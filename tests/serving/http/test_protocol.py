"""The Open Inference Protocol: answers against the published description, every mix of binary and JSON."""

import gzip
import itertools
import json
from pathlib import Path
from typing import NamedTuple

import jsonschema
import numpy as np
import pytest
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

import dwcp
from dwcp.errors import GraphError

PUBLISHED = json.loads((Path(__file__).parent / "open_inference" / "schemas.json").read_text("utf-8"))
INFER = "/v2/models/toy/infer"
COSTS = [[3.5, np.float32(0.6)]] * 2


def checked(kind, answer, status=200):
    """The answer's JSON, as the published description has it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    jsonschema.validate(answer.json(), {**PUBLISHED, "$ref": f"#/$defs/{kind}"})
    return answer.json()


@pytest.fixture
def http(serve):
    with serve().client() as client:
        yield client


def test_health_and_metadata(http, inference):
    assert checked("server_live", http.get("/v2/health/live")) == {"live": True}
    assert checked("server_ready", http.get("/v2/health/ready")) == {"ready": True}
    for path in ("/v2", "/v2/"):
        told = checked("server_metadata", http.get(path))
        assert (told["name"], told["version"]) == ("dwcp", dwcp.__version__)
        assert {"binary_tensor_data", "model_repository"} <= set(told["extensions"])
    for path in ("/v2/models/toy", "/v2/models/toy/versions/1.2.0"):
        told = checked("model_metadata", http.get(path))
        assert told["versions"] == ["1.2.0"]
        assert [(one["name"], one["datatype"], one["shape"]) for one in told["inputs"]] == [
            ("x", "FP32", [-1]),
            ("window", "FP32", [-1, 3]),
            ("kind", "INT64", [-1]),
        ]
        assert told["outputs"][0]["parameters"] == {"unit": "s", "meaning": "of each candidate"}
        assert checked("model_ready", http.get(f"{path}/ready")) == {"name": "toy", "ready": True}
    inference.loaded = False
    assert checked("server_ready", http.get("/v2/health/ready"), 503) == {"ready": False}
    assert checked("server_live", http.get("/v2/health/live")) == {"live": True}
    assert checked("model_ready", http.get("/v2/models/toy/ready"), 503) == {"name": "toy", "ready": False}


def test_json_in_and_out(http, question):
    answer = checked("inference", http.post(INFER, json=question(id="42", parameters={"priority": 3})))
    assert (answer["id"], answer["model_name"], answer["model_version"]) == ("42", "toy", "1.2.0")
    costs, best = answer["outputs"]
    assert (costs["shape"], costs["datatype"]) == ([2, 2], "FP32")
    np.testing.assert_array_equal(np.float32(costs["data"]).reshape(2, 2), COSTS)
    assert best == {"name": "best", "shape": [2], "datatype": "INT64", "data": [1, 1]}
    assert "id" not in checked("inference", http.post(INFER, json=question()))


def test_nested_rows_and_one_output(http, question):
    asked = question(outputs=[{"name": "best"}])
    asked["inputs"][1]["data"] = [[0.1, 0.2, 0.3]] * 2
    answer = checked("inference", http.post("/v2/models/toy/versions/1.2.0/infer", json=asked))
    assert [output["name"] for output in answer["outputs"]] == ["best"]


def test_a_large_batch_is_answered_by_the_workers(http, question):
    answer = checked("inference", http.post(INFER, json=question(rows=100)))
    assert answer["outputs"][0]["shape"] == [100, 2]


@pytest.mark.parametrize("binary_out", list(itertools.product([True, False], repeat=2)), ids=str)
def test_triton_client_in_every_mix(serve, binary_out):
    client = triton.InferenceServerClient(serve().url.removeprefix("http://"))
    arrays = {
        "x": np.full(2, 1.5, np.float32),
        "window": np.float32([[0.1, 0.2, 0.3]] * 2),
        "kind": np.full(2, 2, np.int64),
    }
    for binary_in in itertools.product([True, False], repeat=3):
        inputs = []
        for (name, array), binary in zip(arrays.items(), binary_in, strict=True):
            datatype = "INT64" if array.dtype == np.int64 else "FP32"
            inputs.append(triton.InferInput(name, list(array.shape), datatype))
            inputs[-1].set_data_from_numpy(array, binary_data=binary)
        outputs = [
            triton.InferRequestedOutput(name, binary_data=binary)
            for name, binary in zip(("best", "costs"), binary_out, strict=True)
        ]
        for wanted, compression in ((outputs, None), (None, "gzip"), (outputs[:1], "deflate")):
            result = client.infer(
                "toy", inputs, "1.2.0", wanted, request_id="7", request_compression_algorithm=compression
            )
            assert result.get_response()["id"] == "7"
            np.testing.assert_array_equal(result.as_numpy("best"), [1, 1])
            if wanted is not outputs[:1] and len(wanted or outputs) == 2:
                np.testing.assert_array_equal(result.as_numpy("costs"), COSTS)
    client.close()


def test_triton_client_for_the_rest(serve, inference):
    with triton.InferenceServerClient(serve().url.removeprefix("http://")) as client:
        assert client.is_server_live()
        assert client.is_server_ready()
        assert client.is_model_ready("toy", "1.2.0")
        assert not client.is_model_ready("other")
        assert client.get_server_metadata()["name"] == "dwcp"
        assert client.get_model_metadata("toy")["platform"] == "onnx_onnxv1"
        client.unload_model("toy")
        assert not client.is_server_ready()
        assert client.get_model_repository_index()[1]["state"] == "UNAVAILABLE"
        client.load_model("toy")
        assert client.is_model_ready("toy")
        with pytest.raises(InferenceServerException, match="'config' is not taken"):
            client.load_model("toy", config="{}")
    assert inference.calls == [("unload", "toy"), ("load", "toy", None)]


def test_repository(http, inference):
    index = checked("repository_index", http.post("/v2/repository/index"))
    assert [line["name"] for line in index] == ["empty", "toy"]
    ready = checked("repository_index", http.post("/v2/repository/index", json={"ready": True}))
    assert [line["name"] for line in ready] == ["toy"]
    load = "/v2/repository/models/toy/load"
    assert http.post(load, json={"parameters": {"version": "1.2.0"}}).status_code == 200
    refused = http.post(load, json={"parameters": {"version": "6.6.6"}})
    assert "digest is wrong" in checked("error", refused, 409)["error"]
    assert inference.calls == [("load", "toy", "1.2.0"), ("load", "toy", "6.6.6")]
    checked("error", http.post("/v2/repository/models/other/unload"), 404)
    checked("error", http.post(load, json={"parameters": {"version": "../../etc"}}), 400)


def test_faults_of_the_model_and_of_the_program(http, inference, question, caplog):
    inference.fault = GraphError("the graph failed\non two lines")
    failed = http.post(INFER, json=question())
    assert checked("error", failed, 500)["error"] == "the graph failed on two lines"
    inference.fault = ZeroDivisionError("secret")
    for _ in range(5):
        assert "secret" not in checked("error", http.post(INFER, json=question()), 500)["error"]
    assert [record.message for record in caplog.records] == ["a request ended in a fault of the program"]


def _without(asked, key):
    del asked["inputs"][0][key]


def _set(key, value, place=0):
    def change(asked):
        asked["inputs"][place][key] = value

    return change


BAD = {
    "no data": (lambda asked: _without(asked, "data"), "neither data nor"),
    "no name": (lambda asked: _without(asked, "name"), "missing required field"),
    "no inputs": (lambda asked: asked.update(inputs=[]), "length >= 1"),
    "unknown type": (_set("datatype", "FP64"), "models here take FP32 and INT64"),
    "strings": (_set("datatype", "BYTES"), "models here take FP32 and INT64"),
    "negative": (_set("shape", [-1]), ">= 1"),
    "huge": (_set("shape", [1 << 62, 1 << 62]), "too large"),
    "beyond 64 bits": (_set("shape", [10**4000] * 8), "too large"),
    "too many decisions": (_set("shape", [5000]), "a batch of 5000"),
    "too many dimensions": (_set("shape", [1] * 9), "9 dimensions"),
    "fraction": (_set("shape", [1.5]), "Expected `int`"),
    "true in shape": (_set("shape", [True]), "Expected `int`"),
    "too few": (_set("data", [1.0]), "takes 2 numbers, not 1"),
    "text": (_set("data", ["1", "2"]), "not str"),
    "null": (_set("data", [None, 1.0]), "not NoneType"),
    "true": (_set("data", [True, 1.0]), "not bool"),
    "object": (_set("data", [{}, {}]), "not dict"),
    "no list": (_set("data", 3), "Expected `array`"),
    "beyond a float": (_set("data", [1e39, 0.0]), "too large"),
    "fraction for a whole": (_set("data", [1.5, 2], 2), "whole numbers"),
    "beyond an int": (_set("data", [1 << 63, 0], 2), "64 bits"),
    "ragged": (_set("data", [[1, 2, 3], [1, 2]], 1), "not of the shape"),
    "deeper than its shape": (_set("data", [[[1], 2, 3], [1, 2, 3]], 1), "not list"),
    "both": (_set("parameters", {"binary_data_size": 8}), "both data and"),
    "null parameter": (_set("parameters", {"a": None}), "Expected"),
    "shared memory": (_set("parameters", {"shared_memory_region": "r"}), "not offered"),
    "twice": (_set("name", "kind"), "there twice"),
    "unknown output": (lambda asked: asked.update(outputs=[{"name": "nope"}]), "there is no output 'nope'"),
    "output twice": (lambda asked: asked.update(outputs=[{"name": "best"}] * 2), "wanted twice"),
    "flag": (lambda asked: asked.update(parameters={"binary_data_output": "yes"}), "true or false"),
    "number as id": (lambda asked: asked.update(id=3), "Expected `str`"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_questions(case, asgi, question):
    change, words = BAD[case]
    asked = question()
    change(asked)
    told = checked("error", asgi.post(INFER, json=asked), 400)["error"]
    assert words in told
    assert "\n" not in told


BODIES = {
    "nothing": (b"", "truncated"),
    "no JSON": (b"{", "truncated"),
    "a list": (b"[]", "Expected `object`"),
    "not a number": (b'{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[NaN]}]}', "malformed"),
    "infinity": (b'{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[Infinity]}]}', "malformed"),
    "too large": (b'{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[1e999]}]}', "out of range"),
    "not UTF-8": (b'{"inputs":[{"name":"\xff"}]}', "utf-8"),
    "deep data": (b'{"inputs":[{"name":"x","data":' + b"[" * 100_000, "too deep"),
    "deep rest": (b'{"a":' + b"[" * 100_000, "cannot be taken"),
}


@pytest.mark.parametrize("case", BODIES)
def test_bad_bodies(case, asgi):
    body, words = BODIES[case]
    assert words in checked("error", asgi.post(INFER, content=body), 400)["error"]


class Sent(NamedTuple):
    head: bytes
    body: bytes


def binary_body(sizes=(8, 24, 16), x=(1.5, 1.5)):
    """JSON and the three inputs of two rows as bytes after it."""
    arrays = [np.float32(x), np.full((2, 3), 0.2, np.float32), np.full(2, 2, np.int64)]
    names = [("x", "FP32"), ("window", "FP32"), ("kind", "INT64")]
    inputs = [
        {"name": name, "shape": list(array.shape), "datatype": kind, "parameters": {"binary_data_size": size}}
        for (name, kind), array, size in zip(names, arrays, sizes, strict=True)
    ]
    head = json.dumps({"inputs": inputs}).encode()
    return Sent(head, head + b"".join(array.tobytes() for array in arrays))


BINARY = {
    "cut off": (lambda sent: (sent.body[:-1], len(sent.head)), "15 are left"),
    "more": (lambda sent: (sent.body + b"!", len(sent.head)), "1 bytes follow the last tensor"),
    "no length": (lambda sent: (sent.head, None), "0 are left"),
    "length too short": (lambda sent: (sent.body, len(sent.head) - 1), "truncated"),
    "length too long": (lambda sent: (sent.body, len(sent.body) + 1), "must be between"),
    "length 0": (lambda sent: (sent.body, 0), "must be between"),
    "negative length": (lambda sent: (sent.body, -5), "must be between"),
    "no number": (lambda sent: (sent.body, "1e2"), "must be between"),
    "very long": (lambda sent: (sent.body, "9" * 5000), "must be between"),
    "NaN": (lambda sent: (binary_body(x=(np.nan, 1.0)).body, len(sent.head)), "x does not fit"),
}


@pytest.mark.parametrize("case", BINARY)
def test_bad_binary_sections(case, asgi):
    change, words = BINARY[case]
    body, length = change(binary_body())
    headers = {} if length is None else {"Inference-Header-Content-Length": str(length)}
    answer = asgi.post(INFER, content=body, headers=headers)
    assert words in checked("error", answer, 400)["error"]


@pytest.mark.parametrize(
    "sizes", [(12, 20, 16), (-8, 24, 16), (1 << 62, 24, 16), (8.0, 24, 16), (True, 24, 16)]
)
def test_bad_binary_sizes(sizes, asgi):
    head, body = binary_body(sizes)
    headers = {"Inference-Header-Content-Length": str(len(head))}
    checked("error", asgi.post(INFER, content=body, headers=headers), 400)


def test_binary_in_json_out(asgi):
    head, body = binary_body()
    headers = {"Inference-Header-Content-Length": str(len(head)), "Content-Type": "application/octet-stream"}
    answer = checked("inference", asgi.post(INFER, content=body, headers=headers))
    assert answer["outputs"][1]["data"] == [1, 1]
    headers["Content-Encoding"] = "gzip"
    assert asgi.post(INFER, content=gzip.compress(body), headers=headers).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        *("/v2/models/%2e%2e/infer", "/v2/models/..%2f..%2fetc%2fpasswd/infer", "/v2/models/toy%00/infer"),
        *("/v2/models//infer", "/v2/models/" + "a" * 5000 + "/infer", "/v2/models/toy/versions/..%2f/infer"),
        *("/v2/models/.hidden/infer", "/v2/models/caf%C3%A9/infer", "/v2/models/toy%0d%0aX:y/infer"),
        *("/v2/repository/models/%2e%2e/load", "/v2/repository/models/..%5c..%5c/unload", "/v3/../v2/x"),
    ],
)
def test_tricks_in_paths(path, asgi, inference, question):
    checked("error", asgi.post(path, json=question()), 404)
    assert not inference.calls


def test_other_methods_and_types(asgi, question):
    answer = asgi.put(INFER, json=question())
    checked("error", answer, 405)
    assert answer.headers["allow"] == "POST"
    form = {"content-type": "application/x-www-form-urlencoded"}
    checked("error", asgi.post(INFER, content=b"{}", headers=form), 415)
    checked("error", asgi.post(INFER, content=b"{}", headers={"content-encoding": "br"}), 415)
    checked("error", asgi.get("/v2/nothing"), 404)
