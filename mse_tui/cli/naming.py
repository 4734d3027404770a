"""How people name mailboxes and persons: by address, user principal name or distinguished name.

An address that the archive knows is taken as it stands. What is none is looked up in the site's directory; while that
can't be asked, addresses still work.
"""

from typing import TYPE_CHECKING

from mse_tui.cli.session import Session
from mse_tui.reasons import Problem, Reason

if TYPE_CHECKING:
    from mse_tui.archive.views import MailboxView

MAILBOX_NAMED = "address, user principal name or distinguished name"
GROUP_NAMED = "A group's address, distinguished name, GUID or name"


def archived_mailbox(session: Session, text: str, person: str | None = None) -> "MailboxView":
    """The archived mailbox that is named so, or that has this number; as `person` (an address) may see it.

    Raises Problem not-found.
    """
    from mse_tui.actions.archive_reading import find_mailbox, mailboxes

    session.site()
    if not _is_name(text) or _archived(text, mailboxes(person)):
        return find_mailbox(text, person)
    return find_mailbox(mailbox_address(session, text), person)


def mailbox_address(session: Session, text: str) -> str:
    """The primary address of the mailbox that is named so; an address that nobody knows is given back as it is.

    Raises Problem mailbox-not-found (a distinguished name that is no mailbox's), directory-missing; and when a
    distinguished name can't be looked up.
    """
    from mse_tui.actions.archive_reading import mailboxes
    from mse_tui.cli.questions import ask
    from mse_tui.directory.ldap_names import is_distinguished_name

    session.site()
    if not _is_name(text) or _archived(text, mailboxes()):
        return text
    try:
        return str(ask(session, "find_mailbox", {"text": text})["address"])
    except Problem as problem:
        if is_distinguished_name(text) or problem.reason is Reason.ADDRESS_INVALID:
            raise
        return text


def _is_name(text: str) -> bool:
    """Whether a directory could know it: numbers and GUIDs are the archive's own."""
    from mse_tui.directory.ldap_names import is_distinguished_name

    return "@" in text or is_distinguished_name(text)


def _archived(text: str, rows: "list[MailboxView]") -> bool:
    wanted = text.strip().casefold()
    return any(wanted == row.address.casefold() for row in rows)
