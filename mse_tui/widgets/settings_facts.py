"""Settings of a pydantic model in words, for showing."""

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

from pydantic import BaseModel

from mse_tui.widgets.facts import Fact


def settings_facts(model: type[BaseModel] | None, values: Mapping[str, Any]) -> list[Fact]:
    """Each setting by its title, in the model's order; by its key where the model does not know it."""
    facts = []
    known = model.model_fields if model is not None else {}
    for name, field in known.items():
        if name in values:
            facts.append(Fact(field.title or name.replace("_", " ").capitalize(), said(values[name])))
    facts += [Fact(key, said(value)) for key, value in values.items() if key not in known]
    return facts


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
        yield f"{key.replace('_', ' ')}: {said(one)}"
