import numpy as np
import pytest

pytest.importorskip("torch")

from dwcp.tasks.compression.contract import CANDIDATES, action_named
from dwcp.tasks.compression.inputs import MEASURES
from dwcp.tasks.compression.model.decision import TARGETS
from dwcp.tasks.compression.model.features import DEPTHS, feature_names
from dwcp.tasks.compression.model.network import Stem
from dwcp.tasks.compression.model.stem import fit_stem

pytestmark = pytest.mark.train

NAMES = feature_names()
LIGHT, DEEP = 1, 3
STRONGER = {"zstd_whole": 1, "zstd_strong": 1, "zstd_fast": -1}
"""The block at level 1, times what a higher level gained on the sample."""


def _target(name: str, measure: str) -> int:
    return MEASURES.index(measure) * len(CANDIDATES) + CANDIDATES.index(action_named(name))


def _features(rows: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1, (rows, len(NAMES)))


def _fit(features: np.ndarray, targets: np.ndarray, depth: int = DEEP) -> Stem:
    rows = len(features)
    return fit_stem(features, np.full(rows, depth), targets, np.ones(rows))


def _prior_of(stem: Stem, depth: int, target: int) -> dict[str, float]:
    weight = stem.weight[depth, target].tolist()
    return {name: share for name, share in zip(NAMES, weight, strict=True) if share != 0}


@pytest.mark.parametrize(
    ("name", "depth", "probes"),
    [
        ("lz4", 0, {}),
        ("lz4", LIGHT, {"lz4": 1}),
        ("lz4", DEEP, {"lz4": 1}),
        ("lz4hc-9", DEEP, {"lz4": 1}),
        ("zstd-19", LIGHT, {"lz4": 1}),
        ("zstd-1", 2, {"zstd_fast": 1}),
        ("zstd--7", 2, {"lz4": 1}),
        ("zstd--7", DEEP, {"lz4": 1}),
        ("zstd-19", 2, {"zstd_fast": 1}),
        ("zstd--1", DEEP, {"zstd_whole": 1}),
        ("zstd-1", DEEP, {"zstd_whole": 1}),
        ("zstd-3", DEEP, {"zstd_whole": 1}),
        ("zstd-6", DEEP, STRONGER),
        ("zstd-9", DEEP, STRONGER),
        ("zstd-19", DEEP, STRONGER),
        ("delta-3", LIGHT, {}),
        ("delta-3", 2, {"delta": 1}),
        ("delta-19", DEEP, {"delta": 1}),
        ("none", DEEP, {}),
    ],
)
def test_with_no_data_a_block_compresses_as_its_samples_did(
    name: str, depth: int, probes: dict[str, int]
) -> None:
    stem = _fit(_features(20), np.full((20, TARGETS), np.nan))
    assert not stem.bias.any()
    for measure, suffix in (("stored_ratio", "ratio"), ("compress_ms_per_mib", "ms_per_mib")):
        expected = {f"{probe}_{suffix}": share for probe, share in probes.items()}
        assert _prior_of(stem, depth, _target(name, measure)) == expected
    assert _prior_of(stem, depth, _target(name, "decompress_ms_per_mib")) == {}


def test_with_next_to_no_data_only_the_level_is_learned() -> None:
    features, targets = _features(2), np.full((2, TARGETS), np.nan)
    target = _target("zstd-1", "stored_ratio")
    targets[:, target] = features[:, NAMES.index("zstd_whole_ratio")] + 0.25
    stem = _fit(features, targets)
    assert _prior_of(stem, DEEP, target) == {"zstd_whole_ratio": 1}
    assert stem.bias[DEEP, target].item() == pytest.approx(0.25, abs=1e-6)


def test_with_little_data_weights_stay_near_the_prior_and_with_much_they_follow_it() -> None:
    target, probe = _target("zstd-1", "stored_ratio"), NAMES.index("zstd_whole_ratio")
    learned = {}
    for rows in (6, 20_000):
        features, targets = _features(rows), np.full((rows, TARGETS), np.nan)
        targets[:, target] = 0.5 * features[:, probe] - 0.3 * features[:, 0] + 0.1
        stem = _fit(features, targets)
        learned[rows] = stem.weight[DEEP, target].numpy()
    assert learned[6][probe] > 0.7
    assert learned[20_000][probe] == pytest.approx(0.5, abs=0.01)
    assert learned[20_000][0] == pytest.approx(-0.3, abs=0.01)
    assert stem.bias[DEEP, target].item() == pytest.approx(0.1, abs=0.01)


def test_plain_codecs_do_not_look_at_the_reference() -> None:
    features, targets = _features(500), np.zeros((500, TARGETS))
    names = [place for place, name in enumerate(NAMES) if name.startswith(("reference", "delta"))]
    targets[:] = features[:, names].sum(axis=1, keepdims=True)
    stem = _fit(features, targets)
    plain, delta = (stem.weight[DEEP, _target(n, "stored_ratio")].numpy() for n in ("zstd-1", "delta-1"))
    assert not plain[names].any()
    assert (delta[names] > 0.5).all()


def test_depths_are_fitted_apart() -> None:
    features = _features(200)
    depth = np.repeat(np.arange(DEPTHS), 50)
    targets = np.tile(depth[:, None].astype(float), (1, TARGETS))
    stem = fit_stem(features, depth, targets, np.ones(200))
    none = _target("none", "stored_ratio")
    assert stem.bias[:, none].tolist() == pytest.approx([0, 1, 2, 3], abs=0.2)


def test_a_row_of_more_weight_counts_for_more() -> None:
    features, targets = np.zeros((100, len(NAMES))), np.zeros((100, TARGETS))
    targets[:50] = 1.0
    weights = np.repeat([3.0, 1.0], 50)
    stem = fit_stem(features, np.full(100, DEEP), targets, weights)
    assert stem.bias[DEEP, _target("none", "stored_ratio")].item() == pytest.approx(0.75)
