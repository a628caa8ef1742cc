"""The figures of the store, of its index of similar blocks, and of prefetching."""

from collections.abc import Mapping

from benchmarks.pages.parts import Lines, Result, gates, measured_on, percent, table

__all__ = ["dedup", "prefetch", "sizes", "storage"]


def storage(result: Result) -> Lines:
    """Version sets in our store and in others, set by set."""
    figures = result["figures"]
    yield from gates(result)
    for name, versions in figures["sets"].items():
        size = f"{versions['plain_bytes'] / 1e6:.1f} MB"
        yield f"### {name}: {versions['versions']} {versions['kind']}s, {size}"
        yield ""
        yield from table(
            ("store", "MB", "of exact + zstd-3", "put MB/s", "get MB/s", "CPU s", "MiB, put", "MiB, get"),
            (_contender(*each) for each in _by_size(versions["contenders"])),
        )
    yield from (f"{name}: {remark}.\n" for name, remark in figures["remarks"].items())
    yield from ("### Growth", "", "Made-up files, most of each a hole; MB/s are those of the data.", "")
    yield from table(
        ("size", "data, MiB", "store", "put s", "put MB/s", "get s", "get MB/s", "MiB, put", "MiB, get"),
        (_grown(row) for row in figures["growth"]),
    )
    yield measured_on(result)


def sizes(result: Result) -> Lines:
    """The short table of stores: megabytes, set by set."""
    sets = result["figures"]["sets"]
    names = list(dict.fromkeys(name for versions in sets.values() for name in versions["contenders"]))
    yield from table(
        ("versions, MB stored", *(name.replace("|", "\\|") for name in names)),
        (
            (
                versions,
                *(
                    f"{found['contenders'][name]['stored_bytes'] / 1e6:.2f}"
                    if name in found["contenders"]
                    else "–"
                    for name in names
                ),
            )
            for versions, found in sets.items()
        ),
    )
    yield measured_on(result)


def dedup(result: Result) -> Lines:
    """How the two indexes of similar blocks grow, and who chooses bases best."""
    figures = result["figures"]
    yield from gates(result)
    edits = list(figures["growth"][0]["recall"])
    yield from table(
        (
            *("index", "blocks", "lookup p50, ms", "p99, ms", "insert, ms", "candidates", "bytes a block"),
            *(f"recall at {percent(float(edit))} edits" for edit in edits),
        ),
        (
            (
                found["index"],
                f"{found['blocks']:,}",
                f"{found['lookup_p50_ms']:.3f}",
                f"{found['lookup_p99_ms']:.3f}",
                f"{found['insert_mean_ms']:.3f}",
                f"{found['candidates']:.1f}",
                f"{found['bytes_a_block']:.0f}",
                *(percent(found["recall"][edit]) for edit in edits),
            )
            for found in figures["growth"]
        ),
    )
    yield from table(
        ("versions", "who chooses", "saved of what has a base", "useless deltas", "trials a block"),
        (
            (
                versions,
                who,
                percent(found["saved_share"]),
                percent(found["useless_share"]),
                f"{found['trials_a_block']:.2f}",
            )
            for versions, row in figures["version_sets"].items()
            for who, found in row.items()
        ),
    )
    yield measured_on(result)


def prefetch(result: Result) -> Lines:
    """Each policy on the held-out traces, and the shipped one trace by trace."""
    figures = result["figures"]
    summary = figures["summary"]
    yield from gates(result)
    yield (
        f"Means over the held-out traces ({', '.join(figures['held_out'])}) and cache sizes of 1, 5 and 20 % "
        f"of the blocks; of each trace the first {figures['accesses_at_most']:,} accesses, the last half "
        "judged."
    )
    yield ""
    yield from table(
        ("policy", "hit rate", "precision", "coverage", "fetched a read"),
        (
            (
                name,
                percent(found["hit_rate"]),
                percent(found["precision"]) if found["fetched_per_read"] else "–",
                percent(found["coverage"]),
                f"{found['fetched_per_read']:.2f}",
            )
            for name, found in summary["policies"].items()
        ),
    )
    yield from table(
        ("trace", "blocks", "cache", "without", "hybrid", "best rule", "", "precision@5", "coverage"),
        (_trace(trace, share) for trace in figures["recorded"] for share in _shares(trace)),
    )
    yield measured_on(result)


def _by_size(contenders: Mapping[str, Result]) -> list[tuple[str, Result]]:
    return sorted(contenders.items(), key=lambda each: (bool(each[1]["problem"]), each[1]["stored_bytes"]))


def _contender(name: str, found: Result) -> tuple[str, ...]:
    shown = name.replace("|", "\\|")
    if found["problem"]:
        return (f"{shown}: {found['problem']}".replace("|", "\\|"), *("–",) * 7)
    share = found["share_of_exact"]
    return (
        shown,
        f"{found['stored_bytes'] / 1e6:.2f}",
        "–" if share is None else f"{share:.3f}",
        f"{found['put_mb_per_s']:.0f}",
        f"{found['get_mb_per_s']:.0f}",
        f"{found['cpu_s']:.1f}",
        f"{found['put_peak_mib']:.0f}",
        f"{found['get_peak_mib']:.0f}",
    )


def _grown(row: Result) -> tuple[str, ...]:
    return (
        f"{row['gib']} GiB",
        f"{row['data_mib']:,}",
        row["contender"],
        f"{row['put_s']:.1f}",
        f"{row['put_data_mb_per_s']:.0f}",
        f"{row['get_s']:.1f}",
        f"{row['get_data_mb_per_s']:.0f}",
        f"{row['put_mib']:.0f}",
        f"{row['get_mib']:.0f}",
    )


_NO_RULES = ("none", "hybrid", "lstm", "lstm-ungated")


def _shares(trace: Result) -> list[float]:
    return sorted({found["cache_share"] for found in trace["figures"]})


def _trace(trace: Result, share: float) -> tuple[str, ...]:
    found = {one["policy"]: one for one in trace["figures"] if one["cache_share"] == share}
    best = max((one for name, one in found.items() if name not in _NO_RULES), key=lambda one: one["hit_rate"])
    own = found["hybrid"]
    return (
        trace["trace"],
        f"{trace['blocks']:,}",
        percent(share),
        percent(found["none"]["hit_rate"]),
        percent(own["hit_rate"]),
        percent(best["hit_rate"]),
        best["policy"],
        percent(own["precision_at_5"]) if own["used"] + own["dropped"] else "–",
        percent(own["coverage"]),
    )
