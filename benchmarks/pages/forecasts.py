"""The pages of network modes, and of what forecasts are worth to transfers."""

from collections.abc import Sequence

from benchmarks.pages.parts import Lines, Result, gates, measured_on, percent, table

__all__ = ["modes", "steered"]

MODES = ("datacenter", "internet", "hybrid", "unknown")


def modes(result: Result) -> Lines:
    """Gates, the confusion of recorded and of simulated links, and switches."""
    figures = result["figures"]
    yield from gates(result)
    yield "Test traces of recorded sets: share of steps in each mode, the published thresholds beside it:"
    yield ""
    yield from _confusion(figures["sets"])
    yield "Simulated links, which tell everything:"
    yield ""
    yield from _confusion(figures["simulated"])
    yield "The same by throughput alone:"
    yield ""
    yield from _confusion(figures["simulated_throughput_alone"])
    yield "A link that becomes another, put together from test traces:"
    yield ""
    yield from table(
        ("from", "to", "path reset", "noticed", "after, median"),
        [
            (
                one["before"],
                one["after"],
                "yes" if one["reset"] else "no",
                f"{percent(one['noticed'])} of {one['tried']}",
                "–" if one["steps"] is None else f"{one['steps']:.0f} steps, {one['seconds']:.0f} s",
            )
            for one in figures["switches"]
        ],
    )
    yield measured_on(result)


def _confusion(rows: Sequence[Result]) -> Lines:
    yield from table(
        ("links", "are", *MODES, "published: right", "flaps an hour", "first told after"),
        [
            (
                f"{one['name']} ({one['traces']})",
                one["regime"],
                *(percent(one["detected"][mode]) for mode in MODES),
                percent(one["published"][one["regime"]]),
                f"{one['flaps_an_hour']:.1f}",
                "–" if one["first_s"] is None else f"{one['first_s']:.0f} s",
            )
            for one in rows
        ],
    )


def steered(result: Result) -> Lines:
    """Gates, then every variant beside the others."""
    variants = result["figures"]["variants"]
    yield from gates(result)
    before, after = result["figures"]["load_before_and_after"]
    yield (
        f"{len(result['data']['replays'])} traces replayed, {result['data']['sent']['about']}; load "
        f"average {before} before, {after} after. Ratios of time: mean with 95 % interval, range."
    )
    yield ""
    others = [name for name in variants if any(f"over {name}" in found for found in variants.values())]
    yield from table(
        ("steered by", "median s", *(f"over {name}" for name in others), "MB sent", "CPU s"),
        [
            (
                f"{name}: {found['about']}",
                f"{found['seconds']['median']:.1f}",
                *(_ratio(found.get(f"over {other}")) for other in others),
                f"{found['sent_mb']:.1f}",
                f"{found['sender_cpu_s']:.1f}",
            )
            for name, found in variants.items()
        ],
    )
    yield measured_on(result)


def _ratio(found: Result | None) -> str:
    if found is None:
        return "–"
    interval = f"[{found['low']:.2f}, {found['high']:.2f}]"
    return f"{found['mean']:.2f} {interval}, {found['least']:.2f}–{found['most']:.2f}"
