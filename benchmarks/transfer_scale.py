"""Transfers that are large in one way: many files, one huge sparse file, odd names, and interruptions.

Run: ``make bench-transfer-scale``; ``--only`` runs some of the parts, ``--data DIR`` sends a folder of yours.

Everything goes over loopback by the real commands, each time with fresh keys and state, and what arrived is
compared with what was sent: names, kinds, modes, times, and every byte. Seconds are those of the sending
command, its start in them; memory is the peak of each process. The receiver of ours flushes everything to
the disk before it says that it is done, unless a row says otherwise; rsync does not.
"""

import argparse
import os
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from dwcp.errors import DwcpError
from dwcp.evaluation import Gate, check_gates
from dwcp.settings import load_settings
from reporting import RESULTS, report
from transfer_scale_runs import PROGRAM, Meter, Process, Transfer, carry, dwcp, free_port, rsync
from transfer_scale_trees import (
    FILE_BYTES,
    FOLDERS,
    PAGE,
    SPARSE_PARTS,
    facts,
    mixed_folder,
    noise,
    odd_tree,
    small_files,
    sparse_file,
)

MOST_MB = 256.0
CUTS = 6
GATES = (
    Gate("right_share", 1.0, "at_least", "our transfers that arrived as they were, sparse where they were"),
    Gate("resident_mb", MOST_MB, "at_most", "the peak of either of our processes, in any transfer"),
)
SAME_ROOT = Gate("same_root_share", 1.0, "at_least", "root ids that do not depend on who chooses the codec")


def row(name: str, transfer: Transfer, is_right: bool, **more: object) -> dict[str, object]:
    """A line of the result, told on the way."""
    line: dict[str, object] = {
        "peer": name,
        "seconds": round(transfer.seconds, 2),
        "sender_mb": transfer.sender.resident_mb,
        "receiver_mb": transfer.receiver.resident_mb,
        "right": is_right and transfer.sender.status == 0,
        **more,
    }
    print("  " + ", ".join(f"{key} {value}" for key, value in line.items()), flush=True)
    if transfer.sender.status:
        print(transfer.sender.said, transfer.receiver.said, sep="\n", file=sys.stderr)
    return line


def peers(extra: str = "") -> Iterator[tuple[str, Callable[[Path, Path], Transfer]]]:
    """Ours, ours without flushing, and rsync where it is installed."""
    yield "dwcp", dwcp
    yield "dwcp, not flushed", lambda source, folder: dwcp(source, folder, receiving=("--no-durable",))
    if shutil.which("rsync"):
        options = (extra,) if extra else ()
        yield f"rsync -a {extra}".strip(), lambda source, folder: rsync(source, folder, *options)


def copied(source: Path, place: Path, files: int, extra: str = "") -> list[dict[str, object]]:
    """Copy with every peer; each is compared with the source and removed."""
    wanted, rows = facts(source), []
    for number, (name, copy) in enumerate(peers(extra)):
        folder = place / f"copy{number}"
        transfer = copy(source, folder)
        found = folder / "to" / source.name
        is_right = found.exists() and facts(found) == wanted and _is_as_sparse(source, found)
        more: dict[str, object] = {"files_per_s": round(files / transfer.seconds)} if files > 1 else {}
        rows.append(row(name, transfer, is_right, **more))
        shutil.rmtree(folder)
    return rows


def _is_as_sparse(source: Path, found: Path) -> bool:
    if not source.is_file():
        return True
    allocated, wanted = 512 * found.stat().st_blocks, 512 * source.stat().st_blocks
    return allocated <= wanted + len(SPARSE_PARTS) * 2 * PAGE


