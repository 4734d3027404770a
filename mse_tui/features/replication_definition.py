"""What a Mailbox Folder Replication task can be told."""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from mse_tui.features.scope import DELETED_ITEMS, INBOX, SENT_ITEMS, FolderScope, ItemScope
from mse_tui.windows import WeeklyWindow, WindowText


class ReplicatedContent(StrEnum):
    """What of each item is replicated."""

    EVERYTHING = "metadata and content"
    METADATA = "metadata only"


class FolderReplicationDefinition(BaseModel):
    """What a Mailbox Folder Replication task replicates."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    exclude_inbox: bool = Field(False, title="Exclude Inbox", description="Leave out Inbox and its subfolders.")
    exclude_sent_items: bool = Field(
        False, title="Exclude Sent Items", description="Leave out Sent Items and its subfolders."
    )
    exclude_deleted_items: bool = Field(
        False, title="Exclude Deleted Items", description="Leave out Deleted Items and its subfolders."
    )
    excluded_folders: tuple[str, ...] = Field(
        (),
        title="Excluded folders",
        description="More folders to leave out, with their subfolders: paths joined by /, with * and ?; any case.",
        examples=["Projects/Old", "*/Drafts"],
    )
    include_vault_shortcuts: bool = Field(
        False,
        title="Include Enterprise Vault shortcuts",
        description="Replicate Enterprise Vault shortcuts too; otherwise they are skipped and counted.",
    )
    skip_private: bool = Field(
        True,
        title="Skip private items",
        description="Leave out items marked private or personal; they are counted.",
    )
    content: ReplicatedContent = Field(
        ReplicatedContent.EVERYTHING,
        title="Content",
        description="Whole items, or only where they lie and what a message list shows of them.",
    )
    include_online_archive: bool = Field(
        False, title="Include the online archive", description="Replicate the online archive mailbox too."
    )
    full_sync_exclusion_windows: tuple[WindowText, ...] = Field(
        (),
        title="Full sync exclusion windows",
        description="Times in which a full sync neither starts nor continues, such as Mon-Fri 08:00-18:00 UTC.",
        examples=["Mon-Fri 08:00-18:00 Europe/Berlin"],
    )

    @property
    def wants_content(self) -> bool:
        return self.content is ReplicatedContent.EVERYTHING

    def folder_scope(self) -> FolderScope:
        """The folders that this definition covers."""
        excluded: frozenset[str] = frozenset()
        for names, left_out in (
            (INBOX, self.exclude_inbox),
            (SENT_ITEMS, self.exclude_sent_items),
            (DELETED_ITEMS, self.exclude_deleted_items),
        ):
            excluded |= names if left_out else frozenset()
        return FolderScope(excluded, self.excluded_folders)

    def item_scope(self) -> ItemScope:
        """The items that this definition skips."""
        return ItemScope(self.skip_private, self.include_vault_shortcuts)

    def window_at(self, moment: datetime) -> WeeklyWindow | None:
        """The exclusion window that an aware time is in."""
        windows = (WeeklyWindow.parse(text) for text in self.full_sync_exclusion_windows)
        return next((window for window in windows if window.covers(moment)), None)
