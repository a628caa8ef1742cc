"""A short run of the fuzzer, the same each time."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from random import Random
from types import ModuleType

import pytest

FOUND = {
    "a staged file keeps the mode of an earlier session": (
        "1e00 6d6d6d6d6f6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d 00000000fe008b00000000b60000"
    ),
}
"""Inputs that broke a promise once."""


@pytest.fixture(scope="module")
def fuzz() -> ModuleType:
    spec = spec_from_file_location("fuzz_receiver", Path(__file__).with_name("fuzz_receiver.py"))
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules.setdefault(spec.name, module_from_spec(spec))
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("state", range(8))
def test_honest_sessions_succeed_from_every_state(fuzz: ModuleType, state: int) -> None:
    fuzz.one_input(bytes([state]))


@pytest.mark.parametrize("seed", range(3))
def test_lies_do_no_harm(fuzz: ModuleType, seed: int) -> None:
    rng = Random(seed)
    for _ in range(8):
        fuzz.one_input(fuzz.seeded(rng))


@pytest.mark.parametrize("what", FOUND)
def test_what_was_found_once(fuzz: ModuleType, what: str) -> None:
    fuzz.one_input(bytes.fromhex(FOUND[what]))


def test_the_command_line_runs_without_atheris(fuzz: ModuleType) -> None:
    assert fuzz.run_seeded(0.05, 1) > 0
