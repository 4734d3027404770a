"""The permissions of the practice organisation's folders: who has which level, as Exchange keeps them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mse_tui.sandbox.mailstore import MailStore
from mse_tui.sandbox.records import FolderRecord

DEFAULT, ANONYMOUS = "Default", "Anonymous"
CUSTOM = "Custom"

RIGHTS = (
    "CanCreateItems", "CanCreateSubFolders", "IsFolderOwner", "IsFolderVisible", "IsFolderContact", "EditItems",
    "DeleteItems", "ReadItems",
)  # fmt: skip
"""The individual permissions, in the order of the schema."""

_LEVELS: dict[str, tuple[str, ...]] = {
    "None": ("false", "false", "false", "false", "false", "None", "None", "None"),
    "Owner": ("true", "true", "true", "true", "true", "All", "All", "FullDetails"),
    "PublishingEditor": ("true", "true", "false", "true", "false", "All", "All", "FullDetails"),
    "Editor": ("true", "false", "false", "true", "false", "All", "All", "FullDetails"),
    "PublishingAuthor": ("true", "true", "false", "true", "false", "Owned", "Owned", "FullDetails"),
    "Author": ("true", "false", "false", "true", "false", "Owned", "Owned", "FullDetails"),
    "NoneditingAuthor": ("true", "false", "false", "true", "false", "None", "Owned", "FullDetails"),
    "Reviewer": ("false", "false", "false", "true", "false", "None", "None", "FullDetails"),
    "Contributor": ("true", "false", "false", "true", "false", "None", "None", "None"),
}
_CALENDAR_LEVELS: dict[str, tuple[str, ...]] = {
    "FreeBusyTimeOnly": ("false", "false", "false", "false", "false", "None", "None", "TimeOnly"),
    "FreeBusyTimeAndSubjectAndLocation": (
        "false", "false", "false", "false", "false", "None", "None", "TimeAndSubjectAndLocation",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Permission:
    """One entry of a folder."""

    user: str
    """An address, Default or Anonymous."""
    level: str
    custom: Mapping[str, str] = field(default_factory=dict)
    """The individual permissions of the level Custom."""

    @property
    def rights(self) -> dict[str, str]:
        """The individual permissions, all of them."""
        if self.level == CUSTOM:
            return dict(zip(RIGHTS, _LEVELS["None"], strict=True)) | dict(self.custom)
        return dict(zip(RIGHTS, {**_LEVELS, **_CALENDAR_LEVELS}[self.level], strict=True))


@dataclass(frozen=True, slots=True)
class PermissionSet:
    """All entries of a folder."""

    entries: tuple[Permission, ...]
    unknown: tuple[str, ...] = ()
    """Entries whose account is gone."""

    def level_of(self, user: str) -> str:
        """The level that somebody is given by name; None without an entry."""
        return next((entry.level for entry in self.entries if entry.user == user), "None")


def is_calendar(folder: FolderRecord) -> bool:
    """Whether the folder's permissions are those of a calendar."""
    return folder.folder_class.lower().startswith("ipf.appointment")


def is_level(level: str, folder: FolderRecord) -> bool:
    """Whether a folder of this kind has a level of this name."""
    return level in _LEVELS or level == CUSTOM or (is_calendar(folder) and level in _CALENDAR_LEVELS)


def permissions(store: MailStore, folder: FolderRecord) -> PermissionSet:
    """A folder's entries; at first Default and Anonymous alone, who see when the owner is busy."""
    kept: dict[str, Any] | None = store.setting(folder.mailbox, _key(folder))
    if kept is None:
        free_busy = "FreeBusyTimeOnly" if is_calendar(folder) else "None"
        return PermissionSet((Permission(DEFAULT, free_busy), Permission(ANONYMOUS, "None")))
    return PermissionSet(tuple(Permission(**entry) for entry in kept["entries"]), tuple(kept["unknown"]))


def set_permissions(
    store: MailStore, folder: FolderRecord, entries: Iterable[Permission], unknown: Iterable[str] | None = None
) -> None:
    """Replace a folder's entries; those whose account is gone stay unless they are given too."""
    with store.writing():
        gone = permissions(store, folder).unknown if unknown is None else unknown
        rows = [{"user": each.user, "level": each.level, "custom": dict(each.custom)} for each in entries]
        store.put_setting(folder.mailbox, _key(folder), {"entries": rows, "unknown": list(gone)})
        store.rename_folder(folder.id, folder.name)


def set_level(store: MailStore, folder: FolderRecord, user: str, level: str) -> None:
    """Give somebody a level in a folder, in place of the entry they had; None takes it away."""
    entries = [each for each in permissions(store, folder).entries if each.user != user]
    if level != "None":
        entries.append(Permission(user, level))
    set_permissions(store, folder, entries)


def inherit(store: MailStore, folder: FolderRecord) -> None:
    """A new folder has its parent's permissions."""
    parent = store.folder(folder.parent)
    if parent is not None and store.setting(parent.mailbox, _key(parent)) is not None:
        found = permissions(store, parent)
        entries = [each for each in found.entries if is_level(each.level, folder)]
        set_permissions(store, folder, entries, found.unknown)


def _key(folder: FolderRecord) -> str:
    return f"permissions {folder.id}"
