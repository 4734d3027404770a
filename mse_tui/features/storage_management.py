"""Mailbox Storage Management: what is safely archived leaves the mailbox, or leaves only a stub.

One run: what an earlier one began is completed; everything that meets the criteria is listed before anything is
changed, so that the limits hold; then batch by batch each item is confirmed and changed. A dry run goes the same way
and stops short of every change.
"""

from collections.abc import Iterable, Mapping

from pydantic import BaseModel

from mse_tui.archive.confirmation import Ask
from mse_tui.archive.holds import held_in
from mse_tui.archive.verdicts import hidden_from_owner
from mse_tui.features.feature import MailboxRun, as_dry_run
from mse_tui.features.storage_definition import StorageAction, StorageManagementDefinition
from mse_tui.features.storage_pass import StoragePass
from mse_tui.store.database import faults_explained, keep_connection, now
from mse_tui.terms import TaskType

__all__ = ["STORAGE_MANAGEMENT", "StorageAction", "StorageManagement", "StorageManagementDefinition"]


class StorageManagement:
    """The task type MSM."""

    task_type = TaskType.STORAGE_MANAGEMENT
    destructive = True
    definition: type[BaseModel] = StorageManagementDefinition
    counters: Mapping[str, str] = {
        "dry_run": "Dry run: nothing was changed",
        "completed": "Stubs of earlier runs completed",
        "scanned": "Items looked at",
        "matched": "Items that meet all criteria",
        "left_new_or_small": "Items left: not old enough or not large enough",
        "left_class": "Items left: of another class",
        "left_nothing": "Items left: no attachment that meets the criteria, or nothing to gain",
        "left_quota": "Items left: not needed to come below the quota",
        "archived_first": "Items archived first",
        "confirmed": "Items confirmed in the archive",
        "stubbed": "Items stubbed",
        "deleted": "Items deleted",
        "bytes_freed": "Bytes freed in the mailbox",
        "would_be_archived_first": "Items that would be archived first",
        "would_be_stubbed": "Items that would be stubbed",
        "would_be_deleted": "Items that would be deleted",
        "bytes_would_be_freed": "Bytes that would be freed at least",
        "bytes_recoverable": "Bytes in Recoverable Items: not free while single-item recovery or a hold keeps them",
    }

    def __init__(self, *, held: Ask, readable: Ask) -> None:
        """`held`: messages that a hold covers; `readable`: those that the mailbox's owner may read in the archive."""
        self._held = held
        self._readable = readable

    def process(self, run: MailboxRun) -> None:
        """Work through one mailbox.

        Raises Problem (too-many-changes before anything was changed; whatever the archive or the mailbox as a whole
        meets), Stopped, Cancelled; what was begun is completed by the next run over the mailbox.
        """
        if not isinstance(run.definition, StorageManagementDefinition):
            raise TypeError(f"{type(run.definition).__name__} is not a Storage Management definition")
        with keep_connection(), faults_explained():
            StoragePass(run, run.definition, held=self._held, readable=self._readable).run()

    def foresee(self, run: MailboxRun) -> None:
        """A dry run, whatever the definition says."""
        self.process(as_dry_run(run))


def _in_owners_view(mailbox_id: int, message_ids: Iterable[int]) -> set[int]:
    """Of these messages, those that no policy has taken out of the owner's archive view."""
    ids = set(message_ids)
    return ids - hidden_from_owner(mailbox_id, ids, now())


STORAGE_MANAGEMENT = StorageManagement(held=held_in, readable=_in_owners_view)
