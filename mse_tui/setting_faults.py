"""What is wrong with settings that a person wrote: which one, in the product's words, and what would be right."""

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

_LONGEST_SHOWN = 60
_NAMED = 6
_LIMITS = {"ge": "of at least", "gt": "above", "le": "of at most", "lt": "below"}
_CLOCK = "HH:MM, such as 22:00"
_DAY = "YYYY-MM-DD, such as 2026-03-02"
_MOMENT = "YYYY-MM-DD HH:MM, such as 2026-03-02 22:00"


@dataclass(frozen=True, slots=True)
class SettingFault:
    """One setting that is wrong."""

    keys: tuple[str | int, ...]
    """As it is written: the names of tables and settings, and numbers (from 0) in lists."""
    title: str
    """As screens show it; '' where it has none of its own."""
    wrong: str
    """What is wrong and what would be right, without a full stop."""

    @property
    def key(self) -> str:
        """Such as 'timing.times.at' or 'managed_folders no. 2: policy'; '' for the settings as a whole."""
        text = ""
        for part, before in zip(self.keys, (None, *self.keys), strict=False):
            joint = "" if before is None else ": " if isinstance(before, int) else "."
            text += f" no. {part + 1}" if isinstance(part, int) else f"{joint}{part}"
        return text

    def __str__(self) -> str:
        where = f"{self.key} ({self.title!r})" if self.key and self.title else self.key
        return f"{where}: {self.wrong}" if where else self.wrong


def setting_faults(model: type[BaseModel], error: ValidationError, *, shown: bool = True) -> list[SettingFault]:
    """What a model refused. Without `shown` no value is repeated, since one may be a secret in the wrong place."""
    return [_fault(model, one, shown) for one in error.errors(include_url=False)]


def in_words(model: type[BaseModel], error: ValidationError) -> str:
    """All of it in one line, without a full stop at its end."""
    return "; ".join(str(fault) for fault in setting_faults(model, error))


@dataclass
class _Place:
    """Where walking along an error's location has come to."""

    models: tuple[type[BaseModel], ...]
    keys: tuple[str | int, ...] = ()
    field: FieldInfo | None = None
    parents: tuple[type[BaseModel], ...] = ()
    """The models that the last key is, or is not, one of the settings of."""


def _fault(model: type[BaseModel], fault: Mapping[str, Any], shown: bool) -> SettingFault:
    place = _place(model, fault)
    title = "" if place.field is None else place.field.title or ""
    return SettingFault(place.keys, title, _wrong(fault, place, shown))


def _place(model: type[BaseModel], fault: Mapping[str, Any]) -> _Place:
    location = fault["loc"]
    place = _Place((model,))
    for number, part in enumerate(location):
        if isinstance(part, int):
            place = _Place(place.models, (*place.keys, part), None, place.models)
        elif (field := _field(place.models, part)) is not None:
            place = _Place(tuple(_models_in(field.annotation)), (*place.keys, part), field, place.models)
        elif tagged := [one for one in place.models if part in _tags(one)]:
            place.models = tuple(tagged)
        elif number == len(location) - 1 and fault["type"] in ("extra_forbidden", "missing"):
            place = _Place((), (*place.keys, part), None, place.models)
    return place


def _field(models: tuple[type[BaseModel], ...], key: str) -> FieldInfo | None:
    for one in models:
        for name, field in one.model_fields.items():
            if key in (name, field.alias):
                return field
    return None


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models_in(inner)


def _tags(model: type[BaseModel]) -> set[Any]:
    return {
        value
        for field in model.model_fields.values()
        if get_origin(field.annotation) is Literal
        for value in get_args(field.annotation)
    }


def _wrong(fault: Mapping[str, Any], place: _Place, shown: bool) -> str:
    kind = fault["type"]
    value = _value(fault.get("input")) if shown else "this"
    if kind == "extra_forbidden":
        return _unknown(place)
    for says in _WORDS:
        if (found := says(kind, value, fault.get("ctx") or {}, place)) is not None:
            return found
    message = str(fault["msg"]).removeprefix("Value error, ").rstrip(".")
    return message[:1].lower() + message[1:]


def _unknown(place: _Place) -> str:
    known = [field.alias or name for one in place.parents for name, field in one.model_fields.items()]
    close = difflib.get_close_matches(str(place.keys[-1]), known, n=1) if place.keys else []
    if close:
        return f"unknown key, did you mean {close[0]}?"
    return f"unknown key; there are {_first(known)}" if known else "unknown key"


def _first(names: Sequence[str]) -> str:
    """Some of them, each once."""
    named = list(dict.fromkeys(names))
    return ", ".join(named[:_NAMED]) + (", ..." if len(named) > _NAMED else "")


