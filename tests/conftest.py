"""What every test runs under."""

import pytest
from hypothesis import settings

# A busy machine is no fault of the code: no test is timed.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where several processes share the tests, a file goes to one of them, and so does whoever needs a model.

    So what a file or the session sets up is set up once.
    """
    for item in items:
        needs_model = "trained" in getattr(item, "fixturenames", ())
        item.add_marker(pytest.mark.xdist_group("trained" if needs_model else str(item.path)))
