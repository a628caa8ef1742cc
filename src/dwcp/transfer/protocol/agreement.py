"""What has to hold between the fields of a message, once each field by itself is right."""

from itertools import pairwise

from dwcp.errors import ProtocolError
from dwcp.transfer.protocol.limits import MAX_BUNDLE_CHUNKS
from dwcp.transfer.protocol.messages import Ack, Data, Hello, Listing, Offer, Span, Want

__all__ = ["of_ack", "of_data", "of_hello", "of_listing", "of_offer", "of_want"]


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ProtocolError(otherwise)


def of_hello(hello: Hello) -> None:
    """Versions ascend, stream 0 shows no ticket, a proof comes where tokens are used and nowhere else."""
    _require(hello.versions[0] <= hello.versions[1], "HELLO.versions names the highest version first")
    _require(hello.stream > 0 or not hello.ticket, "HELLO.ticket is shown on stream 0, which needs none")
    _require(len(set(hello.codecs)) == len(hello.codecs), "HELLO.codecs names a codec twice")
    proven = hello.authentication == "token"
    _require(proven == bool(hello.proof), "HELLO.proof does not go with HELLO.authentication")


def of_offer(offer: Offer) -> None:
    """Lengths of the chunking ascend; only a sync deletes."""
    low, average, high = offer.chunking
    _require(
        low <= average <= high, "OFFER.chunking is not the smallest, average and largest length in this order"
    )
    _require(offer.mode == "sync" or not offer.delete, "OFFER.delete is for OFFER.mode sync alone")


def of_listing(listing: Listing) -> None:
    """Paths ascend in walk order."""
    ascending = all(before.path < after.path for before, after in pairwise(listing.entries))
    _require(ascending, "LISTING.entries is not in walk order")


def of_want(want: Want) -> None:
    """Nothing beyond what was looked up; sketches ascend by number."""
    spans = [*want.missing[-1:], *(sketch.span for sketch in want.sketches)]
    _require(all(_end(span) <= want.upto for span in spans), "WANT names chunks that are not below WANT.upto")
    ascending = all(before.number < after.number for before, after in pairwise(want.sketches))
    _require(ascending, "WANT.sketches is not in ascending order of numbers")


def of_data(data: Data) -> None:
    """Not more chunks than bytes; at most one kind of reference, and that only in a stored block."""
    chunks = 0
    for _, count in data.spans:
        chunks += count
    if chunks > data.plain_bytes or chunks > MAX_BUNDLE_CHUNKS:
        raise ProtocolError(
            f"DATA of {data.plain_bytes} plain bytes names {chunks} chunks, more than there can be"
        )
    if data.sketch is None and not data.matched and not data.reference:
        return
    _require(data.framed, "DATA names a reference for plain bytes, which need none")
    _require((data.sketch is None) == (not data.matched), "DATA.matched does not go with DATA.sketch")
    _require(data.sketch is None or not data.reference, "DATA names both a reference and a sketch")


def of_ack(ack: Ack) -> None:
    """No bundle twice."""
    _require(len(set(ack.bundles)) == len(ack.bundles), "ACK.bundles names a bundle twice")


def _end(span: Span) -> int:
    return span[0] + span[1]
