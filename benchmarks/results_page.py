"""The figures in README.md and docs/results.md: written from ``benchmarks/results/*.json``, never by hand.

Run: ``make docs`` after a benchmark, which calls it with ``--write``; ``--check`` says which page is stale.

A page holds pairs of markers, ``<!-- results:NAME -->`` and ``<!-- /results:NAME -->``; what stands between
them is replaced. A benchmark that has not been run yet is named with the command that runs it.
"""

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from dwcp.errors import DwcpError, InputError
from dwcp.evaluation import atomic_write

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results"
PAGES = (ROOT / "README.md", ROOT / "docs" / "results.md")

MARKED = re.compile(r"<!-- results:([a-z]+) -->\n(?:.*?\n)??<!-- /results:\1 -->", re.DOTALL)
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
OURS = ("dwcp", "dwcp, old version at hand")
"""The rows of a transfer that are held against other tools."""
LIMIT = "the limit: the best choice of one measuring run, held against another run"

Result = Mapping[str, Any]
Lines = Iterator[str]


def main(
    arguments: Sequence[str] | None = None, pages: Sequence[Path] = PAGES, results: Path = RESULTS
) -> int:
    """Write the pages or check them; the exit code is 1 when a page is stale, 2 when one cannot be made."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--write", action="store_true", help="write the figures into the pages")
    mode.add_argument("--check", action="store_true", help="only say which pages are stale")
    options = parser.parse_args(arguments)
    stale = []
    try:
        for page in pages:
            before = page.read_text(encoding="utf-8")
            after = filled(before, results)
            if after != before:
                stale.append(page)
                if options.write:
                    atomic_write(page, after.encode())
    except (DwcpError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    if options.write:
        return 0
    for page in stale:
        print(f"{page} is stale: run make docs", file=sys.stderr)
    return 1 if stale else 0


def filled(page: str, results: Path) -> str:
    """The page with everything between its markers made anew.

    Raises:
        InputError: a marker names no section, or a result is not as its benchmark writes it.
    """
    return MARKED.sub(lambda found: _between(found[1], results), page)


def _between(name: str, results: Path) -> str:
    if name not in SECTIONS:
        raise InputError(f"there is no section {name!r} to write; there are {', '.join(SECTIONS)}")
    benchmark, lines = SECTIONS[name]
    file = results / f"{benchmark}.json"
    if file.exists():
        text = "\n".join(_read(file, lines)).strip("\n")
    else:
        text = f"*Not measured yet: `make bench-{benchmark}` measures it.*"
    return f"<!-- results:{name} -->\n{text}\n<!-- /results:{name} -->"


def _read(file: Path, lines: Callable[[Result], Lines]) -> list[str]:
    try:
        return list(lines(json.loads(file.read_bytes())))
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise InputError(f"{file} is not as its benchmark writes it: {error!r}; run that again") from error


def summary(result: Result) -> Lines:
    """The selector in a nutshell: beside rules and limit, time saved, gates."""
    yield from _data(result)
    yield from _in_short(result)
    yield from _choosers(result)
    yield "Time the selector saves, compressing while sending, one choice a run of blocks, asking included:"
    yield ""
    yield from _savings(result["figures"]["runs"])
    yield from _gates(result)


def compression(result: Result) -> Lines:
    """Everything the compression benchmark found."""
    figures = result["figures"]
    yield from _data(result)
    yield from _choosers(result)
    yield from _gates(result)
    for key, title in (("blocks", "One decision a block"), ("runs", "One decision a run of blocks")):
        yield from (f"### {title}", "", *_points(figures[key], figures["oracle_agreement"]))
    yield from ("### Every policy over all links and both cost models", "")
    yield from _table(
        ("policy", "same choice", "within 5 %", "mean regret", "p99 regret", "F1 beyond noise"),
        (
            (name, *_overall(row), f"{row['macro_f1_beyond_noise']:.2f}")
            for name, row in figures["overall"].items()
        ),
    )
    yield from ("### By family left out", "")
    yield from _table(
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
                    _percent(row[f"{policy}_{figure}"])
                    for policy in ("selector", "fallback")
                    for figure in ("within_5pct", "mean_regret")
                ),
            )
            for family, row in figures["families"].items()
        ),
    )
    yield _measured_on(result)


def hde(result: Result) -> Lines:
    """Delta encoding beside other tools, pair by pair."""
    yield from _gates(result)
    for pair, runs in result["figures"].items():
        old, _, new = pair.partition(" -> ")
        size = result["data"][new]["bytes"]
        yield from (f"### {new} ({size / 1e6:.1f} MB) against {old}", "")
        yield from _table(
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
    yield _measured_on(result)


def hint(result: Result) -> Lines:
    """What asking costs."""
    yield from _gates(result)
    yield from _table(
        ("figure", "measured"), ((f"`{name}`", f"{figure:.3g}") for name, figure in result["figures"].items())
    )
    yield f"Asked about {result['data']['contexts']}. {_measured_on(result)}"


def transfer(result: Result) -> Lines:
    """Transfers beside other tools and the limit, link by link."""
    figures = result["figures"]
    yield from _gates(result)
    yield "![Time over the limit's, by rate](../benchmarks/results/transfer.svg)"
    yield ""
    yield from _races(figures)
    yield from _link_uses(figures)
    for title, sentences in (("Short", figures["short"]), ("Left out", figures["left_out"])):
        if sentences:
            yield from (f"{title}:", "", *(f"- {sentence}" for sentence in sentences), "")
    yield from (definition + "\n" for definition in figures["limits"].values())
    for step in figures["steps"]:
        yield from _transfers(step)
    yield from (f"{name}: {remark}.\n" for name, remark in figures["remarks"].items())
    yield _measured_on(result)


def races(result: Result) -> Lines:
    """The short table of transfers: ours beside the quickest other tool, link by link."""
    yield "![Time over the limit's, by rate](benchmarks/results/transfer.svg)"
    yield ""
    yield from _races(result["figures"])
    yield _measured_on(result)


def _races(figures: Result) -> Lines:
    yield from _table(
        ("link", "data", "limit, s", "dwcp, s", "over the limit", "quickest other", "its s"),
        (_race(step) for step in figures["steps"]),
    )


SECTIONS: Mapping[str, tuple[str, Callable[[Result], Lines]]] = {
    "summary": ("compression", summary),
    "compression": ("compression", compression),
    "hde": ("hde", hde),
    "hint": ("hint", hint),
    "races": ("transfer", races),
    "transfer": ("transfer", transfer),
}
"""Section name to benchmark and what writes the section."""


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
        f"{len(links)} links from {_link(links[0])} to {_link(links[-1])}, in two cost models."
    )
    yield ""


def _in_short(result: Result) -> Lines:
    overall, gates = result["figures"]["overall"], result["gates"]
    every, run, rule, fixed = (
        _percent(overall[name]["mean_regret"])
        for name in ("selector", "selector, runs", "fallback", "zstd-3")
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
    limit = [_percent(_mean(again, name)) for name in ("strict", "within_5pct", "mean_regret")]
    yield from _table(
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
    yield from _table(
        ("compared with", *(_link(_mbps(row)) for row in own)),
        ((title, *(_percent(row[f"gain_over_{key}"]) for row in own)) for key, title in RIVALS.items()),
    )


def _points(rows: Sequence[Result], agreements: Mapping[str, Result]) -> Lines:
    head = ("cost model, link", "decisions", "same choice", "within 5 %", "mean regret", "p99 regret")
    gains = (f"saved of {name}" for name in ("zstd-3", "best fixed", "fallback"))
    limit = ("asking", "limit: within 5 %", "limit: mean regret")
    yield from _table(
        (*head, *gains, *limit),
        (
            (
                f"{row['point'].split()[0]}, {_link(_mbps(row))}",
                f"{row['decisions']:,}",
                *(_percent(row[name]) for name in ("strict", "within_5pct", "mean_regret", "p99_regret")),
                *(_percent(row[f"gain_over_{key}"]) for key in ("zstd_3", "best_fixed", "fallback")),
                f"{100 * row['asking_share']:.2f} %",
                *(_percent(agreements[row["point"]][name]) for name in ("within_5pct", "mean_regret")),
            )
            for row in rows
            if row["policy"] == "selector"
        ),
    )


def _race(step: Result) -> tuple[str, ...]:
    """Ours beside the quickest of the others."""
    own, other = _racers(step)
    return (
        _shape(step),
        step["kind"],
        f"{step['limit']['seconds']:.3f}" if step["limit"] else "–",
        *((f"{own['wall_s']:.3f}", _over(own)) if own else ("–", "–")),
        *((other["peer"].replace("|", "\\|"), f"{other['wall_s']:.3f}") if other else ("–", "–")),
    )


def _racers(step: Result) -> tuple[Result | None, Result | None]:
    """Ours, and the quickest of the others."""
    arrived = sorted((row for row in step["rows"] if not row["problem"]), key=lambda row: row["wall_s"])
    own = next((row for row in arrived if row["peer"] in OURS), None)
    return own, next((row for row in arrived if row["peer"].partition(",")[0] != OURS[0]), None)


def _link_uses(figures: Result) -> Lines:
    """Where the time went: ours beside the quickest other, point by point."""
    yield (
        "Where the time goes, in seconds, as seen at the receiving end of the link: before 1 % of the bytes "
        "had arrived (programs start, shake hands, read), what the rest takes at the link's rate, what it "
        "took beyond that, and after 99 % (write, check, agree, end)."
    )
    yield ""
    header = (
        "link",
        "data",
        "tool",
        "s",
        "before",
        "link full",
        "link not full",
        "after",
        "MB sent",
        "CPU s",
    )
    yield from _table(
        header, (_link_use(step, row) for step in figures["steps"] for row in _racers(step) if row)
    )


def _link_use(step: Result, row: Result) -> tuple[str, ...]:
    return (
        _shape(step),
        step["kind"],
        row["peer"].replace("|", "\\|"),
        f"{row['wall_s']:.3f}",
        *(f"{seconds:.3f}" for seconds in row["link_use"].values()),
        f"{row['sent_bytes'] / 1e6:.2f}",
        f"{row['sender_cpu_s'] + row['receiver_cpu_s']:.2f}",
    )


def _transfers(step: Result) -> Lines:
    """All peers of one step, the quickest first."""
    link, alone = step["link"], step["without_network"]
    yield from (f"### {_shape(step)}: {step['kind']}", "")
    yield (
        f"{step['data'][:1].upper()}{step['data'][1:]} ({step['files']:,} files, "
        f"{step['plain_bytes'] / 1e6:.1f} MB). Checked: {link['goodput_mbps']:,.1f} Mbit/s of payload, RTT "
        f"{link['rtt_ms']:g} ms, loss {_percent(link['loss'])}, shaped by {step['shaped_by']}. Without a "
        f"network: reading and hashing {alone['read_hash_s']:.3f} s, writing {alone['write_s']:.3f} s, both "
        f"{alone['both_s']:.3f} s."
    )
    yield ""
    yield from _table(
        (
            "tool",
            "s",
            "runs",
            "least to most",
            "over the limit",
            "MB sent",
            "CPU s, both ends",
            "resident MB",
        ),
        (_transfer(row) for row in sorted(step["rows"], key=lambda r: (bool(r["problem"]), r["wall_s"]))),
    )


def _transfer(row: Result) -> tuple[str, ...]:
    if row["problem"]:
        return (f"{row['peer']}: {row['problem']}".replace("|", "\\|"), *("–",) * 7)
    times = row["walls_s"]
    return (
        row["peer"].replace("|", "\\|"),
        f"{row['wall_s']:.3f}",
        str(len(times)),
        f"{min(times):.3f} to {max(times):.3f}",
        _over(row),
        f"{row['sent_bytes'] / 1e6:.2f}",
        f"{row['sender_cpu_s']:.2f} + {row['receiver_cpu_s']:.2f}",
        f"{row['resident_mb']:.0f}",
    )


def _over(row: Result) -> str:
    return "–" if row["over_limit"] is None else f"{row['over_limit']:.2f}"


def _shape(step: Result) -> str:
    rate = "unshaped" if step["rate_mbps"] is None else _link(step["rate_mbps"])
    return f"{rate}, RTT {step['rtt_ms']:g} ms, loss {_percent(step['loss'])}, {step['congestion_control']}"


def _gates(result: Result) -> Lines:
    gates = result["gates"]
    met = sum(gate["met"] for gate in gates)
    yield f"Gates, {met} of {len(gates)} met:"
    yield ""
    for gate in gates:
        sign = "≥" if gate["direction"] == "at_least" else "≤"
        figure = "missing" if gate["figure"] is None else f"{gate['figure']:.4g}"
        word = "met" if gate["met"] else "**short**"
        yield f"- `{gate['metric']}` {figure} (gate {sign} {gate['limit']:g}): {word}; {gate['meaning']}"
    yield ""


def _measured_on(result: Result) -> str:
    found = result["environment"]
    return f"Measured on {found['cpu']} ({found['instruction_set']}), Python {found['python']}."


def _overall(row: Result) -> tuple[str, ...]:
    return tuple(_percent(row[name]) for name in ("strict", "within_5pct", "mean_regret", "p99_regret"))


def _links(rows: Sequence[Result]) -> list[float]:
    return sorted({_mbps(row) for row in rows})


def _mbps(row: Result) -> float:
    return float(row["point"].split()[1])


def _link(mbps: float) -> str:
    return f"{mbps:g} Mbit/s" if mbps < 1000 else f"{mbps / 1000:g} Gbit/s"


def _mean(rows: Sequence[Result], name: str) -> float:
    return sum(float(row[name]) for row in rows) / len(rows)


def _percent(share: float) -> str:
    percent = round(100 * share, 1) + 0.0
    return f"{percent:.1f} %" if abs(percent) < 100 else f"{percent:,.0f} %"


def _table(header: Sequence[str], rows: Iterator[Sequence[str]] | Sequence[Sequence[str]]) -> Lines:
    yield f"| {' | '.join(header)} |"
    yield f"| --- |{' ---: |' * (len(header) - 1)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)
    yield ""


if __name__ == "__main__":
    sys.exit(main())
