"""What a Managed Folders task can be told: a default policy, policies of well-known folders, folders to be managed."""

from collections import Counter
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from mse_tui.archive.retention import LONGEST_DAYS, Adjustment, Limits
from mse_tui.exchange.editing import Disposal


class WellKnownFolder(StrEnum):
    """Folders that every mailbox has, whatever they are called in its owner's language."""

    INBOX = "Inbox"
    SENT_ITEMS = "Sent Items"
    DELETED_ITEMS = "Deleted Items"
    JUNK_EMAIL = "Junk Email"
    DRAFTS = "Drafts"
    OUTBOX = "Outbox"
    CONVERSATION_HISTORY = "Conversation History"

    @property
    def distinguished(self) -> str:
        """The name by which Exchange knows it."""
        return self.value.replace(" ", "").lower()


class FolderPolicy(BaseModel):
    """What becomes of the messages in a folder, in days since they were received; nothing given: normal retention."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    exchange_delete_after_days: int | None = Field(
        None, ge=0, le=LONGEST_DAYS, title="Exchange delete (days)",
        description="Delete from the mailbox what was received so many days ago and is safe in the archive."
        " Empty: never.",
    )  # fmt: skip
    delete_by: Disposal = Field(Disposal.SOFT, title="Delete by", description="Where a deleted message goes.")
    include_unread: bool = Field(False, title="Include unread", description="Delete unread messages too.")
    expire_view_after_days: int | None = Field(
        None, ge=0, le=LONGEST_DAYS, title="Expire view (days)",
        description="Take it out of its owner's view of the archive after so many days. Empty: never.",
    )  # fmt: skip
    archive_purge_after_days: int | None = Field(
        None, ge=0, le=LONGEST_DAYS, title="Archive purge (days)",
        description="Let the archive purge it after so many days, and not before. Needs a second person's approval."
        " Empty: as the archive's own retention says.",
    )  # fmt: skip

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        purge, expire = self.archive_purge_after_days, self.expire_view_after_days
        if purge is not None and expire is not None and purge < expire:
            raise ValueError(f"the archive purge after {purge} days comes before the view expires after {expire} days")
        return self

    @property
    def adjustment(self) -> Adjustment:
        """What it says of the archive's retention."""
        return Adjustment(self.expire_view_after_days, self.archive_purge_after_days)

    @property
    def acts(self) -> bool:
        """Whether it does anything at all."""
        return self.exchange_delete_after_days is not None or self.adjustment.adjusts

    def __str__(self) -> str:
        delete, expire, purge = (
            self.exchange_delete_after_days, self.expire_view_after_days, self.archive_purge_after_days
        )  # fmt: skip
        words = [
            f"{self.delete_by} after {delete} days{', unread too' * self.include_unread}" if delete is not None else "",
            f"expire view after {expire} days" if expire is not None else "",
            f"archive purge after {purge} days" if purge is not None else "",
        ]
        return ", ".join(word for word in words if word) or "normal retention"


NORMAL_RETENTION = FolderPolicy.model_validate({})
"""The policy that does nothing."""


class WellKnownPolicy(BaseModel):
    """The policy of a well-known folder and of all below it that has no nearer one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    folder: WellKnownFolder = Field(WellKnownFolder.INBOX, title="Folder", description="Which folder.")
    policy: FolderPolicy = Field(NORMAL_RETENTION, title="Policy")

    def __str__(self) -> str:
        return f"{self.folder}: {self.policy}"


class ManagedFolderPolicy(BaseModel):
    """A folder that the task creates for the mailbox's owner to put messages in."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(
        min_length=1, max_length=100, title="Name", description="What the folder is called when it is created."
    )
    parent: str = Field(
        "", title="Below", description="Where: a path joined by /, such as Inbox/Projects. Empty: at the top."
    )
    policy: FolderPolicy = Field(NORMAL_RETENTION, title="Policy")

    @field_validator("name", "parent")
    @classmethod
    def _trimmed(cls, text: str) -> str:
        return "/".join(part.strip() for part in text.split("/")).strip("/ ")

    @field_validator("name")
    @classmethod
    def _is_name(cls, name: str) -> str:
        if not name or "/" in name or "\\" in name or not name.isprintable():
            raise ValueError("a folder's name has no / and no \\, and is not empty")
        return name

    def __str__(self) -> str:
        return f"{'/'.join(part for part in (self.parent, self.name) if part)}: {self.policy}"

    @property
    def path(self) -> str:
        """Parent and name, folded: what names it within the definition."""
        return "/".join(part for part in (self.parent, self.name) if part).casefold()


class ManagedFoldersDefinition(BaseModel):
    """What a Managed Folders task does. The nearest policy up the tree holds, also where it is normal retention."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dry_run: bool = Field(
        True, title="Dry run", description="Report what would change, and change nothing. On until you switch it off."
    )
    default_policy: FolderPolicy = Field(
        NORMAL_RETENTION, title="Default policy", description="For every folder that has no nearer policy.",
        examples=[{"exchange_delete_after_days": 365, "include_unread": True}],
    )  # fmt: skip
    well_known_folders: tuple[WellKnownPolicy, ...] = Field(
        (), title="Well-known folders", description="Policies of folders that every mailbox has.",
        examples=[{"folder": "Junk Email", "policy": {"exchange_delete_after_days": 30}}],
    )  # fmt: skip
    managed_folders: tuple[ManagedFolderPolicy, ...] = Field(
        (), title="Managed folders", description="Folders that are created in each mailbox, each with its policy.",
        examples=[{"name": "Keep 7 years", "policy": {"archive_purge_after_days": 2555}}],
    )  # fmt: skip
    archive_missing: bool = Field(
        True, title="Archive what is missing", description="Archive a message first where the archive does not have it."
    )
    max_changes: int | None = Field(
        None, ge=1, title="Most changes", description="A mailbox where more messages are due is not touched, and red."
    )
    max_changes_percent: int | None = Field(
        None,
        ge=1,
        le=100,
        title="Most changes (%)",
        description="The same, in percent of the messages in the folders looked at.",
    )

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        names = [str(each.folder) for each in self.well_known_folders] + [each.path for each in self.managed_folders]
        if twice := [name for name, number in Counter(names).items() if number > 1]:
            raise ValueError(f"more than one policy for: {', '.join(twice)}")
        return self

    @property
    def policies(self) -> tuple[FolderPolicy, ...]:
        """All of them, the default first."""
        return (
            self.default_policy,
            *(each.policy for each in self.well_known_folders),
            *(each.policy for each in self.managed_folders),
        )

    @property
    def purges(self) -> bool:
        """Whether any policy lets the archive purge, which needs a second person's approval."""
        return any(each.archive_purge_after_days is not None for each in self.policies)

    def objection(self, limits: Limits) -> str:
        """What is wrong with it where the archive has these limits; '' where nothing is."""
        days = [each.archive_purge_after_days for each in self.policies]
        objections = (limits.objection(each) for each in days if each is not None)
        return next(filter(None, objections), "")
