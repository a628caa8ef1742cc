"""Models by name and version, as named tensors in and out."""

from typing import Any

import numpy as np
import pytest

from dwcp.errors import ArtifactNotFoundError, GraphError, InputError
from dwcp.serving import Reason
from dwcp.serving.inference import ModelEntry
from dwcp.serving.models import Models


@pytest.fixture
def models(world: Any) -> Models:
    world.serve()
    world.advisor.load_beside("toy", world.publish((100, 0, 100)))
    return Models(world.advisor, ["toy"])


def rows(world: Any, count: int = 2) -> Any:
    return dict(world.task.arrays([world.context(x=float(10 * row)) for row in range(count)]))


def test_versions_answer_for_themselves(world: Any, models: Models) -> None:
    given = rows(world)
    for asked, told, least in ((None, "1.0.0", 0), ("1.0.0", "1.0.0", 0), ("1.1.0", "1.1.0", 1)):
        version, answer = models.infer("toy", asked, given)
        assert version == told
        assert answer["costs"].shape == (2, 3)
        assert np.argmin(answer["costs"][0]) == least


def test_metadata_and_index(world: Any, models: Models) -> None:
    told = models.metadata("toy")
    assert (told.version, told.versions) == ("1.0.0", ("1.1.0", "1.0.0"))
    assert told.fingerprint == world.task.input_spec.fingerprint
    assert [(one.name, one.dtype, one.shape) for one in told.inputs] == [
        ("x", "float32", (-1,)),
        ("window", "float32", (-1, 3)),
        ("kind", "int64", (-1,)),
    ]
    assert [one.shape for one in told.outputs] == [(-1, 3), (-1,)]
    assert models.index() == [ModelEntry("toy", "1.1.0", "READY"), ModelEntry("toy", "1.0.0", "READY")]


def test_ready_when_every_wanted_model_is(world: Any) -> None:
    models = Models(world.advisor, ["toy"])
    assert not models.ready()
    assert models.index() == [ModelEntry("toy", "", "UNAVAILABLE", "no model has been loaded")]
    world.publish()
    models.load("toy")
    assert models.ready()
    models.unload("toy")
    assert not models.ready()
    assert world.advisor.ask("toy", world.context()).reason is Reason.FALLBACK_NO_MODEL
    assert Models(world.advisor).ready()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"x": None}, "input 'x' is missing"),
        ({"x": np.array([np.nan, 1.0], np.float32)}, "outside"),
        ({"x": np.array([1.0, 2.0])}, "expected float32"),
        ({"window": np.zeros((2, 4), np.float32)}, "expected float32"),
        ({"x": np.array([1.0], np.float32)}, "the same batch"),
        ({"colour": np.zeros(2, np.float32)}, "no input 'colour'"),
        ({"x": np.array(1.0, np.float32)}, "no batch dimension"),
    ],
)
def test_what_cannot_be_used_is_refused(world: Any, models: Models, change: Any, words: str) -> None:
    given = {name: array for name, array in (rows(world) | change).items() if array is not None}
    with pytest.raises(InputError, match=words):
        models.infer("toy", None, given)


def test_no_rows_and_no_tensors_are_refused(world: Any, models: Models) -> None:
    for given in ({}, {name: array[:0] for name, array in rows(world).items()}):
        with pytest.raises(InputError, match="at least one"):
            models.infer("toy", None, given)


def test_a_graph_that_fails_says_so(world: Any, models: Models) -> None:
    world.graphs[0].fault = world.fail
    with pytest.raises(GraphError):
        models.infer("toy", "1.0.0", rows(world))
    world.graphs[0].fault = lambda answers, _: {**answers, "costs": answers["costs"] * np.nan}
    with pytest.raises(GraphError, match="not finite"):
        models.infer("toy", "1.0.0", rows(world))
    assert models.infer("toy", "1.1.0", rows(world))[0] == "1.1.0"


@pytest.mark.parametrize(("name", "version"), [("colour", None), ("toy", "7.0.0"), ("../toy", None)])
def test_what_is_not_there(world: Any, models: Models, name: str, version: str | None) -> None:
    with pytest.raises(ArtifactNotFoundError):
        models.infer(name, version, rows(world))
    with pytest.raises(ArtifactNotFoundError):
        models.metadata(name, version)
    with pytest.raises(ArtifactNotFoundError):
        models.load(name, version)
