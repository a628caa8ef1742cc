import importlib

import pytest

MODULES = [
    "telemetry",
    "telemetry.schema",
    "telemetry.sinks",
    "telemetry.sources",
    "telemetry.sources.etcd",
    "telemetry.validation",
]


@pytest.mark.parametrize("name", MODULES)
def test_what_is_exported_is_there_and_documented(name: str) -> None:
    module = importlib.import_module(f"dwcp.{name}")
    assert module.__doc__
    assert len(set(module.__all__)) == len(module.__all__)
    for exported in module.__all__:
        assert hasattr(module, exported)
