"""Records: messages of named fields, each of which stands for a dataclass of a task's contract."""

import inspect
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any

from dwcp.errors import InputError
from dwcp.serving.hints.places import Where, at, in_words
from dwcp.serving.hints.shapes import ListOf, Schema, Shape

__all__ = ["REQUIRED", "Member", "Record", "record"]

REQUIRED: Any = object()
"""Stands where a member has no default."""

_ATTRIBUTE = re.compile(r"^ {4}(\w+): (.+?)(?=^ {4}\w+: |^\S|\Z)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Member:
    """One field of a record.

    Attributes:
        name: in JSON, in protobuf and in the contract.
        shape: what it may hold.
        default: makes the value of one that was left out; `REQUIRED` where none may be.
        meaning: one line.
    """

    name: str
    shape: Shape
    default: Callable[[], Any] = REQUIRED
    meaning: str = ""

    @property
    def is_required(self) -> bool:
        """Whether it has to be given."""
        return self.default is REQUIRED


@dataclass(frozen=True, slots=True)
class Record:
    """A message.

    Attributes:
        name: of the protobuf message and of the JSON Schema.
        members: in the order of their numbers.
        build: makes the contract's value of the members' values, by name.
        one_of: exactly one member is given.
        narrower: what its JSON Schema says besides, where members depend on each other.
        parts: the members' values of a contract's value, by name.
    """

    name: str
    members: tuple[Member, ...]
    build: Callable[..., Any]
    one_of: bool = False
    narrower: Mapping[str, Any] = field(default_factory=dict)
    parts: Callable[[Any, Member], Any] = lambda value, member: getattr(value, member.name)
    by_name: Mapping[str, Member] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {member.name: member for member in self.members})

    def read(self, value: Any, where: Where) -> Any:
        """See `Shape.read`."""
        if not isinstance(value, Mapping):
            raise InputError(f"{at(where)} takes an object, not {in_words(value)}")
        given = {}
        for name, one in value.items():
            member = self.by_name.get(name)
            if member is None:
                known = ", ".join(self.by_name)
                raise InputError(f"{at(where)} has no field {str(name)[:64]!r}; its fields are: {known}")
            if one is not None or self.one_of:
                given[name] = member.shape.read(one, (where, name))
        if self.one_of and len(given) != 1:
            raise InputError(f"{at(where)} takes exactly one of {', '.join(self.by_name)}")
        return self.build(**given, **self._defaults(given, where))

    def write(self, value: Any) -> dict[str, Any]:
        """See `Shape.write`; what is None is left out."""
        told = ((member, self.parts(value, member)) for member in self.members)
        written = ((member.name, member.shape.write(one)) for member, one in told if one is not None)
        return {name: one for name, one in written if one is not None}

    def schema(self) -> Schema:
        """A reference to the record's own schema; see `Shape.schema`."""
        return {"$ref": f"#/components/schemas/{self.name}"}

    def own_schema(self) -> Schema:
        """The record's schema, as it stands among the components."""
        schema: Schema = {
            "type": "object",
            "properties": {member.name: _described(member, self.one_of) for member in self.members},
            "additionalProperties": False,
            **self.narrower,
        }
        if required := [member.name for member in self.members if member.is_required and not self.one_of]:
            schema["required"] = required
        if self.one_of:
            schema |= {"minProperties": 1, "maxProperties": 1}
        return schema

    def _defaults(self, given: Mapping[str, Any], where: Where) -> dict[str, Any]:
        if self.one_of or len(given) == len(self.members):
            return {}
        made = {}
        for member in self.members:
            if member.name not in given:
                if member.is_required:
                    raise InputError(f"{at((where, member.name))} is missing")
                made[member.name] = member.default()
        return made


def record(name: str, contract: type, /, **shapes: Shape) -> Record:
    """The record of a contract's dataclass, whose fields, defaults and meanings it has.

    Args:
        name: of the message.
        contract: a dataclass.
        **shapes: of every field that travels; one without has to have a default.

    Raises:
        TypeError: a field has neither a shape nor a default, or a shape has no field.
    """
    meanings = _meanings(contract)
    members = []
    for one in fields(contract):
        shape = shapes.pop(one.name, None)
        default = _default_of(one, shape)
        if shape is not None:
            members.append(Member(one.name, shape, default, meanings.get(one.name, "")))
        elif default is REQUIRED:
            raise TypeError(f"{name} has no shape for {one.name}, which has no default")
    if shapes:
        raise TypeError(f"{name} has shapes for what {contract.__name__} does not have: {', '.join(shapes)}")
    return Record(name, tuple(members), contract)


def _default_of(one: Field[Any], shape: Shape | None) -> Callable[[], Any]:
    if one.default_factory is not MISSING:
        return one.default_factory
    if one.default is not MISSING:
        value = one.default
        return lambda: value
    if isinstance(shape, ListOf) and shape.least == 0:
        return tuple
    return _none if "None" in str(one.type) else REQUIRED


def _none() -> None:
    return None


def _described(member: Member, one_of: bool) -> Schema:
    schema = member.shape.schema()
    if not member.is_required and not one_of:
        schema = {"anyOf": [schema, {"type": "null"}]}
    return schema | {"description": member.meaning} if member.meaning else schema


def _meanings(contract: type) -> dict[str, str]:
    """What the docstring's ``Attributes`` say, each on one line, in words that hold for any language."""
    attributes = (inspect.getdoc(contract) or "").partition("Attributes:\n")[2]
    module = sys.modules[contract.__module__]
    return {name: _plain(text, module) for name, text in _ATTRIBUTE.findall(attributes)}


def _plain(text: str, module: object) -> str:
    told = re.sub(
        "`([A-Z_]+)`", lambda found: str(getattr(module, found[1], found[0])), " ".join(text.split())
    )
    return re.sub(r"\bNone\b", "left out", told.replace("`", ""))
