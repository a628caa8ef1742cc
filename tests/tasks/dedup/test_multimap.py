"""The multimap against a dictionary of lists."""

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dwcp.tasks.dedup import multimap
from dwcp.tasks.dedup.multimap import MultiMap

KEYS = st.sampled_from([0, 1, 7, 0xFFFFFFFE, 0xFFFFFFFF])


@pytest.fixture(autouse=True)
def merges_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multimap, "_LEAST_RECENT", 5)
    monkeypatch.setattr(multimap, "_RECENT_SHARE", 2)


@given(st.lists(st.lists(KEYS, max_size=4), max_size=40), st.integers(1, 5))
def test_it_finds_the_latest_first(added: list[list[int]], most: int) -> None:
    wanted = defaultdict[int, list[int]](list)
    found = MultiMap()
    for number, keys in enumerate(added):
        found.add(keys, number)
        for key in keys:
            wanted[key].append(number)
    every = [0, 1, 7, 9, 0xFFFFFFFE, 0xFFFFFFFF]
    expected = [wanted[key][::-1][:most] for key in every]
    assert found.find(every, most) == expected
    assert len(found) == sum(map(len, wanted.values()))
    assert MultiMap(found.entries()).find(every, most) == expected


@given(st.lists(st.lists(KEYS, max_size=3), max_size=30), st.integers(0, 30))
def test_what_is_below_a_number_is_dropped(added: list[list[int]], first: int) -> None:
    found, wanted = MultiMap(), MultiMap()
    for number, keys in enumerate(added):
        found.add(keys, number)
        if number >= first:
            wanted.add(keys, number - first)
    assert found.without_below(first).entries().tolist() == wanted.entries().tolist()
