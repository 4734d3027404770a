"""Mailbox Folder Replication: a mailbox's folders and items into the archive, in full first, then what changes.

One pass: the folder tree, then every covered folder page by page by the server's own sync state, then the closing of
what is gone. Whatever interrupts it, the next execution resumes it from the last committed batch.
"""

from collections.abc import Mapping

from pydantic import BaseModel

from mse_tui.features.feature import MailboxRun
from mse_tui.features.foreseen_folders import ForeseenFolders
from mse_tui.features.replication_definition import FolderReplicationDefinition, ReplicatedContent
from mse_tui.features.replication_pass import ReplicationPass
from mse_tui.features.submission import BatchLimits
from mse_tui.store.database import faults_explained, keep_connection
from mse_tui.terms import TaskType

__all__ = ["FOLDER_REPLICATION", "FolderReplication", "FolderReplicationDefinition", "ReplicatedContent"]


class FolderReplication:
    """The task type MFR."""

    task_type = TaskType.FOLDER_REPLICATION
    destructive = False
    definition: type[BaseModel] = FolderReplicationDefinition
    counters: Mapping[str, str] = {
        "folders_seen": "Folders covered",
        "folders_added": "Folders added",
        "folders_renamed": "Folders renamed",
        "folders_moved": "Folders moved",
        "folders_removed": "Folders removed",
        "items_seen": "Items looked at",
        "items_added": "Items added",
        "items_changed": "Items changed",
        "items_moved": "Items moved",
        "items_removed": "Items removed",
        "items_known": "Items known and unchanged",
        "bytes": "Bytes of content taken in",
        "submissions": "Submissions to the archive",
        "folders_would_be_added": "Folders that would be added",
        "folders_would_be_renamed": "Folders that would be renamed",
        "folders_would_be_moved": "Folders that would be moved",
        "folders_would_be_removed": "Folders that would be removed",
        "items_would_be_added": "Items that would be added",
        "items_would_be_changed": "Items that would be changed",
        "items_would_be_moved": "Items that would be moved",
        "items_would_be_removed": "Items that would be removed",
        "bytes_would_be_taken_in": "Bytes of content that would be taken in",
    }

    def __init__(self, limits: BatchLimits = BatchLimits()) -> None:  # noqa: B008 (frozen)
        self._limits = limits

    def process(self, run: MailboxRun) -> None:
        """Run or resume one pass over the mailbox.

        Raises Problem (outside-window where a full pass may not go on now), Stopped, Cancelled; what was committed
        before holds, and the next call goes on from there.
        """
        if not isinstance(run.definition, FolderReplicationDefinition):
            raise TypeError(f"{type(run.definition).__name__} is not a Folder Replication definition")
        with keep_connection(), faults_explained():
            ReplicationPass(run, run.definition, self._limits).run()

    def foresee(self, run: MailboxRun) -> None:
        """What a pass would find to do, by the task's own checkpoints; no content is fetched."""
        if not isinstance(run.definition, FolderReplicationDefinition):
            raise TypeError(f"{type(run.definition).__name__} is not a Folder Replication definition")
        with keep_connection(), faults_explained():
            ForeseenFolders(run, run.definition).run()


FOLDER_REPLICATION = FolderReplication()
