"""Managed Folders: folders with retention, and what becomes of the messages in them.

A definition's policies say, folder by folder, when messages leave the mailbox, when they leave their owner's view of
the archive, and when the archive may purge them. This task deletes in Exchange and places stamps; the purge is the
archive's own job, and looks at the stamps.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from pydantic import BaseModel

from mse_tui.features.feature import MailboxRun, as_dry_run
from mse_tui.features.managed_definition import FolderPolicy, ManagedFoldersDefinition
from mse_tui.features.managed_pass import ManagedPass
from mse_tui.store.database import faults_explained, keep_connection, now
from mse_tui.terms import TaskType

__all__ = ["MANAGED_FOLDERS", "FolderPolicy", "ManagedFolders", "ManagedFoldersDefinition"]


class ManagedFolders:
    """The task type MGF."""

    task_type = TaskType.MANAGED_FOLDERS
    destructive = True
    definition: type[BaseModel] = ManagedFoldersDefinition
    counters: Mapping[str, str] = {
        "dry_run": "Dry run: nothing was changed",
        "folders_seen": "Folders looked at",
        "folders_created": "Managed folders created",
        "folders_recreated": "Managed folders created again",
        "items_due": "Messages due to be deleted",
        "not_due": "Messages in the same folders that are not due",
        "confirmed": "Messages confirmed in the archive",
        "archived_first": "Messages archived first",
        "items_deleted": "Messages deleted",
        "bytes_freed": "Bytes deleted",
        "completed": "Deletions of an interrupted run found done",
        "stamped": "Retention stamps placed",
        "restamped": "Retention stamps changed",
        "stamps_ended": "Retention stamps withdrawn",
        "folders_would_be_created": "Managed folders that would be created",
        "folders_would_be_recreated": "Managed folders that would be created again",
        "would_be_archived_first": "Messages that would be archived first",
        "items_would_be_deleted": "Messages that would be deleted",
        "bytes_would_be_freed": "Bytes that would be deleted",
        "would_be_stamped": "Retention stamps that would be placed",
        "would_be_restamped": "Retention stamps that would be changed",
        "stamps_would_be_ended": "Retention stamps that would be withdrawn",
    }

    def __init__(self, clock: Callable[[], datetime] = now) -> None:
        """`clock` tells the time by which messages are due."""
        self._clock = clock

    def process(self, run: MailboxRun) -> None:
        """Run over the mailbox. Raises Problem, Stopped, Cancelled; what was committed before holds."""
        if not isinstance(run.definition, ManagedFoldersDefinition):
            raise TypeError(f"{type(run.definition).__name__} is not a Managed Folders definition")
        with keep_connection(), faults_explained():
            ManagedPass(run, run.definition, self._clock()).run()

    def foresee(self, run: MailboxRun) -> None:
        """A dry run, whatever the definition says."""
        self.process(as_dry_run(run))


MANAGED_FOLDERS = ManagedFolders()
