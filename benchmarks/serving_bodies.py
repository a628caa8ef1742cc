"""Questions to a server, as it is asked over each protocol."""

import json
from collections.abc import Sequence
from typing import NamedTuple

from dwcp.serving.hints.examples import EXAMPLES
from dwcp.serving.tensors import datatype_of
from dwcp.task import Arrays, Task
from serving_client import post

__all__ = ["METHOD", "Question", "hint_body", "hint_requests", "infer_binary", "infer_json"]

METHOD = "SelectCompression"
_HINT_PATH = f"/v1/hints/{METHOD}"
_LENGTH = "Inference-Header-Content-Length"


class Question(NamedTuple):
    """One request of HTTP."""

    path: str
    body: bytes
    headers: dict[str, str]

    def whole(self, **more: str) -> bytes:
        """All of its bytes, with more headers."""
        return post(self.path, self.body, {**self.headers, **more})


def infer_json(task: Task, arrays: Arrays) -> Question:
    """A question to the model in JSON."""
    inputs = [
        {
            "name": name,
            "shape": list(array.shape),
            "datatype": datatype_of(array.dtype.name),
            "data": array.ravel().tolist(),
        }
        for name, array in arrays.items()
    ]
    body = json.dumps({"inputs": inputs}).encode()
    return Question(f"/v2/models/{task.name}/infer", body, {"Content-Type": "application/json"})


def infer_binary(task: Task, arrays: Arrays) -> Question:
    """The same with Triton's binary tensors, both ways."""
    inputs = [
        {
            "name": name,
            "shape": list(array.shape),
            "datatype": datatype_of(array.dtype.name),
            "parameters": {"binary_data_size": array.nbytes},
        }
        for name, array in arrays.items()
    ]
    head = json.dumps({"inputs": inputs, "parameters": {"binary_data_output": True}}).encode()
    body = head + b"".join(array.tobytes() for array in arrays.values())
    headers = {"Content-Type": "application/octet-stream", _LENGTH: str(len(head))}
    return Question(f"/v2/models/{task.name}/infer", body, headers)


def hint_body(unit: str) -> Question:
    """A question for a hint, on behalf of a unit."""
    body = json.dumps({"context": EXAMPLES[METHOD], "unit": unit}).encode()
    return Question(_HINT_PATH, body, {"Content-Type": "application/json"})


def hint_requests(units: int, **more: str) -> Sequence[bytes]:
    """The same question for many units, with more headers."""
    return [hint_body(f"link-{number}").whole(**more) for number in range(units)]
