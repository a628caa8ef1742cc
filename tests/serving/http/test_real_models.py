"""The models of an advisor over HTTP: published, loaded, asked, refused, replaced."""

import numpy as np
import pytest
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

from dwcp.serving.models import Models


def asked(world, count=2, x=10.0):
    """The toy's inputs as a client sends them: bytes and numbers."""
    inputs = []
    for name, array in world.task.arrays([world.context(x=x)] * count).items():
        datatype = "INT64" if array.dtype == np.int64 else "FP32"
        inputs.append(triton.InferInput(name, list(array.shape), datatype))
        inputs[-1].set_data_from_numpy(array, binary_data=name != "window")
    return inputs


def test_a_model_from_registry_to_answer(world, serve):
    server = serve(models=Models(world.advisor, ["toy"]))
    with triton.InferenceServerClient(server.url.removeprefix("http://")) as client:
        assert not client.is_server_ready()
        with pytest.raises(InferenceServerException, match="no model in service"):
            client.infer("toy", asked(world))
        world.publish((0, 50, 100))
        client.load_model("toy")
        assert client.is_server_ready()
        for count in (1, 100):
            answer = client.infer("toy", asked(world, count))
            assert answer.get_response()["model_version"] == "1.0.0"
            np.testing.assert_array_equal(answer.as_numpy("costs"), [[10, 50, 90]] * count)
        world.publish((100, 50, 0))
        client.load_model("toy")
        assert client.infer("toy", asked(world)).get_response()["model_version"] != "1.0.0"
        for wrong in (float("nan"), 1000.0):
            with pytest.raises(InferenceServerException, match="input 'x'") as refused:
                client.infer("toy", asked(world, x=wrong))
            assert refused.value.status() == "400"
        world.graph.fault = lambda answers, _: {**answers, "costs": answers["costs"] * np.float32("nan")}
        with pytest.raises(InferenceServerException, match="not finite"):
            client.infer("toy", asked(world))
