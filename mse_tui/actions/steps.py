"""What applying a text does, step by step."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Change(StrEnum):
    """What is to be done about one thing."""

    CREATE = "create"
    CHANGE = "change"
    REMOVE = "remove"
    TELL_TO_GO = "tell to go"
    """A task: its engine removes it."""
    LATER = "later"
    """Nothing yet: it waits for what another step or an execution does, and is done when the text is applied again."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that would be created, changed or removed."""

    change: Change
    kind: str
    """definition, schedule, task, maintenance, site or retention"""
    name: str
    settings: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    """Setting -> before and after; None on the side where there is nothing."""
    why: str = ""
    """What is to be known of it; '' where it speaks for itself."""
    question: str = ""
    """What a person is asked before it is done; '' where it takes nothing away."""

    @property
    def new_group(self) -> str | None:
        """The group that a task takes by this step."""
        return self.settings["group"][1] if self.kind == "task" and "group" in self.settings else None


@dataclass(frozen=True, slots=True)
class Doing:
    """A step, and how it is done."""

    step: Step
    do: Callable[[], object]


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What differs, before and after."""
    keys = [key for key in {**old, **new} if old.get(key) != new.get(key)]
    return {key: (old.get(key), new.get(key)) for key in keys}
