import pytest

from dwcp.cli import speed as module
from dwcp.cli.speed import machine_speed

SPEED = (("none", 0.5), ("zstd-3", 2.0))


class Counted:
    calls = 0

    def __call__(self):
        self.calls += 1
        return SPEED


def test_the_machine_is_measured_once(tmp_path):
    calibrate = Counted()
    assert machine_speed(tmp_path, calibrate) == SPEED
    assert machine_speed(tmp_path, calibrate) == SPEED
    assert calibrate.calls == 1


def test_another_machine_or_a_damaged_file_is_measured_anew(tmp_path, monkeypatch):
    calibrate = Counted()
    machine_speed(tmp_path, calibrate)
    monkeypatch.setattr(module, "processor", lambda: "another")
    machine_speed(tmp_path, calibrate)
    assert calibrate.calls == 2
    for damage in ("{", "[]", '{"machine": 1}'):
        (tmp_path / "speed.json").write_text(damage)
        assert machine_speed(tmp_path, calibrate) == SPEED
    assert calibrate.calls == 5


def test_a_home_that_cannot_be_written_only_costs_time(tmp_path):
    (tmp_path / "home").write_text("in the way")
    assert machine_speed(tmp_path / "home", Counted()) == SPEED


@pytest.mark.slow
def test_the_real_calibration_round_trips(tmp_path):
    from dwcp.tasks.compression.calibration import calibrate

    first = machine_speed(tmp_path, calibrate)
    assert machine_speed(tmp_path, lambda: pytest.fail("measured again")) == first
