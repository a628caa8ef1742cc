"""No bundle holds a chunk that the catalogue has not named before."""

from types import SimpleNamespace

from dwcp.tasks.compression.contract import Link
from dwcp.transfer.protocol import Accept, Catalogue, Chunks
from dwcp.transfer.sending import Outgoing, SendingOptions


def test_where_a_batch_ends_inside_a_file_its_chunk_waits_for_the_next(tmp_path):
    source = tmp_path / "small"
    source.mkdir()
    for number in range(3000):
        (source / f"{number:04}").write_bytes(b"%d" % number)
    link = SimpleNamespace(
        cpu_workers=1,
        link=lambda: Link(1000.0),
        starved=lambda: True,
        streams=lambda: 1,
        ready_bytes=lambda: 0,
    )
    outgoing = Outgoing(source, SendingOptions(), advisor=None, link=link, recorder=None)
    outgoing.accepted(Accept(b"t" * 32, True, False, 1 << 26, 1))
    named = bundles = 0
    for message in outgoing.batches(lambda: None):
        if isinstance(message, Catalogue):
            records = [record for record in message.records if isinstance(record, Chunks)]
            named += sum(len(record.lengths) for record in records)
        while (bundle := outgoing.next_bundle(0.0)) is not None:
            first, count = bundle.data.spans[-1]
            assert first + count <= named
            bundles += 1
    outgoing.close()
    assert named == 3000
    assert bundles
