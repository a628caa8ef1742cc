"""Where this user keeps what can be rebuilt of stores that lie elsewhere, or must not be read there."""

import os
from collections.abc import Mapping
from pathlib import Path

from dwcp.errors import InputError

__all__ = ["cache_folder"]


def cache_folder(store_id: str, environment: Mapping[str, str] = os.environ) -> Path:
    """``dwcp/stores/ID`` in ``XDG_CACHE_HOME``, which is ``~/.cache`` unless set.

    Args:
        store_id: tells the store from others.
        environment: where variables are looked up.

    Raises:
        InputError: this user has no home.
    """
    base = Path(environment.get("XDG_CACHE_HOME", ""))
    if not base.is_absolute():  # by the XDG specification a relative one is to be ignored
        try:
            base = Path.home() / ".cache"
        except RuntimeError as error:
            raise InputError("this user has no home to keep a cache in: set XDG_CACHE_HOME") from error
    return base / "dwcp" / "stores" / store_id
