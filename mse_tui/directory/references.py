"""What a person may give as a task's group, told apart by its looks alone; no directory is asked here."""

import re
from collections.abc import Collection
from enum import Enum, auto

from mse_tui.directory.addresses import SEPARATORS, valid_addresses
from mse_tui.directory.ldap_names import is_distinguished_name
from mse_tui.reasons import Problem, Reason
from mse_tui.terms import GroupKind, SiteBinding

GROUP_DIRECTORIES = frozenset({GroupKind.ACTIVE_DIRECTORY, GroupKind.MICROSOFT_365})

_GUID = re.compile(r"\{?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\}?", re.IGNORECASE)


_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no name has, nor any question to a server can hold."""


class Given(Enum):
    """What a group's text looks like."""

    ADDRESSES = auto()
    """One address (a mailbox's or a group's), or a list of mailboxes' addresses."""
    DISTINGUISHED_NAME = auto()
    GUID = auto()
    NAME = auto()


def given(text: str) -> Given:
    """What the text looks like. A text without any @ names a group; a list of addresses has at least one."""
    text = text.strip()
    if is_distinguished_name(text):
        return Given.DISTINGUISHED_NAME
    if _GUID.fullmatch(text):
        return Given.GUID
    return Given.ADDRESSES if "@" in text or not text.strip(SEPARATORS + " ") else Given.NAME


def check_text(text: str) -> None:
    """Raises Problem address-invalid where the text can name neither a group nor a mailbox, whatever there is."""
    if _UNWRITABLE.search(text):
        raise Problem(
            Reason.ADDRESS_INVALID, f"{text.strip()!r} has a character that no name has.", "Enter the name without it."
        )


def check_group(text: str, binding: SiteBinding, directories: Collection[GroupKind] | None) -> None:
    """Refuse what this site could never resolve. `directories`: those that its engine is configured for, None: unknown.

    Raises Problem address-invalid (naming every entry that is none), group-empty, group-refused, directory-missing.
    """
    check_text(text)
    kind = given(text)
    if kind is Given.ADDRESSES:
        valid_addresses(text)
    elif kind is Given.NAME:
        if not directories:
            raise Problem(
                Reason.ADDRESS_INVALID,
                f"{text.strip()!r} is not a mail address, and no directory is configured that knows groups by name.",
                "Give mailbox addresses or a group's address, or fill in [active_directory] or [microsoft365].",
            )
    elif kind is Given.DISTINGUISHED_NAME and binding is SiteBinding.MICROSOFT_365:
        raise refused(text)
    elif directories is not None and not GROUP_DIRECTORIES & set(directories):
        raise missing(GroupKind.ACTIVE_DIRECTORY if kind is Given.DISTINGUISHED_NAME else GroupKind.UNKNOWN)


def unlisted(binding: SiteBinding, directories: Collection[GroupKind] | None) -> str:
    """Why the groups of a site can't be browsed; '' where they can. `directories`: as for `check_group`."""
    is_cloud = binding is SiteBinding.MICROSOFT_365
    listing = {GroupKind.MICROSOFT_365} if is_cloud else GROUP_DIRECTORIES
    if directories is None or listing & set(directories):
        return ""
    return "Exchange lists no groups" if GroupKind.EXCHANGE in directories else "this site has no directory of groups"


def refused(text: str) -> Problem:
    """A site bound to Microsoft 365 does not use groups of Active Directory."""
    return Problem(
        Reason.GROUP_REFUSED,
        f"{text.strip()!r} is a group of Active Directory, and this site is bound to Microsoft 365.",
    )


def missing(kind: GroupKind) -> Problem:
    """No directory is configured that could know the group."""
    if kind not in GROUP_DIRECTORIES:
        return Problem(Reason.DIRECTORY_MISSING, "This site has no directory of groups.")
    table = "active_directory" if kind is GroupKind.ACTIVE_DIRECTORY else "microsoft365"
    return Problem(
        Reason.DIRECTORY_MISSING,
        f"The group is one of {kind.label}, which this site is not configured for.",
        f"Fill in [{table}] in the configuration (mse-tui site example shows it); mse-tui doctor checks it.",
    )
