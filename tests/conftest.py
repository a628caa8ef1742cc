"""What every test runs under."""

import signal

import pytest
from hypothesis import settings

# A busy machine is no fault of the code: no test is timed.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def _signals_as_usual():
    """As in a terminal, also where the tests run in the background: a shell has these ignored there."""
    usual = {
        signal.SIGINT: signal.default_int_handler,
        signal.SIGTERM: signal.SIG_DFL,
        signal.SIGHUP: signal.SIG_DFL,
    }
    before = {number: signal.signal(number, act) for number, act in usual.items()}
    yield
    for number, act in before.items():
        signal.signal(number, act)
