"""The pages on serving say what the code has: paths, methods, statuses, files, limits."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from doc_pages import ROOT

from dwcp.cli.rollout_plan import measured_by
from dwcp.operations import ALERTS
from dwcp.safety.bucketing import BUCKETS
from dwcp.safety.drift import DriftSettings
from dwcp.safety.experiments import SAMPLE_RATIO_THRESHOLD, ExperimentPlan, JournalLine, Verdict
from dwcp.safety.flags import KEYS
from dwcp.safety.rollout import LIMITS, STAGES, Entry, Event, KillSwitch, Metric, Stage, usual_plan
from dwcp.safety.shadow import ShadowDecision, ShadowOutcome
from dwcp.serving.access import Limits, Right
from dwcp.serving.drifting import DriftWatch
from dwcp.task import JudgesLive
from dwcp.tasks import discover

_FOLDER = ROOT / "docs"


def page(name: str) -> str:
    """A page of ``docs``, with its lines joined."""
    return " ".join((_FOLDER / name).read_text(encoding="utf-8").split())


def unsaid(name: str, words: object) -> list[str]:
    """Those of some words that a page does not have as code."""
    text = page(name)
    return [str(word) for word in words if f"`{word}`" not in text]  # type: ignore[attr-defined]


def described_paths() -> dict[str, dict[str, object]]:
    """Every path that is served, with its methods."""
    pytest.importorskip("starlette")
    pytest.importorskip("orjson")
    from dwcp.serving.hints.openapi import openapi_paths
    from dwcp.serving.http.models import ModelEndpoints
    from dwcp.serving.http.openapi import description
    from dwcp.serving.http.operations import operations

    with ThreadPoolExecutor(1) as workers:
        endpoints = ModelEndpoints(None, Limits().tensors, workers, 1, lambda: False)  # type: ignore[arg-type]
        return {**description(operations(endpoints))["paths"], **openapi_paths()}


def test_every_path_and_status_is_in_the_reference() -> None:
    text = page("reference/serving.md")
    statuses = set()
    for path, methods in described_paths().items():
        for method, told in methods.items():
            statuses |= set(told["responses"]) - {"200"}  # type: ignore[index]
            named = re.sub("^/v1/hints/.*", "/v1/hints/{method}", path.rstrip("/"))
            assert f"`{method.upper()} {named}`" in text
    table = text.partition("## Errors")[2].partition("## The token file")[0]
    assert [status for status in sorted(statuses) if status not in table] == []


@pytest.mark.parametrize("name", ["how-to/serve.md", "reference/serving.md"])
def test_every_method_and_right_is_named(name: str) -> None:
    pytest.importorskip("orjson")
    from dwcp.serving.hints.methods import ANSWERS, METHODS, RECORD_OUTCOME

    assert unsaid(name, (*METHODS, RECORD_OUTCOME, *(right.value for right in Right))) == []
    envelopes = {member.name for record in ANSWERS.values() for member in record.members}
    assert unsaid("reference/serving.md", sorted(envelopes)) == []


def test_every_field_of_a_file_is_in_the_reference() -> None:
    shadow = {*ShadowDecision.__struct_fields__, *ShadowOutcome.__struct_fields__}
    journals = {*Entry.__struct_encode_fields__, *KillSwitch.__struct_fields__}
    stages = {*(event.value for event in Event), *(stage.value for stage in Stage)}
    assert (
        unsaid("reference/serving.md", shadow | journals | stages | set(JournalLine.__struct_fields__)) == []
    )


def test_stages_gates_and_flags_are_explained() -> None:
    assert unsaid("how-to/rollout.md", [*STAGES, *Metric, *KEYS]) == []
    text = page("how-to/rollout.md")
    assert LIMITS == {
        Metric.ACCURACY: 0.95, Metric.ERROR_RATE: 0.05, Metric.LATENCY_P99_MS: 15.0,
        Metric.REGRET_OVER_CONTROL: 0.0, Metric.THROUGHPUT_RATIO: 0.95,
    }  # fmt: skip
    plan = usual_plan(measured_by("bandwidth"))
    gate = plan.terms(Stage.SHADOW).gates[0]
    assert f"when {gate.breach_samples} or more were measured and the whole {plan.level * 100:g} %" in text
    assert f"when {gate.samples} or more were measured" in text
    assert plan.recent_s == 600.0
    assert f"(`--samples`, {plan.terms(Stage.SHADOW).samples})" in text
    assert plan.terms(Stage.SHADOW).hold_s == 24 * 3600


def test_recommendations_alerts_and_tasks_are_explained() -> None:
    assert unsaid("how-to/experiment.md", [verdict.value for verdict in Verdict]) == []
    assert f"(p below {SAMPLE_RATIO_THRESHOLD})" in page("how-to/experiment.md")
    assert ExperimentPlan.__struct_defaults__[:2] == ((), 0.05)
    assert unsaid("how-to/serve.md", [alert.name for alert in ALERTS]) == []
    judged = [task.name for task in discover().values() if isinstance(task, JudgesLive)]
    assert judged
    assert unsaid("explanation/serving.md", judged) == []


def test_the_numbers_of_serving_are_those_of_the_code() -> None:
    limits, drift, text = Limits(), DriftWatch({}), page("how-to/serve.md")
    assert f"within {limits.header_timeout_s:g} seconds, bodies within {limits.body_timeout_s:g}" in text
    assert f"{limits.max_connections:,} connections" in text
    tensors = limits.tensors
    assert f"{tensors.max_tensors} tensors at most, of {tensors.max_elements:,} numbers" in text
    assert f"a batch of {tensors.max_batch:,}" in text
    text = page("explanation/serving.md")
    assert f"{BUCKETS:,} buckets" in text
    assert f"The first {drift.reference_rows:,} after" in text
    assert f"the latest {DriftSettings().rows:,} are" in text


def test_how_long_a_browser_stays_signed_in_is_told() -> None:
    pytest.importorskip("starlette")
    from dwcp.serving.http.sessions import SESSION_S

    assert f"for {SESSION_S / 3600:g} hours" in page("how-to/serve.md")