def choosers(source: Path, place: Path, registry: Path, rounds: int) -> list[dict[str, object]]:
    """The same folder with nobody choosing the codec but rules, with a model, and with nonsense."""
    nonsense = (sys.executable, "-m", "benchmarks.transfer.nonsense", "send", source, "{}")
    ways: dict[str, Callable[[Path], Transfer]] = {
        "dwcp, no model": lambda folder: dwcp(source, folder, "--plain", "--no-model"),
        "dwcp, nonsense hints": lambda folder: carry(nonsense, folder),
    }
    if registry.is_dir():
        ways["dwcp, champion"] = lambda folder: dwcp(source, folder, "--plain", "--registry", registry)
    taken: dict[str, list[Transfer]] = {name: [] for name in ways}
    wanted = facts(source)
    right = dict.fromkeys(ways, True)
    for number in range(rounds):
        for name, way in ways.items():
            folder = place / f"choice{number}"
            taken[name].append(way(folder))
            right[name] &= facts(folder / "to" / source.name) == wanted
            shutil.rmtree(folder)
    contents = {transfer.received.get("content") for transfers in taken.values() for transfer in transfers}
    rows = []
    for name, transfers in taken.items():
        middle = sorted(transfers, key=lambda one: one.seconds)[len(transfers) // 2]
        more: dict[str, object] = {
            "session_s": _median(transfer.received.get("seconds", 0.0) for transfer in transfers),
            "wire_mb": _median(transfer.received.get("wire_bytes", 0) / 1e6 for transfer in transfers),
            "rounds": [round(transfer.seconds, 2) for transfer in transfers],
            "same_root": len(contents) == 1,
        }
        rows.append(row(name, middle, right[name], **more))
    return rows


def _median(values: Iterable[float]) -> float:
    return round(statistics.median(values), 2)


def interrupted(place: Path, what: str, size_bytes: int) -> dict[str, object]:
    """Kill one of the two in the middle and start it again, or cut connections; count what was sent again."""
    folder, source = place / f"interrupted {what}", noise(place, size_bytes)
    folder.mkdir()
    listen = ("--listen", f"127.0.0.1:{free_port()}", "--once", "--json")
    receive = (PROGRAM, "receive", folder / "to", *listen)
    receiver = Process(receive, folder, "receiver")
    meter = Meter(receiver.address())
    send = (PROGRAM, "send", source, meter.address, "--codec", "none", "--json", "--retries", "20")
    began = time.perf_counter()
    sender = Process(send, folder, "sender")
    if what == "connections cut":
        for number in range(CUTS):
            meter.wait(size_bytes * (number + 1) // (CUTS + 2))
            meter.cut()
    else:
        meter.wait(size_bytes * 45 // 100)
    if what == "receiver killed":
        receiver.end(signal.SIGKILL)
        receiver = Process(receive, folder, "receiver again")
        receiver.address()
    elif what == "sender killed":
        sender.end(signal.SIGKILL)
        sender = Process(send, folder, "sender again")
    ended = sender.end()
    transfer = Transfer(
        time.perf_counter() - began, ended, receiver.end(signal.SIGTERM if ended.status else None)
    )
    meter.close()
    found = folder / "to" / source.name
    is_right = found.exists() and facts(found) == facts(source)
    again_mb = round(max(meter.bytes - size_bytes, 0) / 1e6, 1)
    line = row(f"dwcp, {what}", transfer, is_right, size_mb=round(size_bytes / 1e6), sent_again_mb=again_mb)
    shutil.rmtree(folder)
    source.unlink()
    return line


def measure(options: argparse.Namespace, place: Path) -> dict[str, list[dict[str, object]]]:
    """Run the parts that are wanted."""
    parts: dict[str, Callable[[], list[dict[str, object]]]] = {
        "small files": lambda: copied(small_files(place, options.files), place, options.files),
        "sparse file": lambda: copied(sparse_file(place, options.sparse_gib << 30), place, 1, "-S"),
        "odd tree": lambda: copied(odd_tree(place), place, 1),
        "choosers": lambda: choosers(
            options.data or mixed_folder(place), place, options.registry, options.rounds
        ),
        "interrupted": lambda: [
            interrupted(place, what, options.noise_mb * 1_000_000)
            for what in ("receiver killed", "sender killed", "connections cut")
        ],
    }
    found = {}
    for name, part in parts.items():
        if name.startswith(tuple(options.only)):
            print(name, flush=True)
            found[name] = part()
    return found


def _file_system(place: Path) -> str:
    """The type of the file system on which everything is made."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    above = [mount for mount in mounts if place.is_relative_to(mount[1])]
    return max(above, key=lambda mount: len(mount[1]))[2] if above else ""


def figures_of(found: dict[str, list[dict[str, object]]]) -> dict[str, object]:
    """The rows, and what the gates look at."""
    ours = [line for lines in found.values() for line in lines if str(line["peer"]).startswith("dwcp")]
    figures: dict[str, object] = {
        "right_share": statistics.fmean(bool(line["right"]) for line in ours),
        "resident_mb": max(float(str(line[side])) for line in ours for side in ("sender_mb", "receiver_mb")),
        "rows": found,
    }
    if "choosers" in found:
        figures["same_root_share"] = statistics.fmean(bool(line["same_root"]) for line in found["choosers"])
    return figures


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--files", type=int, default=100_000, help="of 1 KiB, in 100 folders")
    parser.add_argument("--sparse-gib", type=int, default=20, help="size of the sparse file")
    parser.add_argument("--noise-mb", type=int, default=600, help="what is sent with interruptions")
    parser.add_argument("--rounds", type=int, default=5, help="of each chooser, taking turns")
    parser.add_argument("--data", type=Path, default=os.environ.get("DWCP_CORPUS"), help="for the choosers")
    parser.add_argument("--registry", type=Path, default=load_settings().home / "registry")
    parser.add_argument(
        "--work", type=Path, help="folder for everything that is made; a temporary one unless given"
    )
    parser.add_argument(
        "--only", nargs="+", default=[""], help="parts: small, sparse, odd, choosers, interrupted"
    )
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args(arguments)
    options.data = Path(options.data).absolute() if options.data else None
    options.registry = options.registry.absolute()
    started_s = time.perf_counter()
    try:
        with tempfile.TemporaryDirectory(prefix="dwcp-scale-", dir=options.work) as place:
            file_system = _file_system(Path(place))
            found = measure(options, Path(place))
    except (DwcpError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    if not found:
        parser.error("--only names none of the parts")
    figures = figures_of(found)
    gates = (*GATES, SAME_ROOT) if "same_root_share" in figures else GATES
    data = {
        "small files": f"{options.files} files of {FILE_BYTES} bytes in {FOLDERS} folders, incompressible",
        "sparse file": f"{options.sparse_gib} GiB with a few MB of data",
        "odd tree": "odd names, links, modes, times, empty and deep folders; rsync's daemon makes absolute "
        "links relative, so that it is not right there",
        "choosers": str(options.data.name if options.data else "about 100 MB, generated"),
        "interrupted": f"{options.noise_mb} MB, incompressible, through a relay that counts; {CUTS} cuts",
    }
    return report(
        "transfer-scale",
        figures,
        {name: about for name, about in data.items() if name in found} | {"file system": file_system},
        check_gates(gates, {gate.metric: float(str(figures[gate.metric])) for gate in gates}),
        time.perf_counter() - started_s,
        options.results,
    )


if __name__ == "__main__":
    sys.exit(main())
