"""Approvals of what lets content go: bound to the content that a second person saw, checked against what is there now.

Any edit by any way, an action, a command or a statement in the database, makes the content another one: the approval
no longer fits it, and is voided for good at the first look.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from mse_tui.archive.statements import execute, select
from mse_tui.store.database import now
from mse_tui.store.models import from_micros, moment_at, to_micros

ARCHIVE = "archive"
"""The subject of the archive's own default retention."""
_EDITED = "what was approved has been edited"


def definition_subject(definition_id: int) -> str:
    """The subject of a managed folders definition's archive purges."""
    return f"definition {definition_id}"


def mailbox_subject(mailbox_id: int) -> str:
    """The subject of a mailbox's own default retention."""
    return f"mailbox {mailbox_id}"


@dataclass(frozen=True, slots=True)
class Content:
    """What is to be approved, as it is now."""

    subject: str
    shown: Mapping[str, Any]
    """What a person looks at before approving; its digest is what the approval is bound to."""
    author: str
    editor: str

    @property
    def digest(self) -> str:
        text = json.dumps(self.shown, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return sha256(f"{self.subject}\n{text}".encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class ApprovalRow:
    """One approval, in force or voided."""

    id: int
    subject: str
    content: str
    shown: Mapping[str, Any]
    approved: datetime
    approved_by: str
    voided: datetime | None
    voided_because: str


def content_of(subject: str) -> Content | None:
    """What a subject says now; None where it is gone."""
    kind, _, number = subject.partition(" ")
    if kind == "definition":
        return _definition(subject, int(number))
    return _setting(subject, int(number) if number else None)


def approvals(*, voided: bool = False) -> list[ApprovalRow]:
    """The approvals in force, latest first; with `voided` also those that were."""
    rows = select(
        "SELECT id, subject, content, shown, approved, approved_by, voided, voided_because FROM purge_approval"
        " WHERE voided IS NULL OR ? ORDER BY id DESC",
        (voided,),
    )
    return [
        ApprovalRow(
            id, subject, content, json.loads(shown), from_micros(approved), by,
            moment_at(end), because,
        )
        for id, subject, content, shown, approved, by, end, because in rows
    ]  # fmt: skip


def is_approved(subject: str, digest: str) -> bool:
    """Whether a second person has approved this content, and it is still what the subject says.

    Content whose subject is gone (a removed definition) stays as approved. Writes nothing.
    """
    rows = select(
        "SELECT approved_by FROM purge_approval WHERE subject = ? AND content = ? AND voided IS NULL",
        (subject, digest),
    )
    if not rows:
        return False
    content = content_of(subject)
    if content is None:
        return True
    return content.digest == digest and any(is_second_person(by, content) for (by,) in rows)


def is_second_person(who: str, content: Content) -> bool:
    """Whether someone is neither the author nor the last editor, also when they act as root."""
    return _person(who) not in (_person(content.author), _person(content.editor))


def _person(who: str) -> str:
    """The person behind a system user, as `access.people.who` tells them: 'root (ann)' is ann."""
    behind = who.partition(" (")[2].removesuffix(")")
    return (behind or who).casefold()


def void_edited() -> int:
    """Inside a transaction: void every approval whose content has been edited since; how many those were."""
    return sum(void(approval.subject, _EDITED) for approval in edited())


def edited() -> list[ApprovalRow]:
    """The approvals in force whose content has been edited since."""
    found = [(approval, content_of(approval.subject)) for approval in approvals()]
    return [approval for approval, content in found if content is not None and content.digest != approval.content]


def void(subject: str, because: str) -> int:
    """Inside a transaction: a subject's approvals no longer hold."""
    return execute(
        "UPDATE purge_approval SET voided = ?, voided_because = ? WHERE subject = ? AND voided IS NULL",
        (to_micros(now()), because, subject),
    )


def _definition(subject: str, id: int) -> Content | None:
    rows = select("SELECT type, name, settings, revision, created_by, modified_by FROM definition WHERE id = ?", (id,))
    if not rows:
        return None
    type, name, settings, revision, created_by, modified_by = rows[0]
    shown = {"type": type, "name": name, "revision": revision, "settings": _parsed(settings)}
    return Content(subject, shown, created_by, modified_by)


def _setting(subject: str, mailbox_id: int | None) -> Content | None:
    rows = select(
        "SELECT minimum_days, maximum_days, default_days, quarantine_days, revision, created_by, modified_by"
        " FROM retention_setting WHERE COALESCE(mailbox_id, 0) = ?",
        (mailbox_id or 0,),
    )
    if not rows:
        return None
    names = ("minimum_days", "maximum_days", "default_days", "quarantine_days", "revision")
    return Content(subject, dict(zip(names, rows[0], strict=False)), rows[0][5], rows[0][6])


def _parsed(settings: str) -> Any:
    """The settings, or the text itself where someone has made it no JSON."""
    try:
        return json.loads(settings)
    except ValueError:
        return settings
