import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dwcp.errors import ArtifactRefusedError, InputError
from dwcp.registry import Manifest
from dwcp.registry.manifest import canonical_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(VALUES)
def test_canonical_json_is_standard_json_and_reaches_a_fixed_point(value):
    content = canonical_json(value)

    def refuse(name):
        raise AssertionError(name)

    again = json.loads(content, parse_constant=refuse)
    assert canonical_json(again) == content
    assert content.endswith(b"\n")


@given(st.dictionaries(st.text(), st.integers(), min_size=2))
def test_canonical_json_does_not_depend_on_the_order_of_names(value):
    assert canonical_json(dict(reversed(value.items()))) == canonical_json(value)


def test_non_finite_numbers_are_strings():
    assert canonical_json([math.nan, math.inf, -math.inf]) == b'["NaN","Infinity","-Infinity"]\n'


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", {(1, 2): 3}, "\udc80"])
def test_what_is_not_json_is_refused(value):
    with pytest.raises(InputError, match="cannot be written as JSON"):
        canonical_json(value)


def test_a_manifest_that_contains_itself_is_refused():
    loop = []
    loop.append(loop)
    with pytest.raises(InputError, match="cannot be written as JSON"):
        canonical_json(loop)


def test_the_same_draft_gives_the_same_bytes(make_draft):
    assert make_draft().manifest("1.0.0").to_json() == make_draft().manifest("1.0.0").to_json()


def test_round_trip(make_draft):
    manifest = make_draft(metrics={"model": {"skill": -math.inf, "n": 3}}).manifest("1.2.3")
    again = Manifest.from_json(manifest.to_json())
    assert again.to_json() == manifest.to_json()
    assert again.digest == manifest.digest
    assert again.metrics == {"model": {"skill": -math.inf, "n": 3.0}}


def test_a_missing_figure_keeps_its_place(make_draft):
    manifest = make_draft(metrics={"model": {"skill": math.nan}}).manifest("1.2.3")
    assert math.isnan(Manifest.from_json(manifest.to_json()).metrics["model"]["skill"])


def test_the_digest_commits_to_every_file_and_field(make_draft):
    digests = {
        draft.manifest(version).digest
        for draft, version in [
            (make_draft(), "1.0.0"),
            (make_draft(), "1.0.1"),
            (make_draft(model=b"\x08other"), "1.0.0"),
            (make_draft(accuracy=0.98), "1.0.0"),
            (make_draft(unit="kbit/s"), "1.0.0"),
        ]
    }
    assert len(digests) == 5


def test_the_content_digest_leaves_out_the_version_alone(make_draft):
    assert make_draft().manifest("1.0.0").content_digest == make_draft().manifest("2.0.0").content_digest
    assert (
        make_draft().manifest("1.0.0").content_digest != make_draft("other").manifest("1.0.0").content_digest
    )


def test_the_specification_comes_back_with_its_fingerprint(make_draft):
    draft = make_draft()
    manifest = Manifest.from_json(draft.manifest("1.0.0").to_json())
    assert manifest.specification() == draft.input_spec
    assert manifest.specification().fingerprint == manifest.fingerprint


def test_a_specification_of_another_release_is_refused(make_draft):
    manifest = make_draft().manifest("1.0.0").model_copy(update={"input_spec": {"task": "bandwidth"}})
    with pytest.raises(ArtifactRefusedError, match="not one this release knows"):
        manifest.specification()


def test_an_edit_that_keeps_the_meaning_is_still_an_edit(make_draft):
    content = make_draft().manifest("1.0.0").to_json()
    with pytest.raises(ArtifactRefusedError, match="edited"):
        Manifest.from_json(content.replace(b'"seed": 42', b'"seed":  42'))


def test_a_newer_format_is_refused(make_draft):
    content = make_draft().manifest("1.0.0").model_copy(update={"format": 2}).to_json()
    with pytest.raises(ArtifactRefusedError, match="format 2"):
        Manifest.from_json(content)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'"x"', b"\xff", b'{"task": 1}'])
def test_what_is_no_manifest_is_refused(content):
    with pytest.raises(ArtifactRefusedError, match="is not a manifest"):
        Manifest.from_json(content)
