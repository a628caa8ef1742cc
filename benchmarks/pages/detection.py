"""The pages of detectors: a live cluster, recorded consensus groups, and nodes."""

from collections.abc import Mapping, Sequence
from statistics import fmean

from benchmarks.pages.parts import Lines, Result, gates, measured_on, percent, table

__all__ = ["consensus", "live", "nodes"]

SHARES = (
    ("recall_at_5pct_fpr", "recall at 5 % FPR"),
    ("recall_past_first_s", "the same past a fault's first second"),
    ("accuracy", "accuracy"),
    ("balanced_accuracy", "balanced"),
    ("recall", "recall"),
    ("fpr", "FPR"),
    ("quiet_fpr", "FPR, quiet"),
    ("benign_fpr", "FPR, benign"),
    ("event_recall", "events found"),
)
AREAS = (("pr_auc", "PR-AUC"), ("vus_pr", "VUS-PR"))
RATES = (("median_delay_s", "median delay, s"), ("false_episodes_per_hour", "false an hour"))
SERVER_AREAS = ("pr_auc", "vus_pr")
SERVER_SHARES = ("fpr_fixed", "fpr_followed", "recall_followed", "event_recall")


def live(result: Result) -> Lines:
    """Gates, then faults by type, benign events, false episodes, members that went."""
    figures, data = result["figures"], result["data"]
    yield from gates(result)
    yield (
        f"`dwcp watch etcd` beside a real cluster of {data['members']} members for "
        f"{figures['watched_minutes']:.0f} minutes, {data['load']:g} puts a second; judged by "
        f"{', '.join(figures['by']) or 'nobody'}. {_share(figures['host_busy'])} of the machine's processors "
        f"were in use, by whatever ran on it. A fault is visible where the client that loads the cluster "
        f"saw it; it is found where an alarm begins between its injection and its recovery."
    )
    yield ""
    yield from table(
        ("delay of visible faults", "found", "median", "worst", "within 3 s"),
        [_delay(since, found) for since, found in figures["delays"].items()],
    )
    yield "By fault; delays from the injection, and alarms against the recovery, in seconds:"
    yield ""
    yield from table(
        ("fault", "done", "visible", "found", "delay", "from impact", "outlasts recovery"),
        [_type(name, found) for name, found in figures["types"].items()],
    )
    yield "Benign events:"
    yield ""
    yield from table(
        ("event", "done", "raised an alarm"),
        [(name, str(one["events"]), str(one["alarmed"])) for name, one in figures["benign"].items()],
    )
    yield "False episodes:"
    yield ""
    yield from table(
        ("while", "minutes", "episodes", "an hour"),
        [
            (title, _figure(one["minutes"], 1), str(one["episodes"]), _figure(one["per_hour"], 1))
            for key, title in WHILE.items()
            for one in [figures["false_episodes"][key]]
        ],
    )
    yield from _absences(figures["absences"])
    yield measured_on(result)


WHILE = {
    "stretch": "before the first event",
    "quiet": "nothing was done, that included",
    "overall": "no fault was done, benign events included",
}


def consensus(result: Result) -> Lines:
    """Gates, then every detector by time and by cluster, fault by fault, features, drift."""
    figures = result["figures"]
    yield from gates(result)
    yield _recordings(figures["recordings"])
    yield ""
    yield "Split by time, the later part:"
    yield ""
    yield from _policies(figures["by_time"])
    for name, policies in figures["by_cluster"].items():
        yield f"{name.capitalize()}, judged on the others after calibration:"
        yield ""
        yield from _policies(policies)
    yield "By fault, visible ones: in the later part, and where the act was left out of training:"
    yield ""
    yield from _acts(figures["by_time_types"], figures["left_out"]["acts"])
    yield "Features:"
    yield ""
    yield from table(
        ("features", "PR-AUC", "recall at 5 % FPR"),
        [
            (name, _figure(one["pr_auc"], 3), _share(one["recall_at_5pct_fpr"]))
            for name, one in figures["ablation"].items()
        ],
    )
    yield "Quiet seconds at another level:"
    yield ""
    yield from table(
        ("level", "seconds", "time in alarm"),
        [
            (f"{one['factor']:g} times", str(one["seconds"]), _share(one["alarm_share"]))
            for one in figures["drift"]
        ],
    )
    latency = figures["latency_ms"]
    yield (
        f"A graph of {figures['model_mb']:.1f} MB, fitted in {figures['fit_s']:.0f} s; the export is within "
        f"{figures['parity']:.1e}; a decision takes {latency['p50']:.1f} ms, p99 {latency['p99']:.1f} ms. "
        f"{measured_on(result)}"
    )


