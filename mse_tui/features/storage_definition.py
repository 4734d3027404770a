"""What a Mailbox Storage Management task can be told."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mse_tui.exchange.editing import Disposal, ItemQuery
from mse_tui.features.criteria import AttachmentScope, FolderChoice, StateScope


class StorageAction(StrEnum):
    """What becomes of an item whose content is safely in the archive."""

    ATTACHMENT_STUB = "attachment stub"
    """The body stays; each attachment becomes a small page that leads to it."""
    UNIVERSAL_STUB = "attachment stub with universal access"
    """The same; the link opens without signing in."""
    FULL_STUB = "full stub"
    """Body and attachments become a small stub."""
    DELETE = "delete"

    @property
    def stubs(self) -> bool:
        return self is not StorageAction.DELETE


NO_LINKS = "Stubs would have no links: [web] public_url is not set."
"""Warns of what a person may not have meant."""
SET_PUBLIC_URL = "Set [web] public_url in the configuration; else stubs say whom to ask, and name their archive id."


class StorageManagementDefinition(BaseModel):
    """What a Mailbox Storage Management task takes out of mailboxes; all criteria hold together."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    action: StorageAction = Field(
        StorageAction.ATTACHMENT_STUB, title="Action", description="What becomes of the items that meet all criteria."
    )
    dry_run: bool = Field(
        True, title="Dry run", description="Report what would change, and change nothing. On until you switch it off."
    )
    older_than_days: int = Field(
        365, ge=0, le=36500, title="Older than (days)", description="Only items received longer ago than this."
    )
    min_message_kib: int = Field(0, ge=0, title="Minimum message size (KiB)", description="Only items of this size on.")
    min_attachment_kib: int = Field(
        100,
        ge=0,
        title="Minimum attachment size (KiB)",
        description="Only attachments of this size on.",
    )
    folders: tuple[str, ...] = Field(
        (),
        title="Only these folders",
        description="Folders, with their subfolders: inbox, sentitems, deleteditems, or paths joined by /, with * and"
        " ?. Empty: all.",
        examples=["inbox", "Projects/*"],
    )
    excluded_folders: tuple[str, ...] = Field(
        (), title="Not these folders", description="Folders to leave out, with their subfolders; named as above."
    )
    attachment_types: tuple[str, ...] = Field(
        (),
        title="Only these attachment types",
        description="File name endings (pdf) or types (image/*). Empty: all.",
        examples=["pdf", "video/*"],
    )
    excluded_attachment_types: tuple[str, ...] = Field(
        (), title="Not these attachment types", description="Endings or types to leave in the mailbox."
    )
    skip_inline: bool = Field(
        True, title="Skip inline images", description="Leave pictures that the text shows in their place."
    )
    include_unread: bool = Field(False, title="Include unread items", description="Take unread items too.")
    include_flagged: bool = Field(False, title="Include flagged items", description="Take items with an open flag too.")
    include_categorised: bool = Field(
        False, title="Include categorised items", description="Take items with a category too."
    )
    item_classes: tuple[str, ...] = Field(
        ("IPM.Note",), title="Item classes", description="Only these classes, with the classes below them."
    )
    only_above_quota_percent: int | None = Field(
        None,
        ge=1,
        le=100,
        title="Only above quota (%)",
        description="Only while the mailbox is fuller than this, largest items first. Empty: always.",
    )
    archive_missing: bool = Field(
        True, title="Archive what is missing", description="Archive an item first where the archive does not have it."
    )
    delete_how: Disposal = Field(
        Disposal.SOFT, title="How to delete", description="Where deleted items go; for the action delete."
    )
    link_days: int | None = Field(
        None, ge=1, le=36500, title="Links expire (days)", description="Links in stubs hold so long. Empty: for good."
    )
    max_changes: int | None = Field(
        None, ge=1, title="Most changes", description="A mailbox where more items match is not touched, and red."
    )
    max_changes_percent: int | None = Field(
        None,
        ge=1,
        le=100,
        title="Most changes (%)",
        description="The same, in percent of the items in the folders looked at.",
    )

    @model_validator(mode="after")
    def _says_what(self) -> Self:
        if not self.item_classes:
            raise ValueError("name at least one item class")
        return self

    def query(self, moment: datetime) -> ItemQuery:
        """What the server can look for at an aware time."""
        return ItemQuery(
            received_before=moment - timedelta(days=self.older_than_days), min_size=self.min_message_kib * 1024
        )

    def folder_choice(self) -> FolderChoice:
        """The folders that are looked at; what goes to Deleted Items is not taken there once more."""
        to_deleted_items = self.action is StorageAction.DELETE and self.delete_how is Disposal.DELETED_ITEMS
        return FolderChoice(self.folders, (*self.excluded_folders, *(("deleteditems",) if to_deleted_items else ())))

    def state_scope(self) -> StateScope:
        """The items that are skipped for what state they are in."""
        return StateScope(self.include_unread, self.include_flagged, self.include_categorised)

    def attachment_scope(self) -> AttachmentScope:
        """The attachments that are taken."""
        if self.action is StorageAction.FULL_STUB:
            return AttachmentScope(0, (), (), skip_inline=False)
        return AttachmentScope(
            self.min_attachment_kib * 1024,
            self.attachment_types,
            self.excluded_attachment_types,
            skip_inline=self.skip_inline,
        )
