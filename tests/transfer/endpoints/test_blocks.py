"""Blocks that lie at the receiver beside its files, such as a store's, are not sent."""

import random

import pytest
from msgspec.structs import replace

from dwcp.blocks import DEFAULT_CHUNKING, ZeroPiece, cut_pieces
from dwcp.errors import BlockNotFoundError, StorageError
from dwcp.transfer import SendOptions, send, sync

ONE = SendOptions(streams=1, cpu_workers=1, codec="none")
PLAIN = random.Random(4).randbytes(3_000_000)


class Blocks:
    """Of some plaintext, spoiled in a way; None is not given out, though it is said to be there."""

    def __init__(self, plain, spoil=lambda block: block):
        self.content = {}
        for piece in cut_pieces(plain, DEFAULT_CHUNKING):
            assert not isinstance(piece, ZeroPiece)
            begin = 0
            for length, block_id in zip(piece.lengths, piece.ids, strict=True):
                self.content[block_id] = spoil(bytes(piece.data[begin : begin + length]))
                begin += length
        self.given = 0

    def has(self, block_id):
        return block_id in self.content

    def get_block(self, block_id):
        self.given += 1
        if self.content[block_id] is None:
            raise BlockNotFoundError("gone")
        return self.content[block_id]


@pytest.fixture
def source(tmp_path):
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "file").write_bytes(PLAIN)
    return tmp_path / "source"


def test_what_is_there_is_not_sent(environment, serve, source):
    blocks = Blocks(PLAIN)
    with serve(environment=replace(environment, blocks=blocks)) as served:
        result = send(source, served.address, ONE, environment=environment)
        assert (served.folder / "source" / "file").read_bytes() == PLAIN
    assert blocks.given >= len(blocks.content)
    assert result.wire_bytes < 20_000


def test_what_is_in_part_there_is_in_part_sent(environment, serve, source):
    with serve(environment=replace(environment, blocks=Blocks(PLAIN[:2_000_000]))) as served:
        result = send(source, served.address, ONE, environment=environment)
        assert (served.folder / "source" / "file").read_bytes() == PLAIN
    assert 1_000_000 < result.wire_bytes < 1_400_000


@pytest.mark.parametrize("spoil", [lambda block: block[:-1] + b"?", lambda block: block[:9], lambda _: None])
def test_wrong_blocks_are_found_out_and_sent(environment, serve, source, spoil):
    with serve(environment=replace(environment, blocks=Blocks(PLAIN, spoil))) as served:
        send(source, served.address, ONE, environment=environment)
        assert (served.folder / "source" / "file").read_bytes() == PLAIN
        assert served.failures == []


def test_blocks_that_cannot_be_asked_for_are_none(environment, serve, source, monkeypatch):
    def fail(_block_id):
        raise StorageError("the disk is on fire")

    blocks = Blocks(PLAIN)
    monkeypatch.setattr(blocks, "has", fail)
    with serve(environment=replace(environment, blocks=blocks)) as served:
        send(source, served.address, ONE, environment=environment)
        assert (served.folder / "source" / "file").read_bytes() == PLAIN


def test_a_newer_version_is_made_of_the_old_one_and_the_blocks(environment, serve, source):
    newer = PLAIN[:500_000] + random.Random(5).randbytes(700_000) + PLAIN[500_000:]
    with serve(environment=replace(environment, blocks=Blocks(newer))) as served:
        send(source, served.address, ONE, environment=environment)
        (source / "file").write_bytes(newer)
        result = sync(source, served.address, ONE, environment=environment)
        assert (served.folder / "source" / "file").read_bytes() == newer
    assert result.wire_bytes < 20_000
