import logging

import pytest

from dwcp.serving.access import ALL_RIGHTS, Access, Caller, InFlight, QuietLog, Right

OPS = Caller("ops", ALL_RIGHTS)
BOARD = Caller("board", frozenset({Right.INFER}))
ACCESS = Access({"a" * 32: OPS, "b" * 32: BOARD}, Caller("nobody", frozenset()))


@pytest.mark.parametrize(
    ("authorization", "caller"),
    [
        *((f"Bearer {'a' * 32}", OPS), (f"bearer {'b' * 32}".encode(), BOARD), (f"Bearer  {'a' * 32} ", OPS)),
        *((None, None), ("", None), ("Bearer", None), ("Bearer ", None), (f"Basic {'a' * 32}", None)),
        *(
            (f"Bearer {'a' * 31}", None),
            (f"Bearer {'a' * 33}", None),
            ("a" * 32, None),
            ("Bearer \udcff", None),
        ),
    ],
)
def test_callers_are_known_by_their_token(authorization, caller):
    assert ACCESS.needs_token
    assert ACCESS.caller(authorization) is caller


def test_without_tokens_everybody_is_let_in():
    everybody = Access({}, OPS)
    assert not everybody.needs_token
    assert everybody.caller(None) is everybody.caller("Bearer x") is OPS


def test_rights():
    assert BOARD.may(Right.INFER)
    assert BOARD.may(None)
    assert not BOARD.may(Right.ADMIN)


def test_no_more_at_work_than_may_be():
    in_flight = InFlight(2)
    assert [in_flight.enter() for _ in range(3)] == [True, True, False]
    in_flight.leave()
    assert in_flight.enter()
    in_flight.leave()
    in_flight.drain()
    assert in_flight.is_draining
    assert not in_flight.enter()
    assert in_flight.count == 1


def test_a_quiet_log_counts_what_it_does_not_say(caplog):
    now = [0.0]
    log = QuietLog(logging.getLogger("test"), lambda: now[0], ["a", "b"], every_s=60)
    for _ in range(1000):
        log.warn("a", "it happened")
    log.warn("b", "another")
    now[0] = 60.0
    log.warn("a", "it happened")
    assert [record.message for record in caplog.records] == [
        "it happened",
        "another",
        "it happened (999 more like it since the last such line)",
    ]
