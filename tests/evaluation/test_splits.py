import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from dwcp.errors import InputError
from dwcp.evaluation.policy import Case
from dwcp.evaluation.splits import Split, leave_one_group_out, split_by_group, split_by_time

Plain = Case[int, str, float]


def case(group: str, number: int = 0, time_s: float = 0.0) -> Plain:
    return Case(number, {"a": 1.0}, group, time_s)


group_sizes = st.dictionaries(st.text(max_size=4), st.integers(1, 12), min_size=3, max_size=15)
shares = st.tuples(*(st.floats(0.01, 100) for _ in range(3)))


def parts(split: Split[Plain]) -> list[set[str]]:
    return [{c.group for c in part} for part in (split.train, split.validation, split.test)]


@given(group_sizes, shares, st.integers(0, 2**32))
def test_no_group_in_two_parts_none_empty_none_lost(
    sizes: dict[str, int], weights: tuple[float, float, float], seed: int
) -> None:
    cases = [case(group, number) for group, size in sizes.items() for number in range(size)]
    split = split_by_group(cases, weights, seed)
    train, validation, test = parts(split)
    assert all((train, validation, test))
    assert train.isdisjoint(validation)
    assert test.isdisjoint(train | validation)
    assert sorted(
        (c.group, c.context) for part in (split.train, split.validation, split.test) for c in part
    ) == (sorted((c.group, c.context) for c in cases))
    assert split == split_by_group(cases, weights, seed)


def test_shares_are_met_closely_with_many_groups() -> None:
    cases = [case(f"g{i}") for i in range(1000)]
    split = split_by_group(cases, (70, 15, 15), seed=1)
    assert [len(split.train), len(split.validation), len(split.test)] == [700, 150, 150]


def test_the_seed_and_nothing_else_moves_groups() -> None:
    cases = [case(f"g{i}") for i in range(30)]
    one, other = split_by_group(cases, (2, 1, 1), 1), split_by_group(cases, (2, 1, 1), 2)
    assert parts(one) != parts(other)
    assert parts(one) == parts(split_by_group(cases[::-1], (2, 1, 1), 1))


@pytest.mark.parametrize("split", [lambda c, s: split_by_group(c, s, 0), split_by_time])
def test_what_cannot_be_split_is_refused(split) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=r"2 group\(s\) cannot be split"):
        split([case("a"), case("b"), case("b")], (1, 1, 1))
    with pytest.raises(InputError, match="three positive numbers"):
        split([case("a"), case("b"), case("c")], (1, 0, 1))


@given(
    st.lists(
        st.tuples(st.sampled_from("abcdef"), st.integers(0, 1000)), min_size=3, max_size=80, unique=True
    ).filter(lambda rows: len({group for group, _ in rows}) >= 3)
)
def test_split_by_time_keeps_parts_in_order_of_time(rows: list[tuple[str, int]]) -> None:
    cases = [case(group, i, float(time)) for i, (group, time) in enumerate(rows)]
    try:
        split = split_by_time(cases, (2, 1, 1))
    except InputError:
        reject()
    train, validation, test = parts(split)
    assert train.isdisjoint(validation)
    assert test.isdisjoint(train | validation)
    assert max(c.time_s for c in split.train) < min(c.time_s for c in split.validation)
    assert max(c.time_s for c in split.validation) < min(c.time_s for c in split.test)


def test_groups_one_after_the_other_lose_nothing() -> None:
    cases = [case(f"g{i}", j, 100.0 * i + j) for i in range(10) for j in range(10)]
    split = split_by_time(cases, (0.7, 0.15, 0.15))
    assert [len(split.train), len(split.validation), len(split.test)] == [70, 20, 10] or (
        [len(split.train), len(split.validation), len(split.test)] == [70, 10, 20]
    )


def test_groups_over_the_same_span_keep_a_third_each() -> None:
    cases = [case(f"g{i}", j, float(j)) for i in range(6) for j in range(99)]
    split = split_by_time(cases, (4, 1, 1))
    assert [len(split.train), len(split.validation), len(split.test)] == [4 * 33, 33, 33]


def test_one_moment_for_all_cannot_be_split_by_time() -> None:
    with pytest.raises(InputError, match="split by group instead"):
        split_by_time([case(group) for group in "abc"], (1, 1, 1))


def test_leave_one_group_out_gives_each_group_once() -> None:
    cases = [case(group, i) for i, group in enumerate("babca")]
    folds = list(leave_one_group_out(cases))
    assert [group for group, _, _ in folds] == ["a", "b", "c"]
    for group, train, test in folds:
        assert {c.group for c in test} == {group}
        assert group not in {c.group for c in train}
        assert len(train) + len(test) == len(cases)
    with pytest.raises(InputError, match="two groups"):
        leave_one_group_out([case("a")])
