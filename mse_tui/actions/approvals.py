"""A second person's approval of what lets the archive purge."""

import json
from dataclasses import dataclass

from mse_tui.access.roles import Role, needs
from mse_tui.actions.audit import audit, who
from mse_tui.actions.retention import all_settings
from mse_tui.archive import approvals
from mse_tui.archive.approvals import ARCHIVE, Content, definition_subject
from mse_tui.features.managed_folders import ManagedFoldersDefinition
from mse_tui.reasons import Problem, Reason
from mse_tui.store import queries
from mse_tui.store.database import now, writing
from mse_tui.store.models import Definition
from mse_tui.store.retention import PurgeApproval
from mse_tui.terms import TaskType

DIGEST_SHOWN = 16
"""Characters of a digest that tell it from others."""


@dataclass(frozen=True, slots=True)
class Awaiting:
    """Something that purges once a second person approves it."""

    subject: str
    label: str
    author: str
    editor: str
    approved: bool
    content: Content


def awaiting() -> list[Awaiting]:
    """All that purges, approved or not: managed folders definitions and default retentions."""
    found = []
    rows = Definition.select().where(Definition.type == TaskType.MANAGED_FOLDERS).order_by(Definition.name)
    for row in rows:
        if _purges(row.settings):
            found.append(_awaiting(definition_subject(row.id), f"definition {row.name}"))
    for setting in all_settings():
        if setting.settings.default_days is not None:
            found.append(_awaiting(setting.subject, f"default retention of {setting.address or 'the archive'}"))
    return [each for each in found if each is not None]


@needs(Role.DESTRUCTIVE)
def approve(subject: str, digest: str | None = None) -> None:
    """Approve what lets content go, as it is now.

    `digest`: only if it still is what the approver looked at, of whose digest this is the beginning.
    Raises Problem not-found, invalid: nothing of it purges, it has changed, or the approver is its author or its last
    editor.
    """
    looked_at = "" if digest is None else digest.strip().lower()
    if digest is not None and len(looked_at) < DIGEST_SHOWN:
        raise Problem(
            Reason.INVALID,
            f"{digest!r} is too little of a digest.",
            f"Give its first {DIGEST_SHOWN} characters, as mse-tui purge list shows them, or all.",
        )
    with writing():
        content = _purging(subject)
        if not content.digest.startswith(looked_at):
            raise Problem(Reason.INVALID, "It has been edited since you looked at it.", "Look at it again.")
        user = who()
        if not approvals.is_second_person(user, content):
            raise Problem(
                Reason.INVALID,
                f"{user} wrote or last changed it; an approval takes a second person.",
                "Let somebody else approve it, as another user of this machine.",
            )
        if approvals.is_approved(subject, content.digest):
            return
        shown = json.dumps(content.shown, ensure_ascii=False)
        PurgeApproval.create(
            subject=subject, content=content.digest, shown=shown, approved=now(), approved_by=user
        )  # fmt: skip
        audit("approve purge", subject, after={**content.shown, "digest": content.digest})


@needs(Role.DESTRUCTIVE)
def withdraw_approval(subject: str) -> None:
    """Take an approval back; anybody may who may approve. Raises Problem not-found."""
    with writing():
        if not approvals.void(subject, f"withdrawn by {who()}"):
            raise Problem(Reason.NOT_FOUND, f"There is no approval of {_called(subject)}.")
        audit("withdraw approval", subject)


def _purges(settings: str) -> bool:
    """Whether a managed folders definition lets the archive purge; settings that can't be read may."""
    try:
        return ManagedFoldersDefinition.model_validate_json(settings).purges
    except ValueError:
        return True


def _awaiting(subject: str, label: str) -> Awaiting | None:
    content = approvals.content_of(subject)
    if content is None:
        return None
    is_approved = approvals.is_approved(subject, content.digest)
    return Awaiting(subject, label, content.author, content.editor, is_approved, content)


def _called(subject: str) -> str:
    """What an approval is about, as people call it."""
    kind, _, number = subject.partition(" ")
    found = queries.definition(int(number)) if kind == "definition" and number.isdecimal() else None
    if found is not None:
        return f"the definition {found.name!r}"
    for setting in all_settings():
        if setting.subject == subject:
            return f"the default retention of {setting.address or 'the archive'}"
    return "the default retention of the archive" if subject == ARCHIVE else repr(subject)


def _purging(subject: str) -> Content:
    """What is to be approved. Raises Problem not-found, invalid: it purges nothing."""
    found = next((each for each in awaiting() if each.subject == subject), None)
    if found is None:
        raise Problem(
            Reason.NOT_FOUND,
            f"What is to be approved is what lets the archive purge; {_called(subject)} does not.",
            "mse-tui purge list shows what does.",
        )
    return found.content
