"""The pace guard on a clock of its own."""

from dwcp.transfer.sending.pace import Pace


class Line:
    """Encoders at work, told in steps of a tenth of a second."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pace = Pace(0.0)

    def go(self, seconds: float, *, starved: bool, rate: float = 1.0, blocked: float = 0.0) -> list[float]:
        factors = []
        for _ in range(round(seconds * 20)):
            self.now += 0.05
            busy = 0.05 * (1 - blocked)
            plain = round(rate * 50_000)
            self.pace.note(
                self.now, starved=starved, plain_bytes=plain, busy_s=busy, blocked_s=0.05 * blocked
            )
            factors.append(self.pace.factor)
        return factors


def test_busy_streams_change_nothing() -> None:
    line = Line()
    assert set(line.go(10, starved=False, blocked=0.3)) == {1.0}


def test_nothing_is_tried_before_the_link_has_settled() -> None:
    assert set(Line().go(0.25, starved=True)) == {1.0}


def test_idle_streams_lead_to_a_trial_that_is_kept_where_it_pays() -> None:
    line = Line()
    line.go(0.6, starved=True)
    assert line.pace.factor == 2.0
    line.go(0.3, starved=False, rate=1.5)
    assert line.pace.factor == 2.0
    assert set(line.go(5, starved=False, rate=1.5)) == {2.0}


def test_trials_that_do_not_pay_get_rare() -> None:
    line = Line()
    factors = line.go(300, starved=True)
    tried = sum(factor != 1.0 for factor in factors) / len(factors)
    assert tried < 0.03
    assert max(factors) == 8.0
    assert factors[-1] == 1.0


def test_a_trial_is_bounded_however_well_it_does() -> None:
    line = Line()
    for step in range(200):
        line.go(0.5, starved=True, rate=1.2**step)
    assert line.pace.factor == 64.0
    line = Line()
    for step in range(200):
        line.go(0.5, starved=False, blocked=0.9, rate=1.2**step)
    assert line.pace.factor == 1 / 16


def test_bundles_that_pile_up_lead_back() -> None:
    line = Line()
    line.go(0.6, starved=True)
    line.go(0.5, starved=False, rate=1.5)
    assert line.pace.factor == 2.0
    line.go(3, starved=False, blocked=0.8, rate=1.5)
    assert line.pace.factor == 1.0


def test_it_does_not_swing() -> None:
    line = Line()
    changes = 0
    for _ in range(150):
        before = line.pace.factor
        line.go(1, starved=line.pace.factor <= 1.0, rate=1.0, blocked=0.8 if line.pace.factor > 1.0 else 0.0)
        changes += line.pace.factor != before
    assert changes < 15