def nodes(result: Result) -> Lines:
    """Gates, then recorded and simulated nodes, fault by fault, servers."""
    figures = result["figures"]
    yield from gates(result)
    for key, title in (
        ("recorded", "Nodes of a recorded cluster, the later part:"),
        ("simulated", "Simulated fleets held out:"),
    ):
        yield title
        yield ""
        yield from _policies(figures[key])
    yield "Recorded faults, recall at 5 % FPR:"
    yield ""
    yield from table(
        ("fault", "rows", "found"),
        [
            (f"`{name}`", str(one["rows"]), _share(one["recall_at_5pct_fpr"]))
            for name, one in figures["recorded_by_fault"].items()
        ],
    )
    yield from _servers(figures["servers"])
    drift = max(figures["drift_quiet_fpr"].values())
    latency = figures["latency"]
    yield (
        f"Quiet rows flagged while latencies and loads rise slowly: {_share(drift)} in the worst fleet. A "
        f"decision takes {latency['p50_ms']:.1f} ms, p99 {latency['p99_ms']:.1f} ms. {measured_on(result)}"
    )


def _delay(since: str, found: Result) -> tuple[str, ...]:
    times = (f"{_figure(found[key], 1)} s" for key in ("median_s", "worst_s"))
    return since.replace("_", " "), str(found["found"]), *times, _share(found["within_3_s"])


def _type(name: str, found: Result) -> tuple[str, ...]:
    counts = (str(found[key]) for key in ("faults", "visible", "found"))
    times = (_each(found[key]) for key in ("delays_s", "delays_from_impact_s", "outlasting_s"))
    return name, *counts, *times


def _absences(found: Sequence[Result]) -> Lines:
    yield "Members that were killed: seconds until it was said that they are away, and, once started, back:"
    yield ""
    keys = ("gone_s", "alarm_s", "away_s", "back_s", "restarted_s")
    yield from table(
        ("fault", "member", "gone for", "alarm", "away", "back", "started anew"),
        [(one["type"], str(one["member"]), *(_figure(one[key], 1) for key in keys)) for one in found],
    )


def _recordings(found: Sequence[Result]) -> str:
    return "Recordings: " + "; ".join(
        f"{one['name']} with {one['members']} members, {one['seconds']:,} s, {one['faults']} faults of which "
        f"{one['visible_faults']} visible, {one['benign_events']} benign events"
        for one in found
    )


def _policies(found: Mapping[str, Result]) -> Lines:
    """A row for each; columns that none has are left out, so tables of other benchmarks fit too."""
    columns = [
        (key, title, places)
        for group, places in ((AREAS, 3), (SHARES, None), (RATES, 1))
        for key, title in group
        if any(key in one for one in found.values())
    ]
    yield from table(
        ("detector", *(title for _, title, _ in columns)),
        [
            (
                name,
                *(
                    _share(one.get(key)) if places is None else _figure(one.get(key), places)
                    for key, _, places in columns
                ),
            )
            for name, one in found.items()
        ],
    )


def _acts(by_time: Mapping[str, Result], left_out: Mapping[str, Result]) -> Lines:
    rows = []
    for name in dict.fromkeys((*by_time, *left_out)):
        pairs = (part.get(name) for part in (by_time, left_out))
        rows.append(
            (
                f"`{name}`",
                *("–" if one is None else f"{one['found']:g} of {one['events']:g}" for one in pairs),
            )
        )
    yield from table(("fault", "later part", "left out"), rows)


def _servers(servers: Sequence[Result]) -> Lines:
    if not servers:
        return
    yield f"{len(servers)} servers with anonymous metrics, means:"
    yield ""
    rows = []
    for scorer in servers[0]["scorers"]:
        found = [one["scorers"][scorer] for one in servers]
        areas = (_figure(fmean(one[key] for one in found), 3) for key in SERVER_AREAS)
        rows.append((scorer, *areas, *(_share(fmean(one[key] for one in found)) for key in SERVER_SHARES)))
    yield from table(
        (
            *("scorer", "PR-AUC", "VUS-PR", "FPR, fixed threshold", "FPR, followed", "recall, followed"),
            "events found",
        ),
        rows,
    )


def _each(seconds: Sequence[float | None]) -> str:
    return ", ".join(_figure(one, 1) for one in seconds)


def _share(share: float | None) -> str:
    return "–" if share is None or share != share else percent(share)


def _figure(figure: float | None, places: int) -> str:
    return "–" if figure is None or figure != figure else f"{figure:.{places}f}"
