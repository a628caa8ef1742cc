from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dwcp.simulate.compression.codecs import CODEC_MODELS, DELTA_MODELS, CodecModel
from dwcp.simulate.compression.contents import Latents
from dwcp.simulate.compression.physics import (
    References,
    coded_bytes,
    coding_ns,
    delta_bytes,
    delta_compress_ns,
    delta_decompress_ns,
)

MODELS = st.sampled_from(CODEC_MODELS)
SIZES = st.sampled_from([1 << exponent for exponent in range(9, 25)])


def _one(value: float) -> np.ndarray:
    return np.array([value])


@st.composite
def latents(draw: st.DrawFn) -> Latents:
    zero = draw(st.floats(0, 1))
    random = draw(st.floats(0, 1)) * (1 - zero)
    order0 = draw(st.floats(1, 7.999))
    return Latents(
        _one(zero),
        _one(random),
        _one(order0),
        _one(draw(st.floats(0.5, 8))),
        _one(draw(st.floats(0.01, 10))),
        _one(draw(st.floats(0.01, 20))),
        _one(draw(st.floats(2, 100))),
        _one(1.0),
    )


def _stored(model: CodecModel, block: Latents, size: int) -> float:
    return float(coded_bytes(model, block, _one(size), _one(0))[0])


@settings(max_examples=200, deadline=None)
@given(model=MODELS, block=latents(), size=SIZES)
def test_sizes_and_times_are_in_range(model: CodecModel, block: Latents, size: int) -> None:
    assert 1 <= _stored(model, block, size) <= size + 13
    for times in (model.compress, model.decompress):
        nanoseconds = coding_ns(model, times, block, _one(size))[0]
        assert np.isfinite(nanoseconds)
        assert nanoseconds > 0
    assert coding_ns(model, model.compress, block, _one(size)) <= size * 1000 + 20_000


@settings(max_examples=200, deadline=None)
@given(model=MODELS, block=latents(), size=SIZES, factor=st.floats(0, 1))
def test_less_incompressible_data_never_stores_more(
    model: CodecModel, block: Latents, size: int, factor: float
) -> None:
    eased = replace(block, random_share=block.random_share * factor)
    assert _stored(model, eased, size) <= _stored(model, block, size)


@settings(max_examples=200, deadline=None)
@given(model=MODELS, block=latents(), size=st.sampled_from([1 << 12, 1 << 16, 1 << 20]))
def test_a_larger_block_never_has_a_worse_ratio_where_matches_pay(
    model: CodecModel, block: Latents, size: int
) -> None:
    paying = replace(block, match_bytes=np.maximum(block.match_bytes, 64), literal_bits=_one(7.9))
    assert _stored(model, paying, size * 2) / 2 <= _stored(model, paying, size) + 1


@settings(max_examples=100, deadline=None)
@given(block=latents(), size=SIZES)
def test_none_costs_a_copy_and_shrinks_nothing(block: Latents, size: int) -> None:
    none = CODEC_MODELS[0]
    assert none.name == "none"
    assert _stored(none, block, size) >= size
    for other in CODEC_MODELS[1:]:
        assert (
            coding_ns(none, none.compress, block, _one(size))
            < coding_ns(other, other.compress, block, _one(size))
        ).all()


@settings(max_examples=200, deadline=None)
@given(
    changed=st.floats(0, 1),
    more=st.floats(0, 1),
    share=st.floats(0.001, 1),
    window=st.sampled_from([1.0, 2.0, 4.0]),
)
def test_a_delta_grows_with_what_changed(changed: float, more: float, share: float, window: float) -> None:
    size = _one(1 << 20)
    before = References(_one(changed), _one(500.0), _one(window))
    after = References(_one(changed + (1 - changed) * more), _one(500.0), _one(window))
    assert delta_bytes(size * share, before, size) <= delta_bytes(size * share, after, size)
    for model in DELTA_MODELS:
        assert delta_compress_ns(model, size * 300, before, size, size * window) > 0
        assert np.isfinite(delta_decompress_ns(size * 1.0, before, size)).all()


@pytest.mark.parametrize(
    ("share", "changed", "run", "window", "measured"),
    [
        (0.250, 0.010, 128, 1, 0.00475),
        (0.235, 0.049, 512, 1, 0.01615),
        (0.245, 0.181, 4096, 1, 0.05344),
        (0.250, 0.393, 4096, 1, 0.10288),
        (0.554, 0.049, 512, 1, 0.02634),
        (0.402, 0.393, 4096, 4, 0.14516),
    ],
)
def test_deltas_are_near_the_measured_anchors(
    share: float, changed: float, run: float, window: float, measured: float
) -> None:
    size = _one(1 << 20)
    references = References(_one(changed), _one(run), _one(window))
    stored = delta_bytes(size * share, references, size) / size
    assert stored == pytest.approx(measured, rel=0.3)
