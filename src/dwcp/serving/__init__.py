"""Hints: what a caller asks for and gets. The advisor that runs models is in `dwcp.serving.local`."""

from dwcp.serving.advisor import Advisor, FallbackAdvisor
from dwcp.serving.hint import Hint, ModelRef, Reason

__all__ = ["Advisor", "FallbackAdvisor", "Hint", "ModelRef", "Reason"]
