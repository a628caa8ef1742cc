"""The one place that turns a missing training library into a sentence."""

from collections.abc import Iterator
from contextlib import contextmanager

from dwcp.errors import ExtraMissingError

__all__ = ["training_extra"]

_LIBRARIES = frozenset({"onnx", "sklearn", "torch", "xgboost"})


@contextmanager
def training_extra() -> Iterator[None]:
    """Run code that imports the training libraries.

    Raises:
        ExtraMissingError: one of them is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        if library not in _LIBRARIES:
            raise
        raise ExtraMissingError(
            f"training needs the extra: pip install 'dwcp[train]' ({library} is not installed)"
        ) from error
