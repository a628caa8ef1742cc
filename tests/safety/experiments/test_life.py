import pytest

from dwcp.errors import InputError
from dwcp.safety.experiments import TRANSITIONS, ExperimentEvent, ExperimentState
from dwcp.safety.experiments.life import moved, state_after

DRAFT, RUNNING, STOPPED, CONCLUDED = ExperimentState
START, STOP, CONCLUDE = ExperimentEvent


def test_the_table_holds_every_move_there_is():
    assert {(a, event, b) for a, moves in TRANSITIONS.items() for event, b in moves.items()} == {
        (DRAFT, START, RUNNING),
        (RUNNING, STOP, STOPPED),
        (RUNNING, CONCLUDE, CONCLUDED),
        (STOPPED, START, RUNNING),
        (STOPPED, CONCLUDE, CONCLUDED),
    }


def test_what_is_concluded_never_runs_again():
    assert state_after("codec", [START, STOP, START, CONCLUDE]) is CONCLUDED
    with pytest.raises(InputError, match="codec is concluded and cannot be started; it may be nothing"):
        moved("codec", CONCLUDED, START)


def test_a_move_that_is_not_in_the_table_says_what_may_be():
    with pytest.raises(InputError, match="is running and cannot be started; it may be stopped or concluded"):
        moved("codec", RUNNING, START)
