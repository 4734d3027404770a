"""Command line options made from a pydantic model: one an editable field, with its title and description as help."""

import json
import types
from collections.abc import Mapping
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import click
from pydantic import BaseModel
from pydantic.fields import FieldInfo


def options_of(model: type[BaseModel]) -> list[click.Parameter]:
    """The options of a model's fields. An option that is not given leaves its field alone."""
    return [_option(name, field) for name, field in model.model_fields.items()]


def given(model: type[BaseModel], values: Mapping[str, Any]) -> dict[str, Any]:
    """Only the settings that were given on the command line, in the model's terms."""
    found: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        value = values.get(name)
        if value is None or value == ():
            continue
        found[field.alias or name] = [_parsed(field, one) for one in value if one != ""] if _is_list(field) else (
            _parsed(field, value)
        )  # fmt: skip
    return found


def _option(name: str, field: FieldInfo) -> click.Option:
    flag = "--" + name.replace("_", "-")
    help_text = _help(field)
    kind = _bare(field.annotation)
    if kind is bool:
        return click.Option([f"{flag}/--no-{flag[2:]}", name], default=None, help=help_text)
    if _is_list(field):
        return click.Option([flag, name], multiple=True, type=_click_type(_element(kind)), help=help_text)
    return click.Option([flag, name], default=None, type=_click_type(kind), help=help_text)


def _help(field: FieldInfo) -> str:
    words = [field.description or field.title or ""]
    if _is_list(field):
        words.append('May be given several times; "" means none.')
    if _is_structured(_element(_bare(field.annotation))):
        such = "".join(f", such as {json.dumps(one)}" for one in field.examples or ())
        words.append(f"As JSON{such}.")
    if not field.is_required():
        default = field.get_default(call_default_factory=True, validated_data={})
        words.append(f"[default: {_shown(default)}]")
    return " ".join(word for word in words if word)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if value is None or value in ((), []):
        return "none"
    if isinstance(value, list | tuple):
        return ", ".join(map(_shown, value))
    return str(value.value if isinstance(value, Enum) else value)


def _bare(annotation: Any) -> Any:
    """The type without Annotated and without 'or None'."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif get_origin(annotation) in (Union, types.UnionType):
            rest = [one for one in get_args(annotation) if one is not type(None)]
            if len(rest) != 1:
                return annotation
            annotation = rest[0]
        else:
            return annotation


def _is_list(field: FieldInfo) -> bool:
    return get_origin(_bare(field.annotation)) in (list, tuple, set, frozenset)


def _element(kind: Any) -> Any:
    """What a list holds; the type itself where it is no list."""
    return _bare(get_args(kind)[0]) if get_origin(kind) in (list, tuple, set, frozenset) else kind


def _is_structured(kind: Any) -> bool:
    return get_origin(kind) in (dict, Union, types.UnionType) or (
        isinstance(kind, type) and issubclass(kind, BaseModel)
    )


def _click_type(kind: Any) -> click.ParamType[Any]:
    if get_origin(kind) is Literal:
        return click.Choice([str(one) for one in get_args(kind)])
    if isinstance(kind, type) and issubclass(kind, Enum):
        return click.Choice([str(one.value) for one in kind])
    if kind is int:
        return click.INT
    return click.FLOAT if kind is float else click.STRING


def _parsed(field: FieldInfo, value: Any) -> Any:
    if not _is_structured(_element(_bare(field.annotation))):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is not JSON: {error}") from error
