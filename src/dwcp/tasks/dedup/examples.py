"""Made-up cases: blocks of made-up files in versions, with deltas that were really made."""

from random import Random

from dwcp.codecs import Delta, Reference, Zstd, plaintext_id
from dwcp.evaluation.policy import Case
from dwcp.tasks.dedup.contract import Action, Context, Outcome
from dwcp.tasks.dedup.features import sketch
from dwcp.tasks.dedup.index import SuperFeatureIndex
from dwcp.tasks.dedup.oracle import outcomes_of

__all__ = ["edited", "made_up_block", "simulated_cases"]

_SIZES = (2_000, 4_000, 8_000)
_EDIT_SHARES = (0.01, 0.05, 0.1, 0.2, 0.5)
_BLOCKS_A_GROUP = 8


def simulated_cases(count: int, seed: int) -> list[Case[Context, Action, Outcome]]:
    """Groups of blocks, of which each is unlike the ones before it or an edited one of them.

    Args:
        count: how many.
        seed: of everything that is drawn.
    """
    cases: list[Case[Context, Action, Outcome]] = []
    while len(cases) < count:
        group = f"made-up-{len(cases) // _BLOCKS_A_GROUP}"
        cases += _group(group, Random(f"{seed}:{group}"))
    return cases[:count]


def made_up_block(size_bytes: int, rng: Random) -> bytes:
    """Words and numbers in lines, about as compressible as text."""
    words = [rng.randbytes(rng.randint(2, 6)).hex().encode() for _ in range(300)]
    lines = bytearray()
    while len(lines) < size_bytes:
        lines += b" ".join(rng.choices(words, k=9)) + b"\n"
    return bytes(lines[:size_bytes])


def edited(block: bytes, share: float, rng: Random) -> bytes:
    """A block of which about a share of the bytes was replaced, in short pieces."""
    changed = bytearray(block)
    left = int(share * len(block))
    while left > 0:
        length = min(left, rng.randint(4, 40))
        begin = rng.randrange(len(block))
        changed[begin : begin + length] = rng.randbytes(rng.randint(0, 2 * length))
        left -= length
    return bytes(changed)


def _group(name: str, rng: Random) -> list[Case[Context, Action, Outcome]]:
    index, blocks, after = SuperFeatureIndex(), dict[bytes, bytes](), b""
    cases = []
    for position in range(_BLOCKS_A_GROUP):
        if blocks and rng.random() < 0.7:
            block = edited(rng.choice(list(blocks.values())), rng.choice(_EDIT_SHARES), rng)
        else:
            block = made_up_block(rng.choice(_SIZES), rng)
        block_id, looks = plaintext_id(block), sketch(block)
        if looks is None or block_id in blocks:
            continue
        alone_bytes = len(Zstd(3).encode(block))
        context = Context(block_id, False, len(block), alone_bytes, index.find(looks, after))
        deltas = {
            one.base: len(Delta(3).encode(block, Reference(one.base, blocks[one.base])))
            for one in context.candidates
        }
        cases.append(Case(context, outcomes_of(context, deltas), name, float(position)))
        index.add(block_id, looks, len(block))
        blocks[block_id], after = block, block_id
    return cases