def _value(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."


# --- kinds of faults; each gives None for those of others

_Context = Mapping[str, Any]
_Says = Callable[[str, str, _Context, _Place], str | None]


def _of_presence(kind: str, _value: str, _context: _Context, _place: _Place) -> str | None:
    return "is missing" if kind == "missing" else None


def _of_numbers(kind: str, value: str, _context: _Context, place: _Place) -> str | None:
    whole = _is_whole(place.field)
    noun = "a whole number" if whole else "a number"
    right = f"give {noun}{_range(place.field)}"
    if kind.startswith(("int_", "float_")) or kind in ("finite_number", "decimal_parsing"):
        return f"{value} is not {noun}; {right}"
    if kind in ("greater_than_equal", "greater_than"):
        return f"{value} is too small; {right}"
    if kind in ("less_than_equal", "less_than"):
        return f"{value} is too large; {right}"
    return None


def _is_whole(field: FieldInfo | None) -> bool:
    return field is None or float not in (field.annotation, *get_args(field.annotation))


def _range(field: FieldInfo | None) -> str:
    """' from 1 to 1440', ' of at least 1', ' above 0'; '' where any will do."""
    limits = {
        name: getattr(one, name)
        for one in (field.metadata if field is not None else ())
        for name in _LIMITS
        if hasattr(one, name)
    }
    if {"ge", "le"} <= limits.keys():
        return f" from {limits['ge']} to {limits['le']}"
    words = [f"{word} {limits[name]}" for name, word in _LIMITS.items() if name in limits]
    return f" {' and '.join(words)}" if words else ""


def _of_times(kind: str, value: str, _context: _Context, _place: _Place) -> str | None:
    for beginning, noun, form in (
        ("datetime_", "a date and time", _MOMENT),
        ("timezone_", "a date and time", _MOMENT),
        ("date_", "a date", _DAY),
        ("time_delta_", "a length of time", "seconds"),
        ("time_", "a time of day", _CLOCK),
    ):
        if kind.startswith(beginning):
            return f"{value} is not {noun}; write {form}"
    return None


def _of_texts(kind: str, value: str, context: _Context, _place: _Place) -> str | None:
    match kind:
        case "string_type" | "string_unicode" | "string_sub_type":
            return f"{value} is not a text; write it in quotation marks"
        case "string_too_short":
            least = context["min_length"]
            return "is empty" if least == 1 else f"{value} is too short; write {least} characters at least"
        case "string_too_long":
            return f"is too long; write {context['max_length']} characters at most"
        case "string_pattern_mismatch":
            return f"{value} does not have the form {context['pattern']}"
        case _:
            return None


def _of_choices(kind: str, value: str, context: _Context, place: _Place) -> str | None:
    match kind:
        case "bool_type" | "bool_parsing":
            return f"{value} is neither on nor off; write true or false"
        case "enum" | "literal_error":
            return f"{value} is none of {_alternatives(context['expected'])}"
        case "union_tag_invalid":
            name, right = context["discriminator"].strip("'"), _alternatives(context["expected_tags"])
            return f"{name} {context['tag']!r} is none of {right}"
        case "union_tag_not_found":
            name = context["discriminator"].strip("'")
            tags = [str(tag) for one in place.models for tag in sorted(_tags_of(one, name))]
            return f"say which by {name}: {', '.join(tags)}"
        case _:
            return None


def _alternatives(expected: str) -> str:
    return expected.replace("'", "").replace(" or ", ", ")


def _tags_of(model: type[BaseModel], name: str) -> set[Any]:
    field = _field((model,), name)
    return set(get_args(field.annotation)) if field is not None and get_origin(field.annotation) is Literal else set()


def _of_collections(kind: str, value: str, context: _Context, place: _Place) -> str | None:
    match kind:
        case "list_type" | "tuple_type" | "set_type" | "frozen_set_type":
            return f'{value} is not a list; write it in brackets, such as ["one", "another"]'
        case "model_type" | "model_attributes_type" | "dict_type" | "mapping_type" | "dataclass_type":
            names = [field.alias or name for one in place.models for name, field in one.model_fields.items()]
            known = f" with {_first(names)}" if names else ""
            return f"{value} is not a table of settings; write one{known}"
        case "too_short":
            least = context["min_length"]
            return "is empty; name one at least" if least == 1 else f"has too few; name {least} at least"
        case "too_long":
            return f"has too many; name {context['max_length']} at most"
        case "none_required":
            return f"{value} is too much; leave it empty"
        case _:
            return None


_WORDS: tuple[_Says, ...] = (_of_presence, _of_numbers, _of_times, _of_texts, _of_choices, _of_collections)
