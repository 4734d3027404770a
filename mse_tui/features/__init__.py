"""The task types: what each does to one mailbox."""

from collections.abc import Mapping

from mse_tui.features.calendar_replication import CALENDAR_REPLICATION
from mse_tui.features.feature import Feature
from mse_tui.features.folder_replication import FOLDER_REPLICATION
from mse_tui.features.managed_folders import MANAGED_FOLDERS
from mse_tui.features.permissions_sync import PERMISSIONS_SYNC
from mse_tui.features.storage_management import STORAGE_MANAGEMENT
from mse_tui.terms import TaskType

FEATURES: Mapping[TaskType, Feature] = {
    TaskType.FOLDER_REPLICATION: FOLDER_REPLICATION,
    TaskType.CALENDAR_REPLICATION: CALENDAR_REPLICATION,
    TaskType.STORAGE_MANAGEMENT: STORAGE_MANAGEMENT,
    TaskType.MANAGED_FOLDERS: MANAGED_FOLDERS,
    TaskType.PERMISSIONS_SYNC: PERMISSIONS_SYNC,
}
"""The task types that this version can execute."""


def takes_away(task_type: TaskType) -> bool:
    """Whether tasks of this type remove or change what is in mailboxes."""
    feature = FEATURES.get(task_type)
    return feature is not None and feature.destructive
