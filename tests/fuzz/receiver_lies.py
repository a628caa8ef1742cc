"""What a sender may say that is not so: choices out of bytes, and what they make of messages."""

from typing import Any

from msgspec import Struct
from msgspec.structs import fields, replace
from receiver_tape import Said

from dwcp.codecs import Zstd
from dwcp.transfer.protocol import (
    Ack,
    Bye,
    Catalogue,
    Chunks,
    Data,
    Done,
    EndDirectory,
    EndFile,
    EnterDirectory,
    Failure,
    File,
    Keep,
    List,
    Ping,
    Pong,
    Record,
    Retract,
    Root,
    Symlink,
    Want,
    Zeros,
)

_NUMBERS = (
    0, 1, 2, 63, 64, 255, 4095, 0o7777, 2**16, 2**20 - 1, 2**20, 2**20 + 1, 2**31, 2**32, 2**53, 2**62,
    2**63 - 2**20, 2**63 - 1, 2**63, 2**64, -1, -(2**63),
)  # fmt: skip
_BYTES = (
    b"", b".", b"..", b".dwcp", b"a/b", b"/etc/passwd", b"../outside/canary", b"\0", b"x" * 255, b"x" * 256,
    b"tree", b"stranger", b"way out", b"link", b"deep", b"image", b"\xff", bytes(32), bytes(33),
)  # fmt: skip
_TEXTS = ("", "send", "sync", "none", "x" * 3000, "UPPER", "\0")
_RECORDS: tuple[Record, ...] = (
    Retract(),
    EndFile(),
    EndDirectory(),
    EnterDirectory(b"deep", 0o4777, 0),
    EnterDirectory(b"link", 0o000, -1),
    EnterDirectory(b"way out", 0o777, 0),
    File(b"image", 0o6755, 0, 5),
    File(b"link", 0o644, 2**63 - 1, 2**62),
    File(b"zz", 0, 0, 0),
    Zeros(2**20),
    Zeros(2**62),
    Chunks(bytes(32), (2**20,)),
    Chunks(bytes(64), (1, 1)),
    Keep(b"image", 0o644, 0, 9000, bytes(33)),
    Keep(b"twice", 0o4644, 5, 4500, b"\1" * 33),
    Symlink(b"deep", b"../../outside", 0),
    Symlink(b"link", b"/", -(2**63)),
    Symlink(b"zz", b"x" * 4095, 0),
)
ODD: tuple[Said, ...] = (
    List(1),
    List(16_384),
    Ping(0),
    Pong(0),
    Bye(),
    Want(5, ((0, 5),)),
    Ack((0,)),
    Done(bytes(32), 0, 0, 0, 0),
    Failure("disk_full", "full", True),
    Root(bytes(32), 0, 0, 0),
    Catalogue((Retract(),)),
    (Data(9, ((0, 1),), 1, False), b"x"),
    (Data(9, ((0, 3),), 3000, True), Zstd(1).encode(bytes(3000))),
    (Data(9, ((1, 1),), 8 << 20, True), Zstd(1).encode(bytes(8 << 20))),
    (Data(9, ((2**40, 1),), 1, False), b"x"),
    (Data(9, ((0, 1),), 100, True, (), 0, b"\1"), Zstd(1).encode(bytes(100))),
)


class Dice:
    """Choices out of bytes; 0 once they are used up, which changes nothing any more."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def pick(self, below: int) -> int:
        """A number from 0 on."""
        if self._at >= len(self._data):
            return 0
        self._at += 1
        return self._data[self._at - 1] % below


def lie_about(said: Said, dice: Dice) -> Said:
    """The same with a lie in it."""
    if isinstance(said, tuple):
        data, body = said
        if dice.pick(4) == 3:
            return data, flipped(body, dice)
        return mutated(data, dice), body
    if isinstance(said, Catalogue) and dice.pick(3):
        return Catalogue(_lied_records(said.records, dice))
    lie: Said = mutated(said, dice)
    return lie


def _lied_records(records: tuple[Record, ...], dice: Dice) -> tuple[Record, ...]:
    place = dice.pick(len(records))
    match dice.pick(6):
        case 0:
            changed: tuple[Record, ...] = ()
        case 1:
            changed = (records[place], records[place])
        case 2:
            changed = (_RECORDS[dice.pick(len(_RECORDS))], records[place])
        case 3:
            changed = (records[place], _RECORDS[dice.pick(len(_RECORDS))])
        case _:
            changed = (mutated(records[place], dice),)
    return records[:place] + changed + records[place + 1 :]


def flipped(content: bytes, dice: Dice) -> bytes:
    """The same with a bit turned over."""
    changed = bytearray(content)
    place = (dice.pick(256) << 8 | dice.pick(256)) % (len(changed) or 1)
    if changed:
        changed[place] ^= 1 << dice.pick(8)
    return bytes(changed)


def mutated(value: Any, dice: Dice) -> Any:
    """The same with one thing in it changed."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        close = (value + 1, value - 1, value ^ 1 << dice.pick(62), 2 * value)
        return (*_NUMBERS, *close)[dice.pick(len(_NUMBERS) + len(close))]
    if isinstance(value, bytes):
        flipped = bytes((value[0] ^ 1 << dice.pick(8),)) + value[1:] if value else b"x"
        near = (flipped, value[:-1], value + b"\0", value[::-1])
        return (*_BYTES, *near)[dice.pick(len(_BYTES) + len(near))]
    if isinstance(value, str):
        return _TEXTS[dice.pick(len(_TEXTS))]
    if isinstance(value, tuple):
        return _mutated_tuple(value, dice)
    if isinstance(value, Struct) and not isinstance(value, type) and fields(value):
        name = fields(value)[dice.pick(len(fields(value)))].name
        return replace(value, **{name: mutated(getattr(value, name), dice)})
    return 0 if value is None else value


def _mutated_tuple(value: tuple[Any, ...], dice: Dice) -> tuple[Any, ...]:
    if not value:
        return (0,)
    place = dice.pick(len(value))
    match dice.pick(5):
        case 0:
            return value[:place] + value[place + 1 :]
        case 1:
            return (*value[: place + 1], *value[place:])
        case 2:
            return value[::-1]
        case _:
            return (*value[:place], mutated(value[place], dice), *value[place + 1 :])
