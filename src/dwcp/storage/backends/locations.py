"""From what a person types to a backend."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from dwcp.errors import ExtraMissingError, InputError
from dwcp.storage.backends.backend import Backend
from dwcp.storage.backends.folder import FolderBackend

__all__ = ["open_backend"]

_SCHEME = re.compile("([a-zA-Z][a-zA-Z0-9+.-]*)://")


def open_backend(text: str, environment: Mapping[str, str] = os.environ) -> Backend:
    """The backend that a text names. Nothing is read or written yet.

    Args:
        text: a folder's path, or ``s3://BUCKET/PREFIX``.
        environment: where endpoint, region and keys of S3 are looked up, by AWS's names.

    Raises:
        InputError: it names neither.
        ExtraMissingError: it is in S3, and the extra ``s3`` is not installed.
    """
    scheme = _SCHEME.match(text)
    if not text:
        raise InputError("a store is named by a folder or by s3://BUCKET/PREFIX, not by nothing")
    if scheme is None:
        return FolderBackend(Path(text).expanduser())
    if scheme[1].lower() != "s3":
        raise InputError(f"a store lies in a folder or in s3://BUCKET/PREFIX, and {scheme[1]}:// is neither")
    try:
        from dwcp.storage.backends.bucket.s3 import open_s3
    except ModuleNotFoundError as error:
        raise ExtraMissingError("a store in S3 needs the extra s3: pip install 'dwcp[s3]'") from error
    return open_s3(text, environment)
