"""What is checked of everything that a person enters."""

import unicodedata
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from mse_tui.access.roles import Role, require
from mse_tui.features import FEATURES, takes_away
from mse_tui.reasons import Problem, Reason
from mse_tui.setting_faults import in_words
from mse_tui.terms import TaskType

LONGEST_NAME = 100
_Settings = TypeVar("_Settings", bound=BaseModel)


def needed_for(task_type: TaskType) -> frozenset[Role]:
    """The role that it takes to make, change or run tasks of this type, beside an operator's: some take mail away."""
    return frozenset({Role.DESTRUCTIVE}) if takes_away(task_type) else frozenset()


def require_for(task_type: TaskType) -> None:
    """Raises Problem role-missing where tasks of this type take something away and the person may not."""
    for role in needed_for(task_type):
        require(role)


def valid_name(text: str, what: str) -> str:
    """A name as it will be kept: trimmed, on one line, without control characters. Raises Problem invalid."""
    name = unicodedata.normalize("NFC", text).strip()
    if not name:
        raise Problem(Reason.INVALID, f"The {what} is empty.", f"Enter a {what}.")
    if len(name) > LONGEST_NAME:
        raise Problem(Reason.INVALID, f"The {what} is longer than {LONGEST_NAME} characters.", "Shorten it.")
    if any(unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp") for character in name):
        raise Problem(Reason.INVALID, f"The {what} has a character that can't be shown.", "Enter it without.")
    if name.isdecimal():
        raise Problem(
            Reason.INVALID, f"The {what} {name!r} is only a number, which names things by their id.", "Add a word."
        )
    return name


def settings_model(task_type: TaskType) -> type[BaseModel]:
    """The pydantic model of a type's settings; forms and command line options are made from it."""
    return FEATURES[task_type].definition


def valid_settings(model: type[_Settings], settings: BaseModel | Mapping[str, Any]) -> _Settings:
    """Settings as the model wants them. Raises Problem invalid, naming every field that is wrong and why."""
    if isinstance(settings, model):
        return settings
    values = settings.model_dump() if isinstance(settings, BaseModel) else dict(settings)
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise Problem(Reason.INVALID, f"{in_words(model, error)}.", "Correct the named setting.") from error
