import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from dwcp.tasks.compression.contract import CANDIDATES  # noqa: E402
from dwcp.tasks.compression.inputs import FACTS  # noqa: E402
from dwcp.tasks.compression.model.features import DEPTHS, Features, feature_names  # noqa: E402

pytestmark = pytest.mark.train

COUNT = len(CANDIDATES)
NAMES = feature_names()


def test_features_are_named_in_order() -> None:
    facts = torch.arange(1, len(FACTS) + 1, dtype=torch.float32).reshape(1, -1)
    for place, name in enumerate(FACTS):
        if name.endswith(("_share", "_bits")):
            facts[0, place] /= 32
    _, features, _, _ = Features(np.ones(COUNT))(facts, torch.full((1, COUNT), -1.0))
    assert features.shape == (1, len(NAMES))
    named = dict(zip(NAMES, features[0].tolist(), strict=True))
    for name, value in zip(FACTS, facts[0].tolist(), strict=True):
        plain = name.endswith(("_share", "_bits"))
        assert named[name] == pytest.approx(value if plain else math.log(value), rel=1e-5), name


def test_what_is_not_known_is_nothing_and_shows_in_the_depth() -> None:
    known = {
        0: (),
        1: ("lz4_light", "lz4"),
        2: ("lz4_light", "lz4", "zstd_fast", "delta"),
        3: ("lz4_light", "lz4", "zstd_fast", "delta", "zstd_strong", "zstd_whole"),
    }
    features = Features(np.ones(COUNT))
    for depth, probes in known.items():
        facts = torch.full((1, len(FACTS)), -1.0)
        for place, name in enumerate(FACTS):
            if not name.endswith(("ratio", "ms_per_mib")) or name.startswith(probes or ("?",)):
                facts[0, place] = 0.5
        _, seen, at, _ = features(facts, torch.full((1, COUNT), -1.0))
        assert at[0].tolist() == [float(other == depth) for other in range(DEPTHS)]
        named = dict(zip(NAMES, seen[0].tolist(), strict=True))
        for name in NAMES:
            if name.endswith(("ratio", "ms_per_mib")):
                assert (named[name] != 0) == name.startswith(probes or ("?",)), name


@pytest.mark.parametrize(
    ("fact", "given_value", "seen"),
    [
        ("entropy_bits", 1e12, 8.0),
        ("difference_entropy_bits", -1.0, 0.0),
        ("stride_entropy_bits", 100.0, 8.0),
        ("zero_share", 1e6, 1.0),
        ("text_share", -1.0, 0.0),
        ("reference_same_share", 8.0, 1.0),
    ],
)
def test_what_is_out_of_its_range_is_taken_at_its_end(fact: str, given_value: float, seen: float) -> None:
    features = Features(np.ones(COUNT))
    both = torch.full((2, len(FACTS)), 0.5)
    both[:, FACTS.index(fact)] = torch.tensor([given_value, seen])
    _, made, _, _ = features(both, torch.full((2, COUNT), -1.0))
    assert dict(zip(NAMES, made[0].tolist(), strict=True))[fact] == seen
    changed = NAMES.index("reference_changed_share")
    assert made[0, changed].item() == made[1, changed].item()


def test_a_slower_machine_is_seen_at_the_training_machines_speed() -> None:
    training = np.linspace(1.0, 2.0, COUNT)
    features = Features(training)
    facts = torch.full((1, len(FACTS)), 0.5)
    own = torch.from_numpy(training.astype(np.float32))[None]
    there = features(facts, own)
    slow_facts = facts.clone()
    for place, name in enumerate(FACTS):
        if name.endswith("ms_per_mib"):
            slow_facts[0, place] *= 3
    here = features(slow_facts, own * 3)
    for mine, theirs in zip(here[:3], there[:3], strict=True):
        assert torch.allclose(mine, theirs, rtol=1e-5)
    assert torch.allclose(here[3], torch.full((1, COUNT), math.log(3.0)))
    assert not features(facts, torch.full((1, COUNT), -1.0))[3].any(), "not calibrated: taken as it was"
