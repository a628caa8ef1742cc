"""The figures of codecs, their selector and deltas."""

from collections.abc import Mapping, Sequence

from benchmarks.pages.parts import Lines, Result, gates, link_text, mean, measured_on, percent, table

__all__ = ["compression", "hde", "summary"]

RIVALS = {"zstd_3": "zstd-3", "best_fixed": "the best fixed codec of the link", "fallback": "the fallback"}
CHOOSERS = {
    "selector": "**the selector**, asked for every block",
    "selector, runs": "**the selector**, asked once for a run of blocks",
    "selector, not curious": "the selector, without alternatives measured on an idle core",
    "fallback": "the fallback: a level by the link's speed, a delta where there is a reference",
    "best fixed": "the codec that is best for the link on the training files",
    "zstd-3": "always zstd-3",
}
"""The policies of the short table, in its order."""
LIMIT = "the limit: the best choice of one measuring run, held against another run"


def summary(result: Result) -> Lines:
    """The selector in a nutshell: beside rules and limit, time saved, gates."""
    yield from _data(result)
    yield from _in_short(result)
    yield from _choosers(result)
    yield "Time the selector saves, compressing while sending, one choice a run of blocks, asking included:"
    yield ""
    yield from _savings(result["figures"]["runs"])
    yield from gates(result)


def compression(result: Result) -> Lines:
    """Everything the compression benchmark found."""
    figures = result["figures"]
    yield from _data(result)
    yield from _choosers(result)
    yield from gates(result)
    for key, title in (("blocks", "One decision a block"), ("runs", "One decision a run of blocks")):
        yield from (f"### {title}", "", *_points(figures[key], figures["oracle_agreement"]))
    yield from ("### Every policy over all links and both cost models", "")
    yield from table(
        ("policy", "same choice", "within 5 %", "mean regret", "p99 regret", "F1 beyond noise"),
        (
            (name, *_overall(row), f"{row['macro_f1_beyond_noise']:.2f}")
            for name, row in figures["overall"].items()
        ),
    )
    yield from ("### By family left out", "")
    yield from table(
        (
            "family",
            "selector within 5 %",
            "selector mean regret",
            "fallback within 5 %",
            "fallback mean regret",
        ),
        (
            (
                f"`{family}`",
                *(
                    percent(row[f"{policy}_{figure}"])
                    for policy in ("selector", "fallback")
                    for figure in ("within_5pct", "mean_regret")
                ),
            )
            for family, row in figures["families"].items()
        ),
    )
    yield measured_on(result)


def hde(result: Result) -> Lines:
    """Delta encoding beside other tools, pair by pair."""
    yield from gates(result)
    for pair, runs in result["figures"].items():
        old, _, new = pair.partition(" -> ")
        size = result["data"][new]["bytes"]
        yield from (f"### {new} ({size / 1e6:.1f} MB) against {old}", "")
        yield from table(
            ("encoder", "ratio", "encode MB/s", "decode MB/s", "bytes came back"),
            (
                (
                    name,
                    f"{run['ratio']:.2f}",
                    f"{run['encode_mbps']:,.0f}",
                    f"{run['decode_mbps']:,.0f}",
                    "yes" if run["exact"] else "**no**",
                )
                for name, run in runs.items()
            ),
        )
    yield measured_on(result)


def _data(result: Result) -> Lines:
    data, links = result["data"], _links(result["figures"]["blocks"])
    files = data["corpus"]
    size = sum(file["bytes"] for file in files.values())
    yield (
        f"Data: {data['blocks']:,} blocks of {data['block_bytes'] // 1024} KiB from {len(files)} real files "
        f"({size / 1e6:.0f} MB; names and digests in `benchmarks/results/compression.json`), with what every "
        f"codec made of each block measured on one core ({result['environment']['cpu']}). Every family of "
        f"files, which is a file with its other versions, was judged by a model that had not seen it but was "
        f"trained on the others and on {data['training_blocks_of_this_machine']:,} blocks of other files, on "
        f"{len(links)} links from {link_text(links[0])} to {link_text(links[-1])}, in two cost models."
    )
    yield ""


def _in_short(result: Result) -> Lines:
    overall, gates = result["figures"]["overall"], result["gates"]
    every, run, rule, fixed = (
        percent(overall[name]["mean_regret"]) for name in ("selector", "selector, runs", "fallback", "zstd-3")
    )
    yield (
        f"In short: asked for every block, the selector's choice takes {every} longer than the best possible "
        f"one on average; asked once for a run of blocks, {run}. Block by block, the fallback's takes {rule} "
        f"longer, always zstd-3 {fixed}. Of the {len(gates)} gates that the project sets itself, "
        f"{sum(gate['met'] for gate in gates)} are met."
    )
    yield ""


def _choosers(result: Result) -> Lines:
    figures = result["figures"]
    rows = [
        (CHOOSERS[name], *_overall(figures["overall"][name]))
        for name in CHOOSERS
        if name in figures["overall"]
    ]
    again = list(figures["oracle_agreement"].values())
    limit = [percent(mean(again, name)) for name in ("strict", "within_5pct", "mean_regret")]
    yield from table(
        (
            "who chooses",
            "the best choice",
            "within 5 % of the best",
            "time above the best, mean",
            "99th percentile",
        ),
        [*rows, (LIMIT, *limit, "–")],
    )


def _savings(rows: Sequence[Result]) -> Lines:
    own = [row for row in rows if row["policy"] == "selector" and row["point"].startswith("pipelined ")]
    yield from table(
        ("compared with", *(link_text(_mbps(row)) for row in own)),
        ((title, *(percent(row[f"gain_over_{key}"]) for row in own)) for key, title in RIVALS.items()),
    )


def _points(rows: Sequence[Result], agreements: Mapping[str, Result]) -> Lines:
    head = ("cost model, link", "decisions", "same choice", "within 5 %", "mean regret", "p99 regret")
    gains = (f"saved of {name}" for name in ("zstd-3", "best fixed", "fallback"))
    limit = ("asking", "limit: within 5 %", "limit: mean regret")
    yield from table(
        (*head, *gains, *limit),
        (
            (
                f"{row['point'].split()[0]}, {link_text(_mbps(row))}",
                f"{row['decisions']:,}",
                *(percent(row[name]) for name in ("strict", "within_5pct", "mean_regret", "p99_regret")),
                *(percent(row[f"gain_over_{key}"]) for key in ("zstd_3", "best_fixed", "fallback")),
                f"{100 * row['asking_share']:.2f} %",
                *(percent(agreements[row["point"]][name]) for name in ("within_5pct", "mean_regret")),
            )
            for row in rows
            if row["policy"] == "selector"
        ),
    )


def _overall(row: Result) -> tuple[str, ...]:
    return tuple(percent(row[name]) for name in ("strict", "within_5pct", "mean_regret", "p99_regret"))


def _links(rows: Sequence[Result]) -> list[float]:
    return sorted({_mbps(row) for row in rows})


def _mbps(row: Result) -> float:
    return float(row["point"].split()[1])
