"""A link that delays, by a program of ours between two TUN devices: ``relay.c``, compiled when needed."""

import select
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from dwcp.errors import InputError
from dwcp.simulate.shaped_link import DEVICE, LinkEnd, LinkShape, ShapedLink, bring_up, namespaces

SOURCE = Path(__file__).with_name("relay.c")
LEAST_MBPS_IN_SEGMENTS = 500.0
"""From this rate on a packet of 64 KiB is on the wire for a millisecond or less, and may be carried whole."""
_START_S = 5.0


def available() -> str | None:
    """Why there is no relay, in a few words; None when there is."""
    if shutil.which("cc") is None:
        return "delay and jitter need a C compiler: install one (Debian: gcc)"
    if not Path("/dev/net/tun").exists():
        return "delay and jitter need /dev/net/tun: this system has none"
    return None


def compiled(folder: Path) -> Path:
    """The program, compiled into a folder.

    Raises:
        InputError: there is no compiler, or it fails.
    """
    reason = available()
    if reason:
        raise InputError(reason)
    program = folder / "relay"
    words = ["cc", "-O2", "-o", str(program), str(SOURCE)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InputError(f"`{' '.join(words)}` fails: {done.stderr.strip()}")
    return program


@contextmanager
def relayed_link(shape: LinkShape, *, congestion_control: str | None = None) -> Iterator[ShapedLink]:
    """A link through the relay, for as long as the block lasts; see `shaped_link`.

    Raises:
        InputError: this machine cannot make it.
    """
    with TemporaryDirectory(prefix="dwcp-relay-") as folder, namespaces() as (near, far):
        program = compiled(Path(folder))
        relay = subprocess.Popen(
            [str(program), *_words(near, far, shape)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            _await_ready(relay)
            for end in (near, far):
                bring_up(end, congestion_control)
            yield ShapedLink(near, far, shape)
        finally:
            relay.send_signal(signal.SIGTERM)
            relay.communicate()


def _words(near: LinkEnd, far: LinkEnd, shape: LinkShape) -> list[str]:
    rate = shape.rate_mbps or 0.0
    whole = not shape.loss and (not rate or rate >= LEAST_MBPS_IN_SEGMENTS)
    paths = (f"/run/netns/{end.namespace}" for end in (near, far))
    numbers = (rate, shape.rtt_ms / 2, shape.jitter_ms, shape.loss, shape.queue_bytes, int(whole))
    return [
        *paths,
        DEVICE,
        *(f"{number:g}" if isinstance(number, float) else str(number) for number in numbers),
    ]


def _await_ready(relay: subprocess.Popen[str]) -> None:
    assert relay.stdout is not None
    heard = select.select([relay.stdout], [], [], _START_S)[0]
    if not heard or relay.stdout.readline().strip() != "ready":
        relay.kill()
        raise InputError(f"the relay did not start: {relay.communicate()[1].strip() or 'it said nothing'}")
