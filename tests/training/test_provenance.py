"""Fingerprints that change with the data and with nothing else."""

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dwcp.evaluation import Case
from dwcp.training.provenance import data_fingerprint, instruction_set, library_versions


class Codec(StrEnum):
    FAST = "fast"
    SMALL = "small"


@dataclass(frozen=True)
class Context:
    sizes: tuple[float, ...]
    kind: str | None = None


@dataclass(frozen=True)
class Twin:
    sizes: tuple[float, ...]
    kind: str | None = None


CASE = Case(Context((1.0, 2.5)), {Codec.FAST: 1, Codec.SMALL: 2}, "group", 3.0)


def test_fingerprint_is_blake3_and_the_same_each_time():
    assert data_fingerprint([CASE]) == data_fingerprint([replace(CASE)])
    assert len(data_fingerprint([])) == 64
    # Pins the canonical form: a change of it would make old data look new.
    assert data_fingerprint([CASE])[:16] == "9673a8441bead35d"


def test_order_of_a_mapping_does_not_count_but_order_of_cases_does():
    swapped = replace(CASE, outcomes={Codec.SMALL: 2, Codec.FAST: 1})
    other = replace(CASE, group="other")
    assert data_fingerprint([swapped]) == data_fingerprint([CASE])
    assert data_fingerprint([CASE, other]) != data_fingerprint([other, CASE])


@pytest.mark.parametrize(
    "changed",
    [
        replace(CASE, context=Context((1.0, 2.5000000000000004))),
        replace(CASE, context=Context((1.0, 2.5), "")),
        replace(CASE, context=Twin((1.0, 2.5))),
        replace(CASE, outcomes={Codec.FAST: 2, Codec.SMALL: 1}),
        replace(CASE, outcomes={"fast": 1, "small": 2}),
        replace(CASE, time_s=4.0),
        replace(CASE, context=np.array([1.0, 2.5])),
        replace(CASE, context=np.array([1.0, 2.5], np.float32)),
    ],
)
def test_any_change_of_the_data_changes_it(changed):
    assert data_fingerprint([changed]) != data_fingerprint([CASE])


@given(st.lists(st.floats(allow_nan=True)), st.lists(st.floats(allow_nan=True)))
def test_equal_fingerprints_mean_equal_values(one, other):
    prints = [data_fingerprint([replace(CASE, context=tuple(values))]) for values in (one, other)]
    assert (prints[0] == prints[1]) == (repr(one) == repr(other))


def test_what_has_no_canonical_form_is_refused():
    with pytest.raises(TypeError, match="set has no canonical form"):
        data_fingerprint([replace(CASE, context={1, 2})])


def test_versions_name_python_and_what_is_installed():
    versions = library_versions()
    assert {"python", "numpy", "onnxruntime"} <= set(versions)
    assert all(versions.values())


@pytest.mark.parametrize(
    ("facts", "ending"),
    [
        ("flags : fpu avx avx2\n", "-avx2"),
        ("flags\t: avx2 avx512f x\n", "-avx512f"),
        ("Features : asimd\n", "-asimd"),
    ],
)
def test_instruction_set_names_the_widest_vector_unit(tmp_path, facts, ending):
    (tmp_path / "cpuinfo").write_text(f"model name : a chip with avx512f\n{facts}")
    assert instruction_set(tmp_path / "cpuinfo").endswith(ending)


def test_instruction_set_is_the_machine_where_nothing_is_known(tmp_path):
    (tmp_path / "cpuinfo").write_text("model name : avx2\n")
    assert "-" not in instruction_set(tmp_path / "cpuinfo")
    assert instruction_set(tmp_path / "absent") == instruction_set(tmp_path / "cpuinfo")
