"""The bytes of parts: as they were kept, or read again and held against their ids."""

import os

from dwcp.codecs import Buffer, plaintext_id
from dwcp.errors import SourceChangedError
from dwcp.transfer.sending.part import Part
from dwcp.transfer.sending.source import Source, said

__all__ = ["load", "read_verified"]


def load(source: Source, parts: list[Part]) -> list[Buffer]:
    """The plaintexts of parts, nothing copied of those that were kept.

    Raises:
        SourceChangedError: a file cannot be read any more, or holds something else now.
    """
    loaded: list[Buffer] = []
    opened_path, fd = b"", -1
    try:
        for part in parts:
            if part.data is not None:
                loaded.append(part.data)
                continue
            if part.file.path != opened_path or fd < 0:
                if fd >= 0:
                    os.close(fd)
                    fd = -1
                opened_path, fd = part.file.path, source.open(part.file.path)
            plain = read_verified(fd, part)
            if plain is None:
                raise SourceChangedError(
                    f"{source.shown(part.file.path)} changed while it was sent; send it again"
                )
            loaded.append(plain)
    except OSError as error:
        raise SourceChangedError(
            f"{source.shown(opened_path)} cannot be read again: {said(error)}; send it when it is at rest"
        ) from error
    finally:
        if fd >= 0:
            os.close(fd)
    return loaded


def read_verified(fd: int, part: Part) -> memoryview | None:
    """A part's bytes from an open file; None where they are not what the ids say.

    Raises:
        OSError: the file cannot be read.
    """
    plain = bytearray(part.plain_bytes)
    view = memoryview(plain)
    done = 0
    while done < len(plain):
        count = os.preadv(fd, [view[done:]], part.offset + done)
        if count == 0:
            return None
        done += count
    begin = 0
    for place, length in enumerate(part.lengths):
        if plaintext_id(view[begin : begin + length]) != part.id_of(place):
            return None
        begin += length
    return view
