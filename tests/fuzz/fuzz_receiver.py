"""A fuzzer of the receiver's state: an honest session of a tiny tree, with lies in it where the bytes say so.

``python tests/fuzz/fuzz_receiver.py --seconds 600`` runs atheris, guided by coverage, or seeded bytes where
atheris is not installed. Whatever is said:

- nothing but `DwcpError` ends a session, and it ends soon;
- nothing is written outside the folder, not through a symbolic link either, nor beside the offered name;
- nothing appears in place unless the root was verified, and then each byte of it has the id that was told;
- an honest transfer into the same folder succeeds afterwards.
"""

import argparse
import contextlib
import resource
import sys
import tempfile
import threading
import time
from importlib.util import find_spec
from pathlib import Path
from random import Random
from unittest.mock import patch

GUIDED = __name__ == "__main__" and find_spec("atheris") is not None
if GUIDED:
    import atheris

    instrumented = atheris.instrument_imports(
        include=[
            "dwcp.transfer.protocol",
            "dwcp.transfer.receiving",
            "dwcp.transfer.endpoints",
            "dwcp.blocks",
        ]
    )
else:
    instrumented = contextlib.nullcontext()

for folder in (Path(__file__).parent, Path(__file__).parents[1] / "transfer" / "receiving"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

with instrumented:
    from receiver_lies import Dice
    from receiver_script import Script
    from receiver_tape import Tape, messages_of, run
    from receiver_worlds import FAULTS, NAME, World, check_placed, note_fault, sources
    from tiny_sender import TinySender, snapshot

    from dwcp.errors import DwcpError
    from dwcp.transfer.endpoints import receiving_session
    from dwcp.transfer.protocol import Done
    from dwcp.transfer.receiving import Destination

CORPUS = Path(tempfile.gettempdir()) / "dwcp-fuzz-receiver"
MOST_S = 20.0
"""One input, which takes about 0.05 s."""
MOST_GROWTH_KB = 300_000
"""Of the most memory this process ever had, since the first input was through."""
CATALOGUE_WAIT_S = 0.02
"""How long a bundle may wait for the catalogue that names its chunks: that of liars never comes."""
OTHER_KEY = b"another session's"[:16]
_peaks: list[int] = []


def one_input(data: bytes) -> None:
    """Take bytes for lies, and for the state of the folder that they are told to.

    Raises:
        AssertionError: one of the promises above was broken.
    """
    started_s = time.monotonic()
    world, dice = World(), Dice(data)
    FAULTS.clear()
    try:
        with (
            patch.object(receiving_session, "_CATALOGUE_WAIT_S", CATALOGUE_WAIT_S),
            patch.object(threading, "excepthook", note_fault),
        ):
            _prepare(world, dice.pick(8))
            _told_lies(world, dice)
            world.check_around()
            _honest(world)
            world.check_around()
    finally:
        world.remove()
    assert time.monotonic() - started_s < MOST_S
    _peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    assert _peaks[-1] - _peaks[0] < MOST_GROWTH_KB
    del _peaks[1:]


def _prepare(world: World, state: int) -> None:
    """A folder with nothing, another tree, an old version, or what a session left that was cut off."""
    old, new = sources()
    destination = world.destination()
    try:
        match state:
            case 1:
                _exchange(destination, TinySender(old, name=b"other", mode="sync"))
            case 2 | 3 | 4:
                _exchange(destination, TinySender(old, mode="sync"))
            case 5 | 6:
                _exchange(destination, TinySender(new), stop_after=3)
            case 7:
                _exchange(destination, TinySender(old, mode="sync", key=OTHER_KEY))
                _exchange(destination, TinySender(new, mode="sync", checksum=True), stop_after=1)
    finally:
        destination.close()


def _told_lies(world: World, dice: Dice) -> None:
    mode = ("sync", "send")[dice.pick(2)]
    flags = dice.pick(4) if mode == "sync" else 0
    sender = TinySender(sources()[1], mode=mode, delete=bool(flags & 1), checksum=bool(flags & 2))
    before = world.found()
    destination = world.destination()
    try:
        tape, done = _exchange(destination, sender, dice)
    finally:
        destination.close()
    now = world.found()
    messages = messages_of(bytes(tape.said))
    if isinstance(done, Done):
        check_placed(messages, done, before, now)
    else:
        # What is there already may be looked at, and a placing that failed half-way is gone on with.
        is_placing = tape.session is not None and tape.session.incoming.is_complete
        assert is_placing or now == before, done


def _honest(world: World) -> None:
    source = sources()[1]
    destination = world.destination()
    try:
        sender = TinySender(source, mode="sync", delete=True, checksum=True)
        _, done = _exchange(destination, sender)
    finally:
        destination.close()
    assert isinstance(done, Done), done
    assert snapshot(world.folder / NAME.decode()) == snapshot(source)


def _exchange(
    destination: Destination, sender: TinySender, dice: Dice | None = None, stop_after: int | None = None
) -> tuple[Tape, Done | DwcpError]:
    tape = Tape()
    script = Script(tape, sender, dice or Dice(b""), stop_after)
    tape.script = script.frames()
    try:
        return tape, run(destination, tape)
    finally:
        script.finish()


def run_seeded(seconds: float, seed: int) -> int:
    """Feed seeded bytes for a while; gives how many inputs it were."""
    rng, count = Random(seed), 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        one_input(seeded(rng))
        count += 1
    return count


def seeded(rng: Random) -> bytes:
    """Bytes of which most say: go on honestly."""
    return bytes(rng.randrange(256) if rng.random() < 0.3 else 0 for _ in range(rng.randrange(4, 60)))


def run_guided(seconds: int, corpus: Path) -> None:
    """Let atheris find its way from some seeded inputs; ends the process."""
    corpus.mkdir(parents=True, exist_ok=True)
    rng = Random(0)
    for number in range(64):
        (corpus / f"seeded-{number:02}").write_bytes(seeded(rng))
    options = [f"-max_total_time={seconds}", "-max_len=256", "-timeout=60", "-rss_limit_mb=2048"]
    atheris.Setup([sys.argv[0], *options, str(corpus)], one_input)
    atheris.Fuzz()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="fuzz the receiver's state")
    parser.add_argument("--seconds", type=int, default=60, help="how long")
    parser.add_argument("--corpus", type=Path, default=CORPUS, help="folder that keeps what was found")
    parser.add_argument("--seed", type=int, default=0, help="of the bytes, where atheris is missing")
    options = parser.parse_args()
    if GUIDED:
        run_guided(options.seconds, options.corpus)
    print(f"{run_seeded(options.seconds, options.seed)} inputs, nothing found")


if __name__ == "__main__":
    main()
