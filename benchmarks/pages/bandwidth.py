"""The page of bandwidth forecasts: every set, every policy, the curve of confidence, simulated links."""

from collections.abc import Mapping, Sequence

from benchmarks.pages.parts import Lines, Result, gates, measured_on, percent, table

__all__ = ["bandwidth"]

BLEND, LAST = "blend", "last-value"
RULES = ("last-value", "ewma", "ewma-slow", "mean-of-5", "holt", "harmonic-mean", "ridge")
TARGETS = ("next", "horizon")
SHARES = ("surest tenth", "quarter", "half", "three quarters", "all")
OTHERS = {
    "rtt_within_20": "RTT within 20 %",
    "rtt_within_20_last_value": "by last value",
    "jitter_log_skill": "jitter: log error saved",
    "loss_auc": "loss: AUC",
    "loss_auc_mean_of_5": "by mean of 5",
}


def bandwidth(result: Result) -> Lines:
    """Gates, then both targets set by set, then all policies, the curve, the rest."""
    figures = result["figures"]
    sets = figures["sets"]
    yield from gates(result)
    for target, title in zip(TARGETS, ("Next step", "Mean of the next five steps"), strict=True):
        yield f"{title}, on unseen traces:"
        yield ""
        yield from table(
            (
                "set",
                "rows",
                "within 20 %: last value",
                "best rule",
                "",
                "blend",
                "surer half",
                "MAE saved",
                "90 % covers",
                "worst decile",
                "exact would",
            ),
            [_set(one, target) for one in sets],
        )
    yield "Every policy, mean over the internet sets:"
    yield ""
    outside = [one for one in sets if one["regime"] == "internet"]
    yield from table(
        ("policy", "next: within 20 %", "surer half", "MAE saved", "five: within 20 %", "MAE saved"),
        [_policy(outside, name) for name in _policies(outside)],
    )
    yield "Confidence against accuracy, next step, blend: share within 20 % of the forecasts that are surest."
    yield ""
    yield from table(
        ("set", *SHARES),
        [(one["which"], *(percent(share) for share in _of(one, BLEND, "next")["surer"])) for one in sets],
    )
    yield from _others(sets)
    yield from _models(figures["models"])
    yield from _simulated(figures["simulated"])
    yield measured_on(result)


def _of(one: Result, policy: str, target: str) -> Result:
    found: Result = next(f for f in one["figures"] if (f["policy"], f["target"]) == (policy, target))
    return found


def _set(one: Result, target: str) -> tuple[str, ...]:
    rules = {name: _of(one, name, target)["within_20"][0] for name in RULES}
    best = max(rules, key=rules.__getitem__)
    blend = _of(one, BLEND, target)
    near, low, high = blend["within_20"]
    deciles = (blend["worst_decile"], blend["exact_worst_decile"])
    return (
        one["which"],
        f"{one['rows']:,} of {one['traces'][2]}",
        percent(rules[LAST]),
        percent(rules[best]),
        best,
        f"{percent(near)} ({100 * low:.0f}–{100 * high:.0f})",
        percent(blend["surer"][2]),
        percent(blend["mae_saved"][0]),
        percent(blend["coverage"]),
        *("–" if decile is None else percent(decile) for decile in deciles),
    )


def _policies(sets: Sequence[Result]) -> list[str]:
    return list(dict.fromkeys(f["policy"] for one in sets for f in one["figures"]))


def _policy(sets: Sequence[Result], name: str) -> tuple[str, ...]:
    first, then = ([_of(one, name, target) for one in sets] for target in TARGETS)
    return (
        name,
        _mean(first, "within_20", 0),
        _mean(first, "surer", 2),
        _mean(first, "mae_saved", 0),
        _mean(then, "within_20", 0),
        _mean(then, "mae_saved", 0),
    )


def _mean(found: Sequence[Result], name: str, place: int) -> str:
    return percent(sum(one[name][place] for one in found) / len(found))


def _others(sets: Sequence[Result]) -> Lines:
    told = [one for one in sets if one["others"]]
    yield "Round trips, jitter and loss, where a set tells them:"
    yield ""
    yield from table(
        ("set", *OTHERS.values()),
        [
            (
                one["which"],
                *(f"{one['others'][name]:.3f}" if name in one["others"] else "–" for name in OTHERS),
            )
            for one in told
        ],
    )


def _models(models: Sequence[Result]) -> Lines:
    yield "The networks; parity is the largest difference between the trained network and its export:"
    yield ""
    yield from table(
        ("model", "rows", "training", "MiB", "parity", "graph p50", "p99"),
        [
            (
                one["name"],
                f"{one['rows']:,}",
                f"{one['training_s']:.0f} s",
                f"{one['mib']:.2f}",
                "–" if one["parity"] is None else f"{one['parity']:.1e}",
                *(f"{ms:.2f} ms" for ms in one["graph_ms"]),
            )
            for one in models
        ],
    )


def _simulated(found: Sequence[Mapping[str, object]]) -> Lines:
    yield (
        "Simulated links, beside the best forecast there can be, which the generator makes from its own "
        "state (next step / mean of five):"
    )
    yield ""
    kinds = list(dict.fromkeys(str(one["kind"]) for one in found))
    policies = list(dict.fromkeys(str(one["policy"]) for one in found))
    by_name = {(one["kind"], one["policy"]): one for one in found}
    yield from table(
        ("within 20 %", *kinds),
        [(name, *(_pair(by_name[kind, name]["within_20"]) for kind in kinds)) for name in policies],
    )
    yield from table(
        ("error over the optimum's", *kinds),
        [
            (
                name,
                *(
                    _over(by_name[kind, name]["mae_mbps"], by_name[kind, "optimum"]["mae_mbps"])
                    for kind in kinds
                ),
            )
            for name in policies
        ],
    )


def _pair(shares: object) -> str:
    first, then = shares  # type: ignore[misc]
    return f"{percent(first)} / {percent(then)}"


def _over(errors: object, least: object) -> str:
    pairs = zip(errors, least, strict=True)  # type: ignore[call-overload]
    return " / ".join(f"{error / best:.2f}" for error, best in pairs)
