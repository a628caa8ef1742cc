import pytest

pytest.importorskip("prometheus_client")
pytest.importorskip("starlette")
pytest.importorskip("httpx")

from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from dwcp.errors import StorageError
from dwcp.serving.metrics import Judgements, Observed
from dwcp.serving.metrics.routes import routes

OPENMETRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}


def samples(served, observed: Observed | None = None) -> dict[tuple[str, tuple[str, ...]], float]:
    text = served.get(routes(observed or served.observed), "/metrics").text
    return {
        (sample.name, tuple(sorted(sample.labels.values()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_every_published_name_is_there_with_what_is_true(served) -> None:
    told = samples(served)
    names = {name for name, _ in told}
    published = {
        *(f"dwcp_ml_{name}" for name in ("accuracy_daily", "regret", "throughput_gain_pct", "drift")),
        *(f"dwcp_ml_{name}" for name in ("model_age_seconds", "breaker_state", "rollout_stage")),
        *("dwcp_ml_prediction_latency_ms_bucket", "dwcp_ml_predictions_total"),
        *(f"dwcp_pba_{name}" for name in ("prediction_accuracy", "prediction_latency_ms_bucket")),
        *(
            f"dwcp_pba_{name}"
            for name in ("model_version", "confidence", "retrain_total", "predictions_total")
        ),
        *(f"dwcp_pba_current_{name}" for name in ("bandwidth_mbps", "latency_ms", "packet_loss_ratio")),
        *("dwcp_pba_current_jitter_ms", "dwcp_pba_sample_count"),
        *("dwcp_amst_streams", "dwcp_hde_compression_ratio", "pakit_stored_bytes"),
    }
    assert published <= names
    assert told["dwcp_ml_predictions_total", ("1.0.0", "MODEL", "model", "toy")] == 36
    assert told["dwcp_ml_predictions_total", ("1.0.0", "FALLBACK_ERROR", "fallback", "toy")] == 4
    assert told["dwcp_ml_predictions_total", ("FALLBACK_NO_MODEL", "none", "none", "unknown")] == 40
    assert told["dwcp_ml_prediction_latency_ms_count", ("toy",)] == 40
    assert told["dwcp_ml_prediction_latency_ms_bucket", ("+Inf", "toy")] == 40
    assert told["dwcp_ml_model_age_seconds", ("1.0.0", "toy")] == 2 * 86_400
    assert told["dwcp_ml_breaker_state", ("1.0.0", "toy")] == 0
    assert told["dwcp_ml_rollout_stage", ("1.1.0", "default", "toy")] == 2
    assert told["dwcp_ml_drift", ("outcome", "regret", "toy")] == 1.2
    assert 10 < told["dwcp_ml_throughput_gain_pct", ("toy",)] < 25
    assert (
        told["dwcp_ml_accuracy_daily", ("control", "toy")] < told["dwcp_ml_accuracy_daily", ("model", "toy")]
    )
    assert told["dwcp_ml_judged_daily", ("model", "throughput", "toy")] == 4 * 288
    assert told["dwcp_pba_sample_count", ()] == 90
    assert told["dwcp_pba_retrain_total", ()] == 0
    assert told["dwcp_source_up", ("telemetry",)] == 1


def test_transfers_are_told_from_their_last_records_alone(served) -> None:
    told = samples(served)
    assert told["dwcp_amst_streams", ()] == 3
    assert told["dwcp_amst_transfer_rate_mbps", ()] == 300
    assert told["dwcp_amst_rtt_ms", ()] == 21
    assert told["dwcp_amst_stream_changes", ("opened", "probing")] == 1
    assert told["dwcp_hde_compression_ratio", ()] == pytest.approx(10_000 / 3_000)
    assert told["dwcp_hde_delta_ratio", ()] == pytest.approx(1 / 3)
    assert told["dwcp_hde_compress_seconds", ("zstd",)] == pytest.approx(0.004)
    served.now += 301.0
    later = {name for name, _ in samples(served)}
    assert "dwcp_amst_streams" not in later
    assert "dwcp_pba_current_bandwidth_mbps" not in later


def test_openmetrics_is_spoken_where_it_is_asked_for(served) -> None:
    answer = served.get(routes(served.observed), "/metrics", headers=OPENMETRICS)
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    families = {family.name for family in parse_openmetrics(answer.text)}
    assert "dwcp_ml_predictions" in families


def test_what_has_no_source_is_absent_and_one_that_fails_is_down(served, caplog) -> None:
    bare = {name for name, _ in samples(served, Observed(served.advisor, Judgements(["toy"])))}
    assert not {name for name in bare if name.startswith(("dwcp_amst", "dwcp_hde", "pakit"))}
    assert not {"dwcp_ml_accuracy_daily", "dwcp_ml_regret", "dwcp_ml_model_age_seconds"} & bare

    def broken() -> None:
        raise StorageError("the disk fails")

    failing = Observed(served.advisor, served.judgements, store=broken)
    served_routes = routes(failing)
    for _ in range(2):
        assert 'dwcp_source_up{source="store"} 0.0' in served.get(served_routes, "/metrics").text
    assert "pakit_packs" not in served.get(served_routes, "/metrics").text
    assert len([line for line in caplog.messages if "the disk fails" in line]) == 1


def test_a_damaged_telemetry_file_is_a_source_that_is_down(served) -> None:
    for file in (served.root / "telemetry").rglob("*.parquet"):
        file.write_bytes(b"no parquet")
    text = served.get(routes(served.observed), "/metrics").text
    assert 'dwcp_source_up{source="telemetry"} 0.0' in text
    assert "dwcp_ml_predictions_total" in text


def test_the_latest_forecasts_are_kept_by_path_and_few(served) -> None:
    path, points = served.forecasts.latest()
    assert path == "lab to store"
    assert [point.at_s for point in points] == sorted(point.at_s for point in points)
    assert len(points) == 90
    assert all(point.low_mbps < point.mid_mbps < point.high_mbps for point in points)
