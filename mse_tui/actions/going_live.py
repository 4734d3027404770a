"""What somebody is asked before a definition takes more out of the mailboxes of tasks that use it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from mse_tui.actions.checks import settings_model, valid_settings
from mse_tui.features import takes_away
from mse_tui.store import queries
from mse_tui.store.queries import DefinitionRow
from mse_tui.terms import TaskType

_NAMED = 5
_MORE_IS_LESS = (
    "older_than_days", "min_message_kib", "min_attachment_kib", "only_above_quota_percent", "skip_inline",
)  # fmt: skip
"""Settings that spare more the higher they are; off and empty are the lowest."""
_LESS_IS_LESS = ("include_unread", "include_flagged", "include_categorised", "archive_missing")
_CAPS = ("max_changes", "max_changes_percent")
"""Empty allows most."""
_TAKES_NOTHING = ("link_days",)


@dataclass(frozen=True, slots=True)
class GoingLive:
    """A change that takes more out of mailboxes than before."""

    what: str
    """Such as: switch off the dry run of MGF 'Tidy'"""
    tasks: tuple[str, ...]
    """Those that use the definition, where it is the definition that changes."""

    @property
    def question(self) -> str:
        """The same as a sentence."""
        return f"{self.said[:1].upper()}{self.said[1:]}?"

    @property
    def said(self) -> str:
        """All of it, to be asked about."""
        if not self.tasks:
            return self.what
        named = ", ".join(repr(task) for task in self.tasks[:_NAMED])
        more = f" and {len(self.tasks) - _NAMED} more" if len(self.tasks) > _NAMED else ""
        return f"{self.what} (used by {named}{more})"


def going_live(row: DefinitionRow, settings: BaseModel | Mapping[str, Any]) -> GoingLive | None:
    """What is to be asked before a definition gets these settings; None where it takes no more, or nobody uses it.

    Raises Problem invalid.
    """
    if not takes_away(row.type):
        return None
    model = settings_model(row.type)
    after = valid_settings(model, settings).model_dump(mode="json")
    before = valid_settings(model, row.settings).model_dump(mode="json")
    tasks = tuple(task.description for task in queries.tasks_of_type(row.type) if task.definition_id == row.id)
    if after["dry_run"] or not tasks:
        return None
    if before["dry_run"]:
        limit = "" if any(after[cap] for cap in _CAPS) else ", which has no limit"
        return GoingLive(f"switch off the dry run of {row.type} {row.name!r}{limit}", tasks)
    if all(_spares(name, before[name], after[name]) for name in after):
        return None
    return GoingLive(f"change what {row.type} {row.name!r}, which is no dry run, takes out of mailboxes", tasks)


def task_going_live(
    task: str, task_type: TaskType, definition: str, settings: BaseModel | Mapping[str, Any]
) -> GoingLive | None:
    """What is to be asked before a task gets another definition; None where that takes nothing away.

    Raises Problem invalid.
    """
    if not takes_away(task_type):
        return None
    if valid_settings(settings_model(task_type), settings).model_dump(mode="json")["dry_run"]:
        return None
    return GoingLive(f"let {task!r} take mail out of mailboxes by {task_type} {definition!r}, which is no dry run", ())


def _spares(name: str, before: Any, after: Any) -> bool:
    """Whether this change of a setting can take nothing more."""
    if before == after or name in _TAKES_NOTHING:
        return True
    if name in _CAPS:
        return after is not None and (before is None or after < before)
    if name in _MORE_IS_LESS:
        return (after or 0) > (before or 0)
    return name in _LESS_IS_LESS and not after
