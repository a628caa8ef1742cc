"""The hints API, ``dwcp.v1.Hints``: one table of named fields, from which REST and gRPC are both made."""

from dwcp.serving.hints.methods import METHODS, Method
from dwcp.serving.hints.service import Answered, Asked, Hints, Refusal, Refused

__all__ = ["METHODS", "Answered", "Asked", "Hints", "Method", "Refusal", "Refused"]
