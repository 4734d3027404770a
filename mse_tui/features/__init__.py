"""The task types: what each does to one mailbox."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, cast

from mse_tui.terms import TaskType

if TYPE_CHECKING:
    from mse_tui.features.feature import Feature

_MODULES = {
    TaskType.FOLDER_REPLICATION: ("folder_replication", "FOLDER_REPLICATION"),
    TaskType.CALENDAR_REPLICATION: ("calendar_replication", "CALENDAR_REPLICATION"),
    TaskType.STORAGE_MANAGEMENT: ("storage_management", "STORAGE_MANAGEMENT"),
    TaskType.MANAGED_FOLDERS: ("managed_folders", "MANAGED_FOLDERS"),
    TaskType.PERMISSIONS_SYNC: ("permissions_sync", "PERMISSIONS_SYNC"),
}
_TAKE_AWAY = frozenset({TaskType.STORAGE_MANAGEMENT, TaskType.MANAGED_FOLDERS})


class _Features(Mapping[TaskType, "Feature"]):
    """Imports a task type when it is asked for: all together take longer than the screens' first frame may."""

    def __getitem__(self, task_type: TaskType) -> "Feature":
        module, name = _MODULES[task_type]
        return cast("Feature", getattr(import_module(f"{__name__}.{module}"), name))

    def __iter__(self) -> Iterator[TaskType]:
        return iter(_MODULES)

    def __len__(self) -> int:
        return len(_MODULES)


FEATURES: Mapping[TaskType, "Feature"] = _Features()
"""The task types that this version can execute."""


def takes_away(task_type: TaskType) -> bool:
    """Whether tasks of this type remove or change what is in mailboxes (their features are destructive)."""
    return task_type in _TAKE_AWAY
