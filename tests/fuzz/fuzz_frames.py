"""A fuzzer of everything that reads frames: headers, payloads, bundles, and whose turn it is.

``python tests/fuzz/fuzz_frames.py --seconds 600`` runs atheris, guided by coverage, or seeded mutations of
the golden frames where atheris is not installed. Whatever comes in, nothing but ProtocolError is raised, and
what is understood is written again as the same bytes.
"""

import argparse
import contextlib
import json
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from random import Random

GUIDED = __name__ == "__main__" and find_spec("atheris") is not None
if GUIDED:
    import atheris

    instrumented = atheris.instrument_imports(include=["dwcp.transfer.protocol"])
else:
    instrumented = contextlib.nullcontext()

with instrumented:
    from dwcp.errors import ProtocolError
    from dwcp.transfer.protocol import (
        HEADER_BYTES,
        Conversation,
        FrameType,
        Hello,
        data_head,
        decode,
        encode,
        read_frame_header,
        split_data,
    )

GOLDEN = Path(__file__).parents[1] / "golden" / "protocol" / "frames.json"
CORPUS = Path(tempfile.gettempdir()) / "dwcp-fuzz-frames"
PACKED = {FrameType.CATALOGUE, FrameType.LISTING, FrameType.WANT}
INTERESTING = (
    0x00,
    0x17,
    0x18,
    0x1B,
    0x1F,
    0x40,
    0x58,
    0x5F,
    0x80,
    0x9A,
    0x9F,
    0xA0,
    0xC2,
    0xE0,
    0xF6,
    0xFB,
    0xFF,
)
"""First bytes of CBOR items: of every kind, and at the ends of ranges."""


def one_input(data: bytes) -> None:
    """Take bytes for what a receiver reads from a stream.

    Raises:
        AssertionError: what was understood is written again as other bytes.
    """
    conversation = Conversation("receiver", None, authentication="token")
    with contextlib.suppress(ProtocolError):
        while len(data) >= HEADER_BYTES:
            header = read_frame_header(data[:HEADER_BYTES])
            end = HEADER_BYTES + header.payload_bytes
            payload = data[HEADER_BYTES:end]
            if header.type is not None:
                _hear(conversation, header.type)
                _one_payload(conversation, header.type, payload)
            data = data[end:]


def _hear(conversation: Conversation, kind: FrameType) -> None:
    may = conversation.may_receive
    try:
        conversation.received(kind)
    except ProtocolError:
        assert kind not in may
    else:
        assert kind in may


def _one_payload(conversation: Conversation, kind: FrameType, payload: bytes) -> None:
    if kind is FrameType.DATA:
        found, body = split_data(memoryview(payload))
        assert data_head(found, len(body))[HEADER_BYTES:] + bytes(body) == payload
        return
    message = decode(kind, payload)
    again = encode(message)[HEADER_BYTES:]
    assert decode(kind, again) == message if kind in PACKED else again == payload
    if isinstance(message, Hello):
        conversation.greeted(message)


def golden_frames() -> list[bytes]:
    """Every pinned frame, and all of them as one stream."""
    frames = [bytes.fromhex(vector["frame_hex"]) for vector in json.loads(GOLDEN.read_text())]
    return [*frames, b"".join(frames)]


def mutated(frame: bytes, rng: Random) -> bytes:
    """A frame with a few bits flipped, bytes put in, taken out or cut off; its length mended now and then."""
    data = bytearray(frame)
    for _ in range(rng.randint(1, 4)):
        place = rng.randrange(len(data) + 1)
        match rng.randrange(5):
            case 0 if place < len(data):
                data[place] ^= 1 << rng.randrange(8)
            case 1 if place < len(data):
                data[place] = rng.choice(INTERESTING)
            case 2:
                data[place:place] = rng.randbytes(rng.randint(1, 9))
            case 3:
                del data[place : place + rng.randint(1, 9)]
            case _:
                del data[place:]
    if len(data) >= HEADER_BYTES and rng.random() < 0.8:
        data[4:HEADER_BYTES] = (len(data) - HEADER_BYTES).to_bytes(4, "big")
    return bytes(data)


def run_mutations(seconds: float, seed: int) -> int:
    """Feed mutated golden frames for a while; gives how many it were."""
    rng, frames, count = Random(seed), golden_frames(), 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        one_input(mutated(rng.choice(frames), rng))
        count += 1
    return count


def run_guided(seconds: int, corpus: Path) -> None:
    """Let atheris find its way from the golden frames; ends the process."""
    corpus.mkdir(parents=True, exist_ok=True)
    for number, frame in enumerate(golden_frames()):
        (corpus / f"golden-{number:02}").write_bytes(frame)
    options = [f"-max_total_time={seconds}", "-max_len=4096", "-timeout=5", "-rss_limit_mb=1024"]
    atheris.Setup([sys.argv[0], *options, str(corpus)], one_input)
    atheris.Fuzz()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="fuzz what reads frames")
    parser.add_argument("--seconds", type=int, default=60, help="how long")
    parser.add_argument("--corpus", type=Path, default=CORPUS, help="folder that keeps what was found")
    parser.add_argument("--seed", type=int, default=0, help="of the mutations, where atheris is missing")
    options = parser.parse_args()
    if GUIDED:
        run_guided(options.seconds, options.corpus)
    print(f"{run_mutations(options.seconds, options.seed)} mutated frames, nothing found")


if __name__ == "__main__":
    main()
