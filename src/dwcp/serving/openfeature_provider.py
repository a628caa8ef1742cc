"""Flags and rollouts by OpenFeature: what an application that speaks it can ask.

======================================  =======  ==========================================================
key                                     type     value
======================================  =======  ==========================================================
``enableV3Compression`` and the like    boolean  as in `dwcp.safety.flags`
``v3RolloutPercentage``                 number   the largest share of units that may get any candidate
``dwcp.flags``                          object   all of these
``dwcp.<task>.candidate``               boolean  whether the unit gets the candidate of the task's rollout
``dwcp.<task>.version``                 string   the version that the unit gets; empty for the rule
``dwcp.<task>.rollout``                 object   arm, version, candidate, stage, percent, shadowed
======================================  =======  ==========================================================

The evaluation context's targeting key is the unit; its attribute ``region`` is the region. The variant of a
rollout is ``candidate`` or ``control``, and the reason SPLIT where the unit's bucket decides, TARGETING_MATCH
where its region alone does, DISABLED where a kill switch is engaged, DEFAULT where nothing is rolled out: the
caller's default value then stands.

The provider reads what `Rollout.poll` has read last; it opens no file. Specification: OpenFeature, flag
evaluation API and types, requirements 2.2.1 to 2.2.10.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from dwcp.errors import ExtraMissingError
from dwcp.safety.flags import KEYS, Flags, FlagsFile
from dwcp.safety.rollout import DEFAULT_REGION, Arm, Rollout, RolloutState

try:
    from openfeature.evaluation_context import EvaluationContext
    from openfeature.exception import (
        FlagNotFoundError,
        InvalidContextError,
        TargetingKeyMissingError,
        TypeMismatchError,
    )
    from openfeature.flag_evaluation import FlagResolutionDetails, FlagValueType, Reason
    from openfeature.provider import AbstractProvider, Metadata
except ImportError as error:
    raise ExtraMissingError(
        "openfeature-sdk is not installed: pip install 'dwcp[openfeature]' brings what the provider needs"
    ) from error

__all__ = ["DwcpProvider"]

ValueT = TypeVar("ValueT")
_Object = Sequence[FlagValueType] | Mapping[str, FlagValueType]


class DwcpProvider(AbstractProvider):
    """The flags of a file and the rollouts of a process, as one OpenFeature provider.

    Args:
        flags: the flags; those that restrict nothing unless given.
        rollouts: each task's rollout, polled by whoever owns it.
    """

    def __init__(self, flags: FlagsFile | None = None, rollouts: Mapping[str, Rollout] | None = None) -> None:
        super().__init__()
        self._flags = flags
        self._rollouts = dict(rollouts or {})

    def get_metadata(self) -> Metadata:
        """The provider's name."""
        return Metadata(name="dwcp")

    def resolve_boolean_details(
        self, flag_key: str, default_value: bool, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[bool]:
        """A switch, or whether the unit gets the candidate.

        Raises:
            OpenFeatureError: what the SDK turns into the reason ERROR with its code.
        """
        return _checked(self._resolve(flag_key, default_value, evaluation_context), flag_key, bool)

    def resolve_string_details(
        self, flag_key: str, default_value: str, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[str]:
        """The version that the unit gets; see `resolve_boolean_details`."""
        return _checked(self._resolve(flag_key, default_value, evaluation_context), flag_key, str)

    def resolve_integer_details(
        self, flag_key: str, default_value: int, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[int]:
        """The percentage; see `resolve_boolean_details`."""
        return _checked(self._resolve(flag_key, default_value, evaluation_context), flag_key, int)

    def resolve_float_details(
        self, flag_key: str, default_value: float, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[float]:
        """The percentage; see `resolve_boolean_details`."""
        found = _checked(self._resolve(flag_key, default_value, evaluation_context), flag_key, int | float)
        found.value = float(found.value)
        return found

    def resolve_object_details(
        self, flag_key: str, default_value: _Object, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[_Object]:
        """All flags, or all about the unit's arm; see `resolve_boolean_details`."""
        return _checked(
            self._resolve(flag_key, default_value, evaluation_context), flag_key, Mapping | Sequence
        )

    def _resolve(
        self, key: str, default: Any, context: EvaluationContext | None
    ) -> FlagResolutionDetails[Any]:
        if key in KEYS or key == "dwcp.flags":
            return self._of_flags(key)
        first, _, rest = key.partition(".")
        task, _, part = rest.partition(".")
        if first != "dwcp" or not task or part not in ("candidate", "version", "rollout"):
            raise FlagNotFoundError(
                f"there is no flag {key!r}; flags are {', '.join(KEYS)} and dwcp.TASK.candidate"
            )
        if task not in self._rollouts:
            raise FlagNotFoundError(
                f"there is no task {task!r} here; there are {', '.join(self._rollouts) or 'none'}"
            )
        return self._of_rollout(self._rollouts[task], part, default, context)

    def _of_flags(self, key: str) -> FlagResolutionDetails[Any]:
        flags = Flags() if self._flags is None else self._flags.current
        if key == "dwcp.flags":
            return FlagResolutionDetails(
                {name: getattr(flags, held) for name, held in KEYS.items()}, reason=Reason.STATIC
            )
        value = getattr(flags, KEYS[key])
        variant = ("on" if value else "off") if isinstance(value, bool) else str(value)
        return FlagResolutionDetails(value, reason=Reason.STATIC, variant=variant)

    def _of_rollout(
        self, rollout: Rollout, part: str, default: Any, context: EvaluationContext | None
    ) -> FlagResolutionDetails[Any]:
        killed, state = rollout.killed, rollout.state
        if killed:
            return FlagResolutionDetails(
                _stopped(part), reason=Reason.DISABLED, flag_metadata={"why": killed}
            )
        if state is None or not state.active:
            return FlagResolutionDetails(default, reason=Reason.DEFAULT)
        unit, region = _unit_and_region(context)
        got = rollout.arm(unit, region)
        if not got.visit:
            return FlagResolutionDetails(default, reason=Reason.DEFAULT)
        values = _values(state, got.arm)
        values |= {"stage": got.stage.value, "percent": got.stage.percent, "shadowed": got.shadowed}
        return FlagResolutionDetails(
            values if part == "rollout" else values[part],
            reason=Reason.SPLIT if got.split else Reason.TARGETING_MATCH,
            variant=got.arm.value,
            flag_metadata={"stage": got.stage.value, "region": region},
        )


def _values(state: RolloutState, arm: Arm) -> dict[str, Any]:
    given = arm is Arm.CANDIDATE
    version = state.start.candidate if given else state.start.control or ""
    return {"arm": arm.value, "candidate": given, "version": version}


def _stopped(part: str) -> Any:
    """With a kill switch engaged nobody gets a candidate, whatever the caller's default is."""
    stopped: dict[str, Any] = {"arm": Arm.CONTROL.value, "candidate": False, "version": ""}
    return stopped if part == "rollout" else stopped[part]


def _unit_and_region(context: EvaluationContext | None) -> tuple[str, str]:
    if context is None or not context.targeting_key:
        raise TargetingKeyMissingError("a rollout needs the unit as the targeting key, such as a link's name")
    region = context.attributes.get("region", DEFAULT_REGION)
    if not isinstance(region, str):
        raise InvalidContextError(f"the attribute region must be a text, not {region!r}")
    return context.targeting_key, region


def _checked(found: FlagResolutionDetails[Any], key: str, kind: Any) -> FlagResolutionDetails[Any]:
    value = found.value
    if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
        raise TypeMismatchError(f"{key} is {type(value).__name__}; ask for it as that")
    if isinstance(value, str) and kind is not str:
        raise TypeMismatchError(f"{key} is a string; ask for it as that")
    return found
