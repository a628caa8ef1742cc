import itertools

from dwcp.safety.rollout import STAGES, TRANSITIONS, Event, Stage

FORWARD = {Event.PASSED, Event.APPROVED, Event.ADVANCED}
BACK = {Event.BREACHED, Event.WITHDRAWN}


def test_the_table_holds_every_move_there_is():
    order = [*STAGES, Stage.COMPLETE]
    expected = {(Stage.PENDING, Event.OPENED, Stage.SHADOW), (Stage.PENDING, Event.ADVANCED, Stage.SHADOW)}
    for stage, following in itertools.pairwise(order):
        expected |= {(stage, event, following) for event in FORWARD}
    for stage in set(Stage) - {Stage.ROLLED_BACK}:
        expected |= {(stage, event, Stage.ROLLED_BACK) for event in BACK}
    assert {(a, e, b) for a, moves in TRANSITIONS.items() for e, b in moves.items()} == expected


def test_every_stage_has_a_row_and_rolled_back_is_left_by_nothing():
    assert set(TRANSITIONS) == set(Stage)
    assert not TRANSITIONS[Stage.ROLLED_BACK]


def test_the_shares_are_the_published_ones():
    assert [stage.percent for stage in STAGES] == [0, 5, 25, 50, 75, 100]
    assert [stage.words for stage in STAGES] == ["shadow", "canary 5%", "25%", "50%", "75%", "100%"]
