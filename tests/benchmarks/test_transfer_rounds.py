"""Peers take turns, and those that lost already do not hold up the others."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from benchmarks.transfer import rounds
from benchmarks.transfer.rounds import Row, compete
from benchmarks.transfer.trial import Trial


@pytest.fixture
def order(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The peers in the order in which they were run; a peer's name is the seconds that it takes."""
    order: list[str] = []

    def run_trial(_link: object, peer: Any, *_: object) -> Trial:
        order.append(peer.name)
        return Trial(abs(float(peer.name)), problem="broken" if peer.name.startswith("-") else None)

    monkeypatch.setattr(rounds, "run_trial", run_trial)
    return order


def names(*seconds: str) -> list[Any]:
    return [SimpleNamespace(name=name) for name in seconds]


def run(peers: list[Any], *, every_round: bool = False) -> list[Row]:
    nothing: Any = None
    return compete(
        nothing, peers, nothing, Path(), rounds=3, most_s=1.0, every_round=every_round, tell=lambda _: None
    )


def test_peers_take_turns_and_slow_or_broken_ones_run_once(order: list[str]) -> None:
    rows = run(names("9", "1", "1.4", "3", "-1"))
    assert order == ["9", "1", "1.4", "3", "-1", "9", "1", "1.4", "9", "1", "1.4"]
    assert [len(row.trials) for row in rows] == [3, 3, 3, 1, 1]
    assert rows[-1].problem == "broken"


def test_all_may_be_asked_to_run_every_round(order: list[str]) -> None:
    run(names("9", "1"), every_round=True)
    assert order == ["9", "1"] * 3


def test_a_row_gives_medians_and_spread() -> None:
    row = Row("x", tuple(Trial(wall, sent_bytes=size) for wall, size in ((3.0, 5), (1.0, 7), (2.0, 6))))
    assert row.wall_s == 2.0
    assert row.spread_s == (1.0, 3.0)
    assert row.as_json()["walls_s"] == [3.0, 1.0, 2.0]
    assert row.as_json()["sent_bytes"] == 6
