from dataclasses import replace

import pytest
from compression_cases import REFERENCE, TEXT, context

from dwcp.codecs import codec_named
from dwcp.tasks.compression.contract import CANDIDATES, STORAGE, TRANSFER, Action, action_named

VIEWS = {
    "none": ("none", 0, "none"),
    "snappy": ("amst", 1, "snappy"),
    "lz4": ("amst", 1, "lz4"),
    "lz4hc-9": ("hde", 9, "lz4"),
    "zstd--7": ("amst", 1, "zstd"),
    "zstd--3": ("amst", 1, "zstd"),
    "zstd--1": ("amst", 1, "zstd"),
    "zstd-1": ("amst", 1, "zstd"),
    "zstd-3": ("hde", 3, "zstd"),
    "zstd-6": ("hde", 6, "zstd"),
    "zstd-9": ("hde", 9, "zstd"),
    "zstd-12": ("hde", 9, "zstd"),
    "zstd-15": ("hde", 9, "zstd"),
    "zstd-19": ("hde", 9, "zstd"),
    "delta-1": ("hde", 1, "zstd"),
    "delta-3": ("hde", 3, "zstd"),
    "delta-9": ("hde", 9, "zstd"),
    "delta-19": ("hde", 9, "zstd"),
}


def test_every_candidate_has_its_published_views() -> None:
    views = {a.name: (a.transfer_class, a.published_level, a.storage_algorithm) for a in CANDIDATES}
    assert views == VIEWS


@pytest.mark.parametrize("action", CANDIDATES, ids=str)
def test_a_candidate_is_the_codec_of_its_name(action: Action) -> None:
    codec = codec_named(action.name)
    assert codec.name == action.name == str(action)
    assert codec.needs_reference == action.use_reference
    assert action_named(action.name) == action


def test_an_unknown_name_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        action_named("zstd-4")


def test_what_may_be_chosen() -> None:
    assert frozenset(CANDIDATES) == STORAGE
    assert TRANSFER < STORAGE
    assert {action.name for action in STORAGE - TRANSFER} == {"snappy"}


def test_a_delta_is_admissible_only_against_a_reference() -> None:
    without, with_one = context(), context(facts=replace(TEXT, reference=REFERENCE))
    for action in TRANSFER:
        assert with_one.admissible(action)
        assert without.admissible(action) == (not action.use_reference)
    assert not with_one.admissible(Action("snappy"))
    assert not with_one.admissible(Action("zstd", 4))
