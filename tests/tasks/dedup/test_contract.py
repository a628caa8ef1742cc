"""What may be done, and what the rule without a model does."""

from dwcp.tasks.dedup.contract import NOTHING, Action, Candidate, Context, Outcome, promising

ONE, TWO, THREE = (bytes([number]) * 32 for number in range(3))


def context(*candidates: Candidate) -> Context:
    return Context(b"b" * 32, False, 1000, 500, candidates)


def test_only_candidates_may_be_tried_each_once_and_two_at_most() -> None:
    asked = context(*(Candidate(base, 1000, 5, 5) for base in (ONE, TWO, THREE)))
    assert all(asked.admissible(Action(bases)) for bases in [(), (ONE,), (THREE, ONE)])
    assert not any(asked.admissible(Action(bases)) for bases in [(b"x",), (ONE, ONE), (ONE, TWO, THREE)])


def test_what_shares_too_little_is_not_tried() -> None:
    little, long_windows, short_windows = (
        Candidate(ONE, 1000, 1, 1),
        Candidate(TWO, 1000, 2, 0),
        Candidate(THREE, 1000, 0, 2),
    )
    assert promising(context(little)) == NOTHING == promising(context())
    assert promising(context(little, long_windows, short_windows)) == Action((TWO, THREE))


def test_a_delta_counts_where_it_was_worth_making() -> None:
    assert Outcome(100).stored_bytes == 100
    assert Outcome(100, 89, 1).stored_bytes == 89
    assert Outcome(100, 90, 1, 1).stored_bytes == 100
