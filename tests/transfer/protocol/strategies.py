"""Hypothesis strategies for every message and every record, within every limit of the protocol."""

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from dwcp.transfer.protocol import (
    MAGIC,
    MAX_BUNDLE_BYTES,
    MAX_CHUNK_BYTES,
    MAX_LISTED,
    MAX_MODE,
    MAX_STREAMS,
    ZERO_RUN_BYTES,
    Accept,
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
    Hello,
    Keep,
    List,
    Listed,
    Listing,
    Message,
    Offer,
    Ping,
    Pong,
    Proof,
    Record,
    Retract,
    Root,
    Sketch,
    Span,
    Symlink,
    Want,
    Zeros,
)
from dwcp.transfer.protocol.limits import MAX_INT, MAX_VERSION, MIN_CHUNKING_BYTES

FEW = 6
"""Entries of an array, at most: enough for every rule between neighbours."""

numbers = st.integers(0, MAX_INT)
times = st.integers(-MAX_INT - 1, MAX_INT)
modes = st.integers(0, MAX_MODE)
names = st.binary(min_size=1, max_size=255).filter(
    lambda name: name not in (b".", b"..") and b"/" not in name and b"\0" not in name
)
ids = st.binary(min_size=32, max_size=32)
links = st.binary(min_size=33, max_size=33)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
labels = st.from_regex(r"[a-z0-9][a-z0-9_.-]{0,31}", fullmatch=True)


@st.composite
def spans(draw: st.DrawFn, min_size: int = 0, below: int = MAX_INT) -> tuple[Span, ...]:
    """Spans in ascending order that do not overlap."""
    most = min(below, 2 * FEW)
    size = draw(st.integers(2 * min_size, max(2 * min_size, most)))
    cuts = sorted(draw(st.sets(st.integers(0, below), min_size=size, max_size=size)))
    return tuple((first, end - first) for first, end in zip(cuts[::2], cuts[1::2], strict=False))


def tuples(each: SearchStrategy[object], min_size: int = 0) -> SearchStrategy[tuple[object, ...]]:
    """A few of the same."""
    return st.lists(each, min_size=min_size, max_size=FEW).map(tuple)


@st.composite
def chunks(draw: st.DrawFn) -> Chunks:
    """A record of a few chunks."""
    lengths = draw(st.lists(st.integers(1, MAX_CHUNK_BYTES), min_size=1, max_size=FEW))
    return Chunks(b"".join(draw(ids) for _ in lengths), tuple(lengths))


records: SearchStrategy[Record] = st.one_of(
    st.builds(EnterDirectory, names, modes, times),
    st.just(EndDirectory()),
    st.builds(File, names, modes, times, numbers),
    chunks(),
    st.integers(1, MAX_INT // ZERO_RUN_BYTES).map(lambda count: Zeros(count * ZERO_RUN_BYTES)),
    st.just(EndFile()),
    st.builds(Keep, names, modes, times, numbers, links),
    st.just(Retract()),
    st.builds(Symlink, names, st.binary(min_size=1, max_size=60).filter(lambda t: b"\0" not in t), times),
)
"""Any record."""


@st.composite
def hellos(draw: st.DrawFn) -> Hello:
    """HELLO of either side, on any stream."""
    versions = sorted(draw(st.tuples(*[st.integers(1, MAX_VERSION)] * 2)))
    stream = draw(st.integers(0, 100))
    authentication = draw(st.sampled_from(["none", "token", "certificate"]))
    return Hello(
        MAGIC,
        (versions[0], versions[1]),
        draw(ids),
        stream,
        draw(st.sampled_from([b"", b"t" * 32])) if stream else b"",
        tuple(draw(st.lists(labels, unique=True, max_size=FEW))),
        authentication,
        draw(ids) if authentication == "token" else b"",
    )


@st.composite
def offers(draw: st.DrawFn) -> Offer:
    """OFFER of either mode."""
    mode = draw(st.sampled_from(["send", "sync"]))
    low, average, high = sorted(draw(st.tuples(*[st.integers(MIN_CHUNKING_BYTES, MAX_CHUNK_BYTES)] * 3)))
    return Offer(
        draw(names),
        mode,
        draw(st.booleans()) if mode == "sync" else False,
        draw(st.booleans()),
        (low, average, high),
        draw(st.binary(min_size=16, max_size=16)),
        draw(st.none() | numbers),
    )


@st.composite
def listings(draw: st.DrawFn) -> Listing:
    """LISTING in walk order."""
    paths = sorted(draw(st.sets(tuples(names), max_size=FEW)))
    contents = st.just(b"") | links
    entries = tuple(Listed(path, draw(numbers), draw(times), draw(contents)) for path in paths)
    return Listing(entries, draw(st.booleans()))


@st.composite
def wants(draw: st.DrawFn) -> Want:
    """WANT, with or without sketches."""
    upto = draw(numbers)
    sketches = []
    if upto:
        for number in sorted(draw(st.sets(numbers, max_size=FEW))):
            first = draw(st.integers(0, upto - 1))
            digests = draw(st.binary(min_size=8, max_size=64).map(lambda b: b[: len(b) // 8 * 8]))
            sketches.append(Sketch(number, (first, draw(st.integers(1, upto - first))), digests))
    return Want(upto, draw(spans(below=upto)), tuple(sketches))


@st.composite
def datas(draw: st.DrawFn) -> Data:
    """The header of a bundle: plain, a stored block, or a delta of either kind."""
    counts = draw(st.lists(st.integers(1, 40), min_size=1, max_size=FEW))
    gaps = draw(st.lists(st.integers(0, MAX_INT // 100), min_size=len(counts), max_size=len(counts)))
    found, end = [], 0
    for gap, count in zip(gaps, counts, strict=True):
        found.append((end + gap, count))
        end += gap + count
    plain_bytes = draw(st.integers(sum(counts), MAX_BUNDLE_BYTES))
    number = draw(numbers)
    form = draw(st.sampled_from(["plain", "stored", "blocks", "sketch"]))
    if form == "blocks":
        return Data(number, tuple(found), plain_bytes, True, draw(tuples(ids, 1)))
    if form == "sketch":
        matched = draw(st.binary(min_size=1, max_size=20))
        return Data(number, tuple(found), plain_bytes, True, (), draw(numbers), matched)
    return Data(number, tuple(found), plain_bytes, form == "stored")


messages: SearchStrategy[Message] = st.one_of(
    hellos(),
    st.builds(Proof, ids),
    offers(),
    st.builds(
        Accept, ids, st.booleans(), st.booleans(), st.integers(1, MAX_INT), st.integers(1, MAX_STREAMS)
    ),
    st.builds(List, st.integers(1, MAX_LISTED)),
    listings(),
    tuples(records, 1).map(Catalogue),
    wants(),
    st.lists(numbers, min_size=1, max_size=FEW, unique=True).map(lambda bundles: Ack(tuple(bundles))),
    st.builds(Root, ids, numbers, numbers, numbers),
    st.builds(Done, ids, numbers, numbers, numbers, numbers),
    st.builds(Failure, labels, texts, st.booleans()),
    st.builds(Bye, texts),
    st.builds(Ping, numbers),
    st.builds(Pong, numbers),
)
"""Any message but the header of a bundle, which travels with its body: see `bundles`."""


@st.composite
def bundles(draw: st.DrawFn) -> tuple[Data, bytes]:
    """The header of a bundle and a body that fits it."""
    data = draw(datas())
    if data.framed:
        return data, draw(st.binary(min_size=1, max_size=100))
    return data, bytes(data.plain_bytes)
