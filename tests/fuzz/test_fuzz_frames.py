"""A short run of the fuzzer, the same each time."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from random import Random
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def fuzz() -> ModuleType:
    spec = spec_from_file_location("fuzz_frames", Path(__file__).with_name("fuzz_frames.py"))
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules.setdefault(spec.name, module_from_spec(spec))
    spec.loader.exec_module(module)
    return module


def test_golden_frames_pass(fuzz: ModuleType) -> None:
    for frame in fuzz.golden_frames():
        fuzz.one_input(frame)


@pytest.mark.parametrize("seed", range(4))
def test_mutated_frames_raise_nothing_unexpected(fuzz: ModuleType, seed: int) -> None:
    rng, frames = Random(seed), fuzz.golden_frames()
    for _ in range(2000):
        fuzz.one_input(fuzz.mutated(rng.choice(frames), rng))


def test_cut_anywhere_and_with_any_bit_flipped(fuzz: ModuleType) -> None:
    for frame in fuzz.golden_frames()[:-1]:
        for place in range(min(len(frame), 120)):
            fuzz.one_input(frame[:place])
            fuzz.one_input(frame[:place] + bytes([frame[place] ^ (1 << place % 8)]) + frame[place + 1 :])


def test_the_command_line_runs_without_atheris(fuzz: ModuleType) -> None:
    assert fuzz.run_mutations(0.05, 1) > 0
