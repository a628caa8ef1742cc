import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from dwcp.errors import InputError
from dwcp.serving.tensors import (
    TensorLimits,
    bytes_of,
    checked_shape,
    datatype_of,
    numbers_of,
    tensor_from_bytes,
    tensor_from_numbers,
)

LIMITS = TensorLimits(max_elements=100, max_batch=10)
SHAPES = arrays.array_shapes(max_dims=3, max_side=4)
TENSORS = st.one_of(
    arrays.arrays(np.float32, SHAPES, elements=st.floats(width=32, allow_nan=False, allow_infinity=False)),
    arrays.arrays(np.int64, SHAPES),
)


@given(TENSORS)
def test_numbers_and_bytes_come_back_as_they_were(array):
    told = "t", datatype_of(array.dtype.name), array.shape
    for back in (
        tensor_from_bytes(*told, bytes_of(array), LIMITS),
        tensor_from_numbers(*told, numbers_of(array).tolist(), LIMITS),
        tensor_from_numbers(*told, array.tolist(), LIMITS),
    ):
        assert back.dtype == array.dtype
        np.testing.assert_array_equal(back, array)


def test_bytes_are_little_endian_and_row_by_row():
    array = np.array([[1, 2], [3, 4]], np.int64)
    assert bytes_of(array.T) == np.array([1, 3, 2, 4], "<i8").tobytes()
    assert bytes_of(array.astype(">i8")) == array.tobytes()


def test_bytes_that_lie_askew_are_put_straight():
    content = memoryview(b"!" + np.float32([1, 2]).tobytes())[1:]
    array = tensor_from_bytes("t", "FP32", [2], content, LIMITS)
    assert array.flags.aligned
    assert array.tolist() == [1, 2]


@pytest.mark.parametrize("shape", [[], [0], [2, -1], [1] * 9, [11], [5, 21], [1 << 70], [10**4000] * 8])
def test_shapes_that_are_refused(shape):
    with pytest.raises(InputError, match="tensor 't'"):
        checked_shape("t", shape, LIMITS)


@pytest.mark.parametrize("size", [0, 7, 9])
def test_another_number_of_bytes_is_refused(size):
    with pytest.raises(InputError, match=f"takes 8 bytes, not the {size}"):
        tensor_from_bytes("t", "FP32", [2], bytes(size), LIMITS)


@pytest.mark.parametrize("datatype", ["FP64", "INT32", "BYTES", "fp32", "", "x" * 9999])
def test_other_types_are_refused(datatype):
    with pytest.raises(InputError, match="models here take FP32 and INT64") as refused:
        tensor_from_numbers("t", datatype, [1], [1], LIMITS)
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize(
    ("datatype", "data"),
    [
        *(("FP32", [1e39, 0]), ("FP32", [10**400, 0]), ("FP32", [float("nan"), 0]), ("FP32", ["1", 2])),
        *(("INT64", [1 << 63, 0]), ("INT64", [-(1 << 63) - 1, 0]), ("INT64", [1.0, 2]), ("INT64", [True, 2])),
    ],
)
def test_numbers_that_do_not_fit_are_refused(datatype, data):
    with pytest.raises(InputError, match="tensor 't'"):
        tensor_from_numbers("t", datatype, [2], data, LIMITS)


def test_the_outermost_numbers_fit():
    low, high = -(1 << 63), (1 << 63) - 1
    assert tensor_from_numbers("t", "INT64", [2], [low, high], LIMITS).tolist() == [low, high]


def test_other_types_cannot_be_sent():
    with pytest.raises(InputError, match="float64"):
        bytes_of(np.zeros(1))
