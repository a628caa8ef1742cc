"""One of everything that can be said: what the golden vectors hold, and where mutations begin."""

from dwcp.transfer.protocol import (
    MAGIC,
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
    Retract,
    Root,
    Sketch,
    Symlink,
    Want,
    Zeros,
)

TOKEN = "0123456789abcdefghijklmnopqrstuv"
NONCE, OTHER_NONCE, TICKET = bytes(range(32)), bytes(range(32, 64)), bytes(range(64, 96))
RECEIVER_PROOF = bytes.fromhex("ebf7e7fe37f1fb36561e3209a92030d9463218c01486068ec14827291d45e582")
SENDER_PROOF = bytes.fromhex("6962ca28e537e9f93eb633cdf99a4cae32c52b6cda05fdb43b242ab547c00fb3")
"""Over the two nonces, on a plain connection."""
KEY = bytes(range(16))
PLAIN = b"hello world"
ID = bytes.fromhex("d74981efa70a0c880b8d8c1985d075dbcbf679b99a5f9914e5aaf96b831a9e24")
"""Of the plaintext."""
ROOT_ID = bytes.fromhex("2fe1174b1c7a2f7cdad3b9682b50c38603da55cc8573aebe8fe55849bea4d07d")
"""Of a directory with nothing but ``a.txt`` in it, which holds the plaintext."""
OTHER_ID = bytes(range(128, 160))
LINK = b"\0" + ID
NOON_NS = 1_700_000_000_000_000_000

MESSAGES: dict[str, Message] = {
    "hello of a sender": Hello(MAGIC, (1, 1), NONCE, 0, b"", ("none", "lz4", "zstd", "delta")),
    "hello of a receiver": Hello(
        MAGIC, (1, 1), OTHER_NONCE, 0, b"", ("none", "zstd"), "token", RECEIVER_PROOF
    ),
    "hello of a data stream": Hello(MAGIC, (1, 2), NONCE, 3, TICKET),
    "proof": Proof(SENDER_PROOF),
    "offer": Offer(b"a.txt", "send", False, False, (32768, 65536, 262144), KEY, 11),
    "offer to sync": Offer(b"\xff\xfe", "sync", True, True, (64, 256, 1024), KEY),
    "accept": Accept(TICKET, True, False, 64 * 1024 * 1024, 64),
    "list": List(2000),
    "listing": Listing((Listed((), 0, 0, b""),), True),
    "long listing": Listing(
        tuple(Listed((b"photos", b"%03d.jpg" % i), 1000 * i, NOON_NS + i, LINK) for i in range(40)), False
    ),
    "catalogue": Catalogue((File(b"a.txt", 0o644, NOON_NS, 11), Chunks(ID, (11,)), EndFile())),
    "long catalogue": Catalogue(
        (
            EnterDirectory(b"photos", 0o2755, NOON_NS),
            File(b"disk.img", 0o600, -1, 2 * 1024 * 1024 + 300_000),
            Zeros(2 * 1024 * 1024),
            Chunks(ID + OTHER_ID, (262_144, 37_856)),
            EndFile(),
            Keep(b"kept.jpg", 0o644, NOON_NS, 5_000_000_000, LINK),
            Symlink(b"latest", b"../kept.jpg", NOON_NS),
            File(b"log", 0o644, NOON_NS, 100),
            Retract(),
            *(record for i in range(30) for record in (File(b"%d" % i, 0o644, 0, 0), EndFile())),
            EndDirectory(),
        )
    ),
    "want": Want(10, ((0, 2), (5, 1))),
    "want with sketches": Want(
        100, ((10, 90),), (Sketch(0, (10, 40), bytes(80)), Sketch(1, (50, 50), bytes(8)))
    ),
    "ack": Ack((0,)),
    "ack of several": Ack((5, 1, 70_000)),
    "root": Root(ROOT_ID, 1, 1, 11),
    "done": Done(ROOT_ID, 1, 0, 0, 11),
    "failure": Failure(
        "disk_full", "the disk of /srv is full; make room, then run the same command again", True
    ),
    "bye": Bye("no longer needed"),
    "ping": Ping(7),
    "pong": Pong(7),
}
"""All but bundles, by name."""

BUNDLES: dict[str, tuple[Data, bytes]] = {
    "data": (Data(0, ((0, 1),), 11, False), PLAIN),
    "data of a stored block": (Data(1, ((2, 3), (7, 1)), 300_000, True), b"a stored block"),
    "data against blocks": (Data(2, ((8, 1),), 70_000, True, (ID, OTHER_ID)), b"a delta"),
    "data against a sketch": (Data(3, ((10, 2),), 90_000, True, (), 0, b"\x05"), b"a delta"),
}
"""Bundles and their bodies, by name."""
