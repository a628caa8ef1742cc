import contextlib
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dwcp.errors import ArtifactRefusedError, InputError
from dwcp.registry import Golden

ARRAYS = hnp.arrays(
    dtype=st.sampled_from(["float16", "float32", "float64", "int8", "int64", "uint8", "uint64", "bool"]),
    shape=hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
)
NAMED = st.dictionaries(st.text(max_size=5), ARRAYS, max_size=2)


class Fixed:
    def __init__(self, **answers):
        self.answers = answers

    def run(self, _arrays):
        return self.answers


def golden(expected, **tolerance):
    return Golden(inputs={"x": np.zeros(1)}, outputs={"y": np.asarray(expected)}, **tolerance)


@given(NAMED, NAMED)
def test_round_trip_is_exact(inputs, outputs):
    content = Golden(inputs, outputs, absolute=0.25, relative=0).to_json()
    again = Golden.from_json(content)
    assert again.to_json() == content
    assert (again.absolute, again.relative) == (0.25, 0.0)
    for before, after in ((inputs, again.inputs), (outputs, again.outputs)):
        assert before.keys() == after.keys()
        for name, array in before.items():
            assert after[name].dtype == array.dtype
            np.testing.assert_array_equal(after[name], array, strict=True)
            if array.dtype.kind == "f":
                numbers = ~np.isnan(array)
                np.testing.assert_array_equal(np.signbit(after[name])[numbers], np.signbit(array)[numbers])


def test_the_file_is_what_the_documentation_says():
    vectors = Golden(
        inputs={"window": np.array([[0.5, 1, np.nan], [2, 3, 4]], dtype=np.float32)},
        outputs={"mbps": np.array([93.5, np.inf], dtype=np.float32)},
    )
    assert json.loads(vectors.to_json()) == {
        "format": 1,
        "absolute": 1e-05,
        "relative": 0.0001,
        "inputs": {"window": {"dtype": "float32", "shape": [2, 3], "data": [0.5, 1, "NaN", 2, 3, 4]}},
        "outputs": {"mbps": {"dtype": "float32", "shape": [2], "data": [93.5, "Infinity"]}},
    }


def test_rows_come_first_whatever_the_memory_order():
    array = np.asfortranarray([[1, 2], [3, 4]])
    assert json.loads(golden(array).to_json())["outputs"]["y"]["data"] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    "array", [np.array(["text"]), np.array([1j]), np.array([None]), np.array(["2020"], "M8")]
)
def test_a_type_that_json_cannot_say_is_refused(array):
    with pytest.raises(InputError, match="cannot be written as JSON"):
        golden(array).to_json()


def edited(**changes):
    plain = json.loads(golden(np.array([1, 2], dtype=np.uint8)).to_json())
    for path, value in changes.items():
        *parents, last = path.split("__")
        place = plain
        for name in parents:
            place = place[name]
        place[last] = value
    return json.dumps(plain).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b"[" * 100_000,
        edited(format=2),
        edited(inputs=[]),
        edited(absolute=-1),
        edited(absolute="1"),
        edited(relative=True),
        edited(relative=float("inf")),
        edited(outputs__y=3),
        edited(outputs__y__dtype="object"),
        edited(outputs__y__dtype=["uint8"]),
        edited(outputs__y__shape=[3]),
        edited(outputs__y__shape=[-1, -2]),
        edited(outputs__y__shape=[2.0]),
        edited(outputs__y__shape=2),
        edited(outputs__y__data=[1, 256]),
        edited(outputs__y__data=[1, 2.5]),
        edited(outputs__y__data=[1, True]),
        edited(outputs__y__data=[1, "NaN"]),
        edited(outputs__y__data=[[1], [2]]),
        edited(inputs__x__data=["nothing"]),
        edited(inputs__x__data=[10**400]),
    ],
)
def test_damaged_vectors_are_refused_with_one_error(content):
    with pytest.raises(ArtifactRefusedError, match="does not hold golden vectors"):
        Golden.from_json(content)


@given(st.data())
def test_any_cut_or_changed_byte_is_read_or_refused(data):
    content = bytearray(golden(np.array([1.5, np.nan])).to_json())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    with contextlib.suppress(ArtifactRefusedError):
        Golden.from_json(bytes(content))


def test_answers_within_the_tolerance_match():
    vectors = golden([100.0, 0.0, np.nan, np.inf, -np.inf], absolute=0.01, relative=0.001)
    result = vectors.compare(Fixed(y=np.array([100.1, 0.01, np.nan, np.inf, -np.inf])))
    assert result.matches
    assert result.worst["y"] == pytest.approx(0.1)


@pytest.mark.parametrize(
    "answer",
    [
        [100.2, 0.0, np.nan, np.inf],
        [100.0, 0.02, np.nan, np.inf],
        [100.0, 0.0, 1.0, np.inf],
        [100.0, 0.0, np.nan, -np.inf],
        [np.nan, 0.0, np.nan, np.inf],
        [np.inf, 0.0, np.nan, np.inf],
    ],
)
def test_each_answer_off_is_found(answer):
    result = golden([100.0, 0.0, np.nan, np.inf], absolute=0.01, relative=0.001).compare(
        Fixed(y=np.array(answer))
    )
    assert not result.matches
    assert "1 of 4 elements are off" in result.problems[0]


def test_integers_match_exactly_even_where_floats_cannot_tell():
    vectors = golden(np.array([2**62, -(2**63)]), absolute=10.0, relative=1.0)
    assert vectors.compare(Fixed(y=np.array([2**62, -(2**63)]))).matches
    result = vectors.compare(Fixed(y=np.array([2**62 + 1, 2**63 - 1])))
    assert not result.matches
    assert result.worst["y"] == float(2**64 - 1)


def test_booleans_match_exactly():
    assert golden([True, False]).compare(Fixed(y=np.array([True, False]))).matches
    assert not golden([True, False]).compare(Fixed(y=np.array([True, True]))).matches


@pytest.mark.parametrize(
    "answer", [np.zeros(3, np.float64), np.zeros((2, 1), np.float64), np.zeros(2, np.float32)]
)
def test_another_shape_or_type_does_not_match(answer):
    result = golden(np.zeros(2)).compare(Fixed(y=answer))
    assert "expected float64[2]" in result.problems[0]


def test_a_missing_output_is_named_and_another_one_does_not_matter():
    assert golden([1.0]).compare(Fixed(z=np.array([1.0]))).problems == ("y: no such output",)
    assert golden([1.0]).compare(Fixed(y=np.array([1.0]), z=np.array([1.0]))).matches


def test_values_too_far_apart_for_a_float_raise_no_warning():
    assert golden([1.7e308]).compare(Fixed(y=np.array([-1.7e308]))).worst["y"] == np.inf


def test_empty_outputs_match():
    assert golden(np.zeros((0, 2))).compare(Fixed(y=np.zeros((0, 2)))).matches
    assert golden(np.zeros(0, int)).compare(Fixed(y=np.zeros(0, int))).matches
