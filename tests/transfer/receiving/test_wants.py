from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from dwcp.transfer.protocol import MAX_SKETCHES, MAX_WANT_SPANS, Sketch, Want, encode
from dwcp.transfer.receiving.wants import Wants, spans_of


@given(st.sets(st.integers(0, 300)))
def test_spans_name_each_number_once(numbers: set[int]) -> None:
    spans = spans_of(sorted(numbers))
    assert sorted(number for first, count in spans for number in range(first, first + count)) == sorted(
        numbers
    )
    assert all(sum(one) < other[0] for one, other in pairwise(spans))


def test_what_was_looked_up_and_what_proved_wrong() -> None:
    said: list[Want] = []
    wants = Wants(said.append)
    wants.looked_up(10, [(2, 3)], [])
    wants.looked_up(20, [], [])
    wants.again([7, 3, 4])
    assert said == [Want(10, ((2, 3),)), Want(20, ()), Want(20, ((3, 2), (7, 1)))]


def test_where_nothing_is_asked_for_what_proved_wrong_is() -> None:
    said: list[Want] = []
    wants = Wants(said.append)
    wants.passed(15)
    wants.again([3])
    wants.again([])
    assert said == [Want(15, ((3, 1),))]


def test_messages_do_not_get_too_long() -> None:
    said: list[Want] = []
    wants = Wants(said.append)
    spans = [(2 * number, 1) for number in range(2 * MAX_WANT_SPANS + 5)]
    wants.looked_up(10**6, spans, [])
    wants.again(number for number, _ in spans)
    assert [span for want in said[:3] for span in want.missing] == spans
    assert [want.upto for want in said] == [2 * MAX_WANT_SPANS, 4 * MAX_WANT_SPANS, 10**6] + [10**6] * 3
    for want in said:
        encode(want)


def test_sketches_travel_with_their_spans() -> None:
    said: list[Want] = []
    wants = Wants(said.append)
    sketches = [Sketch(number, (10 * number + 2, 5), bytes(8 * 4000)) for number in range(200)]
    wants.looked_up(2100, [(0, 2050)], sketches)
    assert [sketch for want in said for sketch in want.sketches] == sketches
    assert len(said) > 5
    for want in said:
        encode(want)
        assert {sketch.span for sketch in want.sketches} <= set(want.missing)
        assert all(sum(span) <= want.upto for span in want.missing)
    everything = [
        number for want in said for first, count in want.missing for number in range(first, first + count)
    ]
    assert everything == list(range(2050))


def test_many_small_sketches() -> None:
    said: list[Want] = []
    wants = Wants(said.append)
    sketches = [Sketch(number, (number, 1), bytes(8)) for number in range(MAX_SKETCHES + 10)]
    wants.looked_up(MAX_SKETCHES + 10, [(0, MAX_SKETCHES + 10)], sketches)
    assert [len(want.sketches) for want in said] == [MAX_SKETCHES, 10]
