"""How people name mailboxes and persons: by address, user principal name or distinguished name.

An address that the archive knows is taken as it stands. What is none is looked up in the site's directory; while that
can't be asked, addresses still work.
"""

from collections.abc import Callable
from threading import Event
from time import monotonic

from mse_tui.access.grants import grants
from mse_tui.actions import requests
from mse_tui.actions.archive_reading import find_mailbox, mailboxes
from mse_tui.actions.opening import this_site
from mse_tui.archive.views import MailboxView
from mse_tui.directory.ldap_names import is_distinguished_name
from mse_tui.reasons import Problem, Reason
from mse_tui.store import queries

ANSWERED_WITHIN = 10.0
"""Seconds that a person waits for the engine."""
_LOOK_SECONDS = 0.1

Ask = Callable[[str], str]
"""The primary address of the mailbox that is named so. Raises Problem mailbox-not-found, or why it can't be told."""


def ask_engine(text: str) -> str:
    """`Ask` by way of the site's engine, which alone has its credentials; may wait for seconds."""
    if not queries.engine_holder(this_site().code):
        raise Problem(Reason.DIRECTORY_UNREACHABLE, "No engine runs that could look the name up.")
    request = requests.ask_for_mailbox(text)
    deadline = monotonic() + ANSWERED_WITHIN
    while (answer := requests.answer(request)) is None:
        if monotonic() > deadline:
            raise Problem(Reason.DIRECTORY_UNREACHABLE, f"No engine answered within {ANSWERED_WITHIN:.0f} seconds.")
        Event().wait(_LOOK_SECONDS)
    return str(answer["address"])


def archived_mailbox(text: str, person: str | None = None, ask: Ask = ask_engine) -> MailboxView:
    """The archived mailbox that is named so, or that has this number; as `person` (an address) may see it.

    Raises Problem not-found; and when a distinguished name can't be looked up.
    """
    if not _is_name(text) or _is_among(text, mailboxes(person)):
        return find_mailbox(text, person)
    return find_mailbox(mailbox_address(text, ask), person)


def mailbox_address(text: str, ask: Ask = ask_engine) -> str:
    """The primary address of the mailbox that is named so; an address that nobody knows is given back as it is.

    Raises Problem address-invalid, mailbox-not-found (a distinguished name that is no mailbox's); and when a
    distinguished name can't be looked up.
    """
    if not _is_name(text) or _is_among(text, mailboxes()):
        return text
    try:
        return ask(text)
    except Problem as problem:
        if is_distinguished_name(text) or problem.reason is Reason.ADDRESS_INVALID:
            raise
        return text


def who_looks(text: str, ask: Ask = ask_engine) -> str:
    """The address of a person through whose eyes an archive is looked at.

    Raises Problem not-found for somebody whom neither the archive nor the site's directory knows, and as
    `mailbox_address`.
    """
    if not _is_name(text) or _is_among(text, mailboxes()) or grants(person=text):
        return text
    try:
        return ask(text)
    except Problem as problem:
        if is_distinguished_name(text) or problem.reason is Reason.ADDRESS_INVALID:
            raise
        if problem.reason is not Reason.MAILBOX_NOT_FOUND:
            return text
    raise Problem(
        Reason.NOT_FOUND,
        f"Nobody is called {text}: no mailbox has the address, no archive is theirs, and no grant names them.",
        "mse-tui archive ls names those that have an archive, mse-tui access list those with a grant.",
    )


def member_address(text: str, task_id: int, ask: Ask = ask_engine) -> str:
    """As `mailbox_address`, of a mailbox that the task is to be run on.

    Who was in the group at the last answer is not asked for. Raises Problem invalid for an address that was not and
    that is no mailbox's.
    """
    found = queries.group_members(task_id)
    members = {name.casefold() for one in (found.included if found else ()) for name in (one.address, one.entry)}
    if text.strip().casefold() in members:
        return text.strip()
    refused: list[Problem] = []

    def asking(name: str) -> str:
        try:
            return ask(name)
        except Problem as problem:
            if problem.reason is Reason.MAILBOX_NOT_FOUND:
                refused.append(problem)
            raise

    address = mailbox_address(text, asking)
    if refused:
        raise Problem(
            Reason.INVALID,
            f"Not in the task's group: {text.strip()}. {refused[0].happened}",
            "Choose among the group's mailboxes: mse-tui group resolve --task TASK",
        )
    return address


def _is_name(text: str) -> bool:
    """Whether a directory could know it: numbers and GUIDs are the archive's own."""
    return "@" in text or is_distinguished_name(text)


def _is_among(text: str, rows: list[MailboxView]) -> bool:
    wanted = text.strip().casefold()
    return any(wanted == row.address.casefold() for row in rows)
