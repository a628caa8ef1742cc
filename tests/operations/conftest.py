"""A server's insides that have been busy for a day."""

from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

_spec = spec_from_file_location("served", Path(__file__).parents[1] / "serving" / "metrics" / "served.py")
_served = module_from_spec(_spec)
_spec.loader.exec_module(_served)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Any]:
    made = _served.Served(tmp_path).load()
    yield made
    made.close()
