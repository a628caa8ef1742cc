"""Raw arrays and the pinned fingerprint."""

import numpy as np

from dwcp.tasks.consensus.contract import MEASURES, PUBLISHED, Context, Step
from dwcp.tasks.consensus.inputs import SPEC, arrays
from dwcp.tasks.consensus.names import CHANNELS, FLOORS, MOVING, feature_group


def test_what_cannot_be_true_is_missing_and_the_newest_second_is_last():
    odd = Step(queue_depth=float("nan"), latency_p50_ms=-5.0, latency_p95_ms=7.0)
    made = arrays([Context("group", (Step(queue_depth=1.0), odd)), Context("group", ())])
    assert made["window"].shape == (2, 30, len(MEASURES))
    assert made["window"][0, -1, :5].tolist() == [-1.0, -1.0, -1.0, -1.0, 7.0]
    assert made["window"][0, -2, 0] == 1.0
    assert (made["window"][1] == -1).all()
    assert (made["usual"] == -1).all()


def test_levels_given_beside_go_before_those_of_the_context():
    levels = tuple((float(place), 1.0) for place in range(len(MEASURES)))
    made = arrays([Context("group", (Step(),))], [levels])
    assert np.array_equal(made["usual"][0, 0], np.arange(len(MEASURES)))


def test_names_cover_what_they_say():
    assert len(PUBLISHED) == 12
    assert len(MOVING) == 8
    assert len(FLOORS) == len(CHANNELS)
    assert {feature_group(name) for name in CHANNELS} == {
        "published", "members", "disk", "network", "requests", "host",
    }  # fmt: skip
    assert SPEC.task == "consensus"


def test_the_fingerprint_is_pinned():
    """Another one refuses every model that was trained: change it knowingly, and say so to users."""
    assert SPEC.fingerprint == "d332c86ea908e823"
