"""The page of the server under load: every way to ask it, changes meanwhile, hostile callers."""

from collections.abc import Sequence

from benchmarks.pages.parts import Lines, Result, gates, measured_on, percent, table

__all__ = ["batches", "hint", "serving"]


def serving(result: Result) -> Lines:
    """Gates, the loads, what our part of a request costs, then what was changed under load."""
    figures = result["figures"]
    yield from gates(result)
    if figures["remark"]:
        yield f"{figures['remark']}."
        yield ""
    yield "Rates and times are those a client saw that shared the processor with the server:"
    yield ""
    yield from table(
        (
            "question",
            "over",
            "client",
            "connections",
            "a second",
            "p50, ms",
            "p99, ms",
            "errors",
            "server, µs a request",
            "resident, MB",
            "hints by the model",
        ),
        [_row(one) for one in figures["rows"]],
    )
    yield from _shares(figures["rows"])
    yield from _changes(figures)
    if "hostile_refused" in figures:
        yield from _hostile(figures)
    yield measured_on(result)


def hint(result: Result) -> Lines:
    """What asking costs with everything beside it off and on."""
    figures = result["figures"]
    yield from gates(result)
    yield from table(
        ("", "off", "on"),
        [
            (f"{what}, {unit}", *(f"{figures[name.format(way)]:.3g}" for way in ("off", "on")))
            for what, unit, name in (
                ("asking alone, p50", "µs", "overhead_{}_p50_us"),
                ("asking alone, p99", "µs", "overhead_{}_p99_us"),
                ("a whole hint, p50", "ms", "hint_{}_p50_ms"),
                ("a whole hint, p99", "ms", "hint_{}_p99_ms"),
                ("telling its outcome, p50", "µs", "hint_{}_observed_p50_us"),
            )
        ],
    )
    nine = result["data"]["nine_models"]
    each = ", ".join(f"{name} {nine.count(name)}" for name in dict.fromkeys(nine))
    experiment, rollout = (figures[f"overhead_on_{name}_p50_us"] for name in ("experiment", "rollout"))
    yield (
        f"With everything on, asking alone takes {experiment:.3g} µs for a unit that an experiment has, "
        f"{rollout:.3g} µs for one that the rollout has. Models loaded: {each}; of those with more, each was "
        f"loaded so often. Asked about {result['data']['contexts']}. {measured_on(result)}"
    )


def batches(result: Result) -> Lines:
    """What a decision takes among many that are asked at once, and how often the same is asked again."""
    figures, data = result["figures"], result["data"]
    sizes = list(figures["tasks"][0]["graph_us"])
    rows = [
        (one["task"], *(f"{one['graph_us'][size]:.0f}" for size in sizes), f"{one['hint_us']:.0f}")
        for one in figures["tasks"]
    ]
    yield from table(("the graph, µs a decision, in batches of", *sizes, "a whole hint, alone"), rows)
    fleet = figures["fleet"]
    again = {
        task: max(one["again"] for one in figures["repeats"] if one["task"] == task)
        for task in dict.fromkeys(one["task"] for one in figures["repeats"])
    }
    most = ", ".join(f"{task} {percent(share)}" for task, share in again.items())
    yield (
        f"A fleet of {data['fleet_nodes']} nodes is judged in {fleet['together_ms']:.0f} ms a step instead "
        f"of {fleet['one_by_one_ms']:.0f}, {percent(fleet['alike_share'])} of the verdicts alike. Asked the "
        f"same within {data['repeats_within_s']:g} s, on the traffic where that is most often: {most}. "
        f"{measured_on(result)}"
    )


def _row(one: Result) -> tuple[str, ...]:
    return (
        one["what"],
        one["over"],
        one["client"],
        str(one["connections"] or "–"),
        f"{one['per_s']:,.0f}",
        f"{one['p50_ms']:.2f}",
        f"{one['p99_ms']:.2f}",
        str(one["errors"]),
        f"{one['server_us']:,.0f}",
        f"{one['resident_mb']:.0f}" if one["resident_mb"] else "–",
        "–" if one["by_model"] is None else percent(one["by_model"]),
    )


def _shares(rows: Sequence[Result]) -> Lines:
    """Of a request's time on the server's processor: the bare stack's, the model's, and the rest."""
    found = {(one["what"], one["over"], one["client"], one["connections"]): one for one in rows}
    lines = []
    for (what, over, client, connections), one in found.items():
        bare = found.get((f"bare: {what}", over, client, connections))
        alone = found.get((what.partition(",")[0], "in process", "own, Python", 0))
        if bare is not None and alone is not None:
            parts = (one["server_us"], bare["server_us"], alone["server_us"])
            rest = parts[0] - parts[1] - parts[2]
            lines.append((what, str(connections), *(f"{part:,.0f}" for part in (*parts, rest))))
    if lines:
        yield "Where the server's time goes, µs a request:"
        yield ""
        head = ("question", "connections", "in all", "bare stack", "the same in process", "rest")
        yield from table(head, lines)


def _changes(figures: Result) -> Lines:
    worst, before, while_ms, near = (
        f"{figures[name]:.1f} ms"
        for name in ("swap_worst_ms", "quiet_p99_ms", "swap_p99_ms", "swap_near_p99_ms")
    )
    yield (
        f"While another model came into service every second, {figures['swap_requests']:,} requests came "
        f"and {figures['swap_failed']} lost or failed. Their p99 was {while_ms}, {near} close to a swap, "
        f"{before} before; the slowest took {worst}. Memory grew by "
        f"{figures['swap_growth_mb']:.0f} MB."
    )
    yield ""
    yield (
        f"A candidate that fails every question, asked for a quarter of the units, was rolled back "
        f"({figures['breach_why']}): {figures['breach_gone_s']:.1f} s after the first unit got it, the last "
        f"one had. Of {figures['breach_requests']:,} requests {figures['breach_failed']} were lost or failed."
    )
    yield ""
    yield (
        f"After kill -9 the server was ready again {figures['crash_ready_s']:.1f} s after its start, and "
        f"everything as before {figures['crash_restored_after_ready_s']:.2f} s later."
    )
    yield ""


def _hostile(figures: Result) -> Lines:
    beside, alone = (f"{figures[name]:.1f} ms" for name in ("good_beside_p99_ms", "good_alone_p99_ms"))
    yield (
        f"{figures['hostile_refused']:,} requests without a token were refused, "
        f"{figures['hostile_refused_per_s']:,.0f} a second, at {figures['hostile_server_us']:.0f} µs each; "
        f"memory grew by {figures['hostile_growth_mb']:.1f} MB, the log had {figures['hostile_log_lines']} "
        f"lines. A good caller beside them had a p99 of {beside}, {alone} alone; "
        f"{figures['hostile_good_failed']} of its {figures['hostile_good_asked']:,} requests failed."
    )
    yield ""
