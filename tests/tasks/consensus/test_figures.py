"""What alarms are worth in one group."""

import numpy as np

from dwcp.tasks.consensus.figures import events_told


def test_alarms_in_quiet_are_false_and_those_that_begin_in_a_recovery_are_excused():
    kinds = np.array(["quiet"] * 20 + ["fault"] * 6 + ["recovery"] * 5 + ["quiet"] * 20 + ["fault"] * 4)
    events = np.array([""] * 20 + ["kill 1"] * 11 + [""] * 20 + ["rate 2"] * 4)
    flag = np.zeros(len(kinds), dtype=bool)
    flag[[5, 6, 9, 10, 22, 23, 24, 29, 30, 31, 32]] = True
    told = events_told(np.arange(len(kinds), dtype=float), kinds, events, flag)
    assert told.delays_s == (3.0, None)
    assert [(span.begin_s, span.end_s) for span in told.false] == [(6.0, 8.0), (10.0, 12.0)]
    assert told.watched_s == 40
    late = np.zeros(len(kinds), dtype=bool)
    late[[25, 26]] = True
    within = events_told(np.arange(len(kinds), dtype=float), kinds, events, late, grace_s=2.0)
    assert within.delays_s == (6.0, None)
