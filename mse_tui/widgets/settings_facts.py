"""Settings of a pydantic model in words, for showing."""

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from mse_tui.widgets.lines import Fact


def settings_facts(model: type[BaseModel] | None, values: Mapping[str, Any]) -> list[Fact]:
    """Each setting by its title, in the model's order; by its key where the model does not know it."""
    facts = []
    known = model.model_fields if model is not None else {}
    for name, field in known.items():
        if name in values:
            title = field.title or name.replace("_", " ").capitalize()
            facts.append(Fact(title, _as_the_model_says(field, values[name]) or said(values[name])))
    facts += [Fact(key, said(value)) for key, value in values.items() if key not in known]
    return facts


def settings_changes(
    model: type[BaseModel] | None, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[str]:
    """What differs, a line a setting: 'Title: old -> new', only the new where nothing was before."""
    old, new = (dict(_titled(model, values)) for values in (before, after))
    for title in {**old, **new}:
        told = new.get(title, "none")
        yield f"{title}: {old.get(title, 'none')} -> {told}" if before else f"{title}: {told}"


def _titled(model: type[BaseModel] | None, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for fact in settings_facts(model, values):
        known = fact.label not in values
        yield fact.label if known else fact.label.replace("_", " ").capitalize(), fact.value.replace("\n", "; ")


def _as_the_model_says(field: FieldInfo, value: Any) -> str:
    """A model, or several, in the words that the model has for itself; '' where it has none."""
    try:
        found = TypeAdapter[Any](field.annotation or object).validate_python(value)
    except ValidationError:
        return ""
    models = found if isinstance(found, tuple | list) else [found]
    speaking = [one for one in models if isinstance(one, BaseModel) and type(one).__str__ is not BaseModel.__str__]
    return "\n".join(str(one) for one in speaking) if len(speaking) == len(models) else ""


def said(value: Any) -> str:
    """A setting's value as people say it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if value is None or value in ("", [], ()):
        return "none"
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, Mapping):
        return ", ".join(_pairs(value))
    if isinstance(value, list | tuple):
        return (
            "\n".join(said(one) for one in value)
            if any(isinstance(one, Mapping) for one in value)
            else "; ".join(said(one) for one in value)
        )
    return str(value)


def _pairs(value: Mapping[str, Any]) -> Iterator[str]:
    for key, one in value.items():
        if one is not None:
            yield f"{key.replace('_', ' ')}: {f'({said(one)})' if isinstance(one, Mapping) else said(one)}"
