"""What an honest sender says, as a script that listens to the receiver, and what bytes make of it."""

from collections.abc import Iterator
from threading import Thread
from typing import Any

from msgspec.structs import replace
from receiver_lies import ODD, Dice, flipped, lie_about
from receiver_tape import Said, Tape, channel_on, frame_of, messages_of
from receiver_worlds import Told
from tiny_sender import TinySender

from dwcp.codecs import Delta, Reference, Zstd
from dwcp.errors import DwcpError
from dwcp.transfer.protocol import (
    Accept,
    Ack,
    Catalogue,
    Chunks,
    Data,
    Done,
    List,
    Listing,
    Offer,
    Root,
    Want,
)
from dwcp.transfer.sending.sketches import match

PATIENT_S, HASTY_S = 30.0, 0.03
"""How long a script waits for what an honest receiver says in any case, and after it has told lies."""
_BATCH, _BUNDLE = 7, 5
_ROUNDS = 40
_ACTS = (
    *("as it is",) * 12,
    *("a lie",) * 9,
    *("something odd before", "a flipped bit", "more or less") * 2,
    *("later", "elsewhere", "a lie elsewhere", "cut", "a strange type before"),
)
"""What becomes of what an honest sender would say next."""


class Aside:
    """A second stream of the same session, opened when something is said on it."""

    def __init__(self, control: Tape) -> None:
        self._control, self._tape = control, Tape()
        self._tape.script = self._frames()
        self._waiting: list[bytes] = []
        self._thread: Thread | None = None

    def say(self, frame: bytes) -> None:
        """Have the receiver read this, whenever it does."""
        with self._tape.changed:
            self._waiting.append(frame)
            self._tape.changed.notify_all()
        session = self._control.session
        if self._thread is None and session is not None:
            self._thread = Thread(target=session.carry, args=(channel_on(self._tape, 1),))
            self._thread.start()

    def finish(self) -> None:
        """The stream ends."""
        self._tape.end()
        if self._thread is not None:
            self._thread.join()

    def _frames(self) -> Iterator[bytes]:
        while self._tape.wait(lambda: bool(self._waiting), PATIENT_S):
            yield self._waiting.pop(0)


