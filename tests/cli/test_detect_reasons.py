from dwcp.cli.detect_reasons import cluster_verdict, node_verdict
from dwcp.serving import Hint, ModelRef, Reason
from dwcp.tasks.consensus import contract as consensus
from dwcp.tasks.reliability import contract as reliability

MODEL = ModelRef("reliability", "1.2.0", "d")


def node(*contributions: tuple[str, float], anomalous: bool = True, by: Reason = Reason.MODEL):
    steps = (reliability.Sample(), reliability.Sample(p99_latency_ms=312.0, error_rate=0.2))
    peers = (reliability.Sample(), reliability.Sample(p99_latency_ms=20.0))
    told = tuple(reliability.Contribution(*one) for one in contributions)
    action = reliability.Action(anomalous, 0.97, alarm=anomalous, contributions=told)
    return reliability.Context("web1", steps, peers), Hint(action, by, 0.97, MODEL)


def test_what_a_model_went_by_is_told_once_a_metric_with_value_and_peers():
    verdict = node_verdict(
        *node(
            ("peer_p99_latency_ms_mean_5", 9.14),
            ("p99_latency_ms_max_30", 5.0),
            ("error_x_timeout", -3.0),
            ("disk_io_change", -2.5),
        ),
        60.0,
    )
    assert [(one.feature, one.value) for one in verdict.reasons] == [
        *(("p99_latency_ms", 312.0), ("error_x_timeout", None), ("disk_io", None)),
    ]
    assert [one.words for one in verdict.reasons] == [
        "p99_latency_ms 312 (peers 20), peer_p99_latency_ms_mean_5 9.1 deviations above what is usual",
        "error_x_timeout 3.0 deviations below what is usual",
        "disk_io not measured, disk_io_change 2.5 deviations below what is usual",
    ]
    assert (verdict.by, verdict.score, verdict.alarm) == ("reliability 1.2.0", 0.97, True)


def test_rules_are_told_by_the_limits_that_are_reached_the_furthest_first():
    verdict = node_verdict(*node(by=Reason.FALLBACK_NO_MODEL), 60.0)
    assert [one.words for one in verdict.reasons] == [
        "error_rate 0.2, 4 times the limit",
        "p99_latency_ms 312 (peers 20), 3.9 times the limit",
    ]
    assert verdict.by == "FALLBACK_NO_MODEL"
    assert node_verdict(*node(anomalous=False), 60.0).reasons == ()


def test_a_node_that_is_not_seen_is_an_alarm_from_the_second_step_on_whatever_the_model_says():
    context, hint = node(anomalous=False)
    once = reliability.Context("web1", context.steps[::-1])
    for given, alarm in ((once, False), (context, True)):
        verdict = node_verdict(given, hint, 60.0, "Prometheus cannot scrape it")
        assert (verdict.flagged, verdict.alarm) == (True, alarm)
        assert [one.words for one in verdict.reasons] == ["Prometheus cannot scrape it"]


def test_a_cluster_is_told_by_broken_rules_and_then_by_evidence():
    action = consensus.Action(
        True,
        0.9,
        alarm=True,
        rules=("no member leads",),
        evidence=(consensus.Evidence("fsync_ms_max", 31.5, 12.0), consensus.Evidence("oldest_ms", None, 3.0)),
    )
    hint = Hint(action, Reason.MODEL, 0.9, ModelRef("consensus", "2.0.0", "d"))
    verdict = cluster_verdict(consensus.Context("etcd", (consensus.Step(),)), hint, 5.0)
    assert [one.words for one in verdict.reasons] == [
        "no member leads",
        "fsync_ms_max 31.5, 12.0 deviations above what is usual",
        "oldest_ms not measured, 3.0 deviations above what is usual",
    ]
    assert (verdict.subject, verdict.by) == ("etcd", "consensus 2.0.0")
