"""Who may open which archive: granting and revoking by hand, and explaining who may see what, and why."""

from dataclasses import dataclass

from mse_tui.access.grants import WHOLE, FolderKey, Grant, as_person, give, grants, take
from mse_tui.access.rights import Right, Standing
from mse_tui.access.roles import Role, needs
from mse_tui.access.sight import Sight, deciding, folder_key, is_owner, sight_of
from mse_tui.actions.audit import audit, who
from mse_tui.actions.contents import name_folders, shown_grants
from mse_tui.archive import views
from mse_tui.archive.views import MailboxView, View
from mse_tui.directory.addresses import valid_addresses
from mse_tui.reasons import Problem, Reason
from mse_tui.store.database import writing


@dataclass(frozen=True, slots=True)
class Asked:
    """What is granted, denied or taken back: a whole archive, or a folder of it."""

    person: str
    """A mail address."""
    mailbox: MailboxView
    folder: str = ""
    """Path or number; '' for the whole archive."""
    below: bool = False
    """The folder's subfolders too."""
    right: Right = Right.READ
    denies: bool = False


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a person may see of an archive, and why."""

    person: str
    mailbox: str
    standing: Standing
    verdict: str
    """One sentence."""
    because: tuple[Grant, ...]
    """The grants that bear on it, those that deny first."""


@needs(Role.OPERATOR)
@needs(Role.AUDITOR)
def grant_access(asked: Asked) -> Grant:
    """Let a person see an archive or a folder of it, or deny it; audited. What was given by hand before is replaced.

    Needs the role of who may look into archives as well: nobody gives what they may not have. Raises Problem
    address-invalid, not-found (no such folder), invalid (the owner).
    """
    person = _person(asked.person)
    if is_owner(person, asked.mailbox.id):
        raise Problem(Reason.INVALID, f"{person} owns this archive and sees all of it.", "Choose somebody else.")
    key, path = _folder(asked)
    with writing():
        grant_id = give(
            asked.mailbox.id, person, who=who(), folder=key, path=path, below=asked.below and key != WHOLE,
            right=asked.right, denies=asked.denies,
        )  # fmt: skip
        given = next(each for each in grants(mailbox_id=asked.mailbox.id) if each.id == grant_id)
        audit("deny access" if asked.denies else "grant access", asked.mailbox.address, after=_told(given))
    return given


@needs(Role.OPERATOR)
def revoke_access(grant_id: int) -> Grant:
    """Take back what was given or denied by hand; audited. Raises Problem not-found, invalid (it is from Exchange)."""
    with writing():
        taken = take(grant_id, who=who())
        audit("lift denial" if taken.denies else "revoke access", taken.mailbox, before=_told(taken))
    return taken


@needs(Role.OPERATOR)
def revoke_from(asked: Asked) -> Grant:
    """The same by who, whose archive and which folder. Raises Problem not-found."""
    person = _person(asked.person)
    key, path = _folder(asked)
    for each in grants(mailbox_id=asked.mailbox.id, person=person):
        if each.source is None and each.folder == key and each.denies == asked.denies:
            return revoke_access(each.id)
    raise Problem(
        Reason.NOT_FOUND,
        f"{person} was {'denied' if asked.denies else 'given'} nothing by hand for"
        f" {path or 'the whole archive'} of {asked.mailbox.address}.",
        "mse-tui access list shows what there is; what comes from Exchange is taken back there, or denied by hand.",
    )


@needs(Role.VIEWER)
def explain_access(person: str, mailbox: MailboxView, folder: str = "", message: int | None = None) -> Explanation:
    """What a person may see of an archive, of one folder or of one message (its number), and which grants say so.

    A folder and a message are named by who may look into archives. Raises Problem address-invalid, not-found,
    role-missing.
    """
    person = _person(person)
    if folder or message is not None:
        name_folders()
    sight = sight_of(person, mailbox.id)
    about: FolderKey | None
    if message is not None:
        found = views.message(message)
        if views.mailbox_of(message).id != mailbox.id:
            raise Problem(Reason.NOT_FOUND, f"{mailbox.address} has no message {message}.", "archive ls lists them.")
        about = folder_key(found.folder_id)
        verdict = _of_message(sight, message, about, found.sensitivity)
    elif folder:
        about = folder_key(views.folder(mailbox.id, folder, View.full()).id)
        verdict = _of_folder(sight.right_in(about))
    else:
        about = None
        verdict = _of_archive(sight, grants(mailbox_id=mailbox.id, person=person))
    because = () if sight.standing is Standing.OWNER else tuple(shown_grants(deciding(person, mailbox.id, about)))
    return Explanation(person, mailbox.address, sight.standing, f"{person} {verdict}", because)


def _of_archive(sight: Sight, named: list[Grant]) -> str:
    if sight.standing is Standing.OWNER:
        return "owns this archive and sees all of it."
    if sight.standing is Standing.NOBODY:
        is_denied = any(each.denies and each.folder == WHOLE for each in named)
        return "is denied this archive." if is_denied else "may see nothing of this archive."
    if sight.whole is not None:
        but = f" but {_folders(len(sight.denied), 'denied ')}" if sight.denied else ""
        return f"{_VERBS[sight.whole]} the whole archive{but}, without private items."
    read = sum(sight.right_in(key) is Right.READ for key in sight.folders)
    seen = sum(sight.right_in(key) is not None for key in sight.folders)
    return f"reads {_folders(read)} of this archive and knows of {_folders(seen)}, without private items."


def _of_folder(right: Right | None) -> str:
    return "may not see this folder." if right is None else f"{_VERBS[right]} this folder."


def _of_message(sight: Sight, message: int, key: FolderKey, sensitivity: str) -> str:
    if views.is_readable(message, sight):
        return "may read this message."
    if sight.standing is Standing.OWNER:
        return "may not read this message: by retention it has left its owner's view; archive explain says more."
    if sight.right_in(key) is not Right.READ:
        return "may not read this message: its folder is out of reach."
    if sensitivity != "Normal":
        return f"may not read this message: it is {sensitivity.lower()}, which only its owner sees."
    return "may not read this message: it left the owner's view, is private, or went on to a folder out of reach."


_VERBS = {
    Right.FOLDER: "sees only the names of folders in",
    Right.TIMES: "sees only the times of appointments in",
    Right.OUTLINE: "sees times, subjects and places of appointments in",
    Right.READ: "reads",
}


def _folders(number: int, kind: str = "") -> str:
    return f"1 {kind}folder" if number == 1 else f"{number} {kind}folders"


def _person(text: str) -> str:
    """One address. Raises Problem address-invalid."""
    addresses = valid_addresses(text)
    if len(addresses) != 1:
        raise Problem(Reason.ADDRESS_INVALID, f"{text!r} is more than one address.", "Name one person at a time.")
    return as_person(addresses[0])


def _folder(asked: Asked) -> tuple[FolderKey, str]:
    if not asked.folder:
        return WHOLE, ""
    found = views.folder(asked.mailbox.id, asked.folder, View.full())
    return folder_key(found.id), found.path


def _told(about: Grant) -> dict[str, str]:
    return {"person": about.person, "folder": about.scope, "right": about.right.value}