class Script:
    """An honest sender's words, and what is done to them.

    Args:
        tape: where the receiver's words are heard.
        sender: what is sent.
        dice: what is done; nothing where its bytes are used up.
        stop_after: bundles after which an honest sender is cut off; None for never.
    """

    def __init__(self, tape: Tape, sender: TinySender, dice: Dice, stop_after: int | None = None) -> None:
        self._tape, self._sender, self._dice, self._stop_after = tape, sender, dice, stop_after
        self._is_honest = True
        self._bundles: dict[int, list[int]] = {}
        self._answered = 0
        self._aside = Aside(tape)

    def honest(self) -> Iterator[Said]:
        """What an honest sender says, each as soon as it may."""
        tape, sender = self._tape, self._sender
        yield sender.offer()
        if not self._wait(lambda: bool(tape.of(Accept))):
            return
        accept = tape.of(Accept)[0]
        assert isinstance(accept, Accept)
        if accept.has_listing and sender.mode == "sync" and not sender.checksum:
            yield from self._listings()
        yield from self._catalogue(accept)
        yield sender.root()
        for _ in range(_ROUNDS):
            self._wait(lambda: bool(tape.of(Done)) or len(tape.of(Want)) > self._answered)
            if tape.is_over or tape.of(Done) or len(tape.of(Want)) == self._answered:
                return
            yield from self._send(self._wanted())

    def frames(self) -> Iterator[bytes]:
        """The frames of `honest`, with what the dice say done to some of them."""
        held = b""
        for said in self.honest():
            if len(self._bundles) == self._stop_after:
                return
            if isinstance(said, Root):
                said = self._root(said)
            for frame in self._changed(said):
                if frame == _CUT:
                    return
                if frame == _HOLD:
                    held, frame = frame_of(said), b""
                elif held:
                    frame, held = frame + held, b""
                if frame:
                    yield frame
        if held:
            yield held

    def finish(self) -> None:
        """Once the session is over."""
        self._aside.finish()

    def _wait(self, found: Any) -> bool:
        return self._tape.wait(found, PATIENT_S if self._is_honest else HASTY_S)

    def _listings(self) -> Iterator[Said]:
        for count in range(1, _ROUNDS):
            yield List(5)
            if not self._wait(lambda count=count: len(self._tape.of(Listing)) >= count):
                return
            page = self._tape.of(Listing)[-1]
            assert isinstance(page, Listing)
            self._sender.listed.update({entry.path: entry for entry in page.entries})
            if page.last:
                return

    def _catalogue(self, accept: Accept) -> Iterator[Said]:
        records = self._sender.records()
        known, announced = 0, set[bytes]()
        for begin in range(0, len(records), _BATCH):
            some = tuple(records[begin : begin + _BATCH])
            yield Catalogue(some)
            count = sum(len(record.lengths) for record in some if isinstance(record, Chunks))
            wanted = []
            for number in range(known, known + count) if accept.has_nothing else ():
                if self._sender.ids[number] not in announced:
                    announced.add(self._sender.ids[number])
                    wanted.append(number)
            known += count
            if count and not accept.has_nothing:
                self._wait(lambda known=known: any(want.upto >= known for want in self._tape.of(Want)))  # type: ignore[union-attr]
            yield from self._send(wanted + self._wanted())

    def _wanted(self) -> list[int]:
        wants = self._tape.of(Want)[self._answered :]
        self._answered += len(wants)
        spans = [span for want in wants if isinstance(want, Want) for span in want.missing]
        numbers = [number for first, count in spans for number in range(first, first + count)]
        return [number for number in numbers if number < len(self._sender.chunks)]

    def _send(self, numbers: list[int]) -> Iterator[Said]:
        numbers = sorted(set(numbers))
        for begin in range(0, len(numbers), _BUNDLE):
            yield self._bundle(numbers[begin : begin + _BUNDLE])

    def _bundle(self, numbers: list[int]) -> tuple[Data, bytes]:
        plain = b"".join(self._sender.chunks[number] for number in numbers)
        spans = tuple((number, 1) for number in numbers)
        number = len(self._bundles)
        self._bundles[number] = numbers
        data = Data(number, spans, len(plain), True)
        form = number % 4
        if form == 1:
            return replace(data, framed=False), plain
        if form == 2:
            return self._against_sketch(data, plain)
        if form == 3:
            return self._against_block(data, plain)
        return data, Zstd(1).encode(plain)

    def _against_block(self, data: Data, plain: bytes) -> tuple[Data, bytes]:
        taken = [bundle for ack in self._tape.of(Ack) if isinstance(ack, Ack) for bundle in ack.bundles]
        known = next((number for bundle in taken for number in self._bundles.get(bundle, ())), None)
        if known is None or len(self._sender.chunks[known]) < 8:
            return data, Zstd(1).encode(plain)
        reference = Reference.of(self._sender.chunks[known])
        return replace(data, reference=(self._sender.ids[known],)), Delta(1).encode(plain, reference)

    def _against_sketch(self, data: Data, plain: bytes) -> tuple[Data, bytes]:
        for want in self._tape.of(Want):
            for sketch in want.sketches if isinstance(want, Want) else ():
                matched = match(sketch, plain)
                if matched is not None and len(matched.plain) >= 8:
                    body = Delta(1).encode(plain, Reference.of(matched.plain))
                    return replace(data, sketch=sketch.number, matched=matched.bits), body
        return data, Zstd(1).encode(plain)

    def _root(self, honest: Root) -> Root:
        """The end of what was said in fact: a tree may be hostile and its root right."""
        try:
            return Told.by(messages_of(bytes(self._tape.said))).root()
        except (DwcpError, IndexError):
            return honest

    def _changed(self, said: Said) -> list[bytes]:
        what = _ACTS[self._dice.pick(len(_ACTS))]
        if isinstance(said, Offer) and self._dice.pick(4):
            what = "as it is"
        self._is_honest = self._is_honest and what == "as it is"
        frame = frame_of(said)
        match what:
            case "a lie":
                return [frame_of(lie_about(said, self._dice))]
            case "more or less":
                return [frame] * (0, 2)[self._dice.pick(2)]
            case "something odd before":
                return [frame_of(ODD[self._dice.pick(len(ODD))]), frame]
            case "a flipped bit":
                return [flipped(frame, self._dice)]
            case "later":
                return [_HOLD]
            case "elsewhere" | "a lie elsewhere":
                self._aside.say(frame if what == "elsewhere" else frame_of(lie_about(said, self._dice)))
                return [] if what == "elsewhere" else [frame]
            case "cut":
                return [frame[: self._dice.pick(256)], _CUT]
            case "a strange type before":
                return [bytes((self._dice.pick(256), 0, 0, 0, 0, 0, 0, 3)) + b"abc" + frame]
            case _:
                return [frame]


_HOLD, _CUT = b"hold", b"cut"
"""Marks between what changes frames and what says them; no frame begins so."""
