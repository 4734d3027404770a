"""Retention as people rule it: settings, holds, approvals of purges, and what the purge has set aside and done."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mse_tui.access.roles import Role, needs
from mse_tui.actions.audit import audit, changes, who
from mse_tui.actions.checks import valid_name, valid_settings
from mse_tui.archive import approvals, views
from mse_tui.archive.approvals import ARCHIVE, Content, definition_subject, mailbox_subject
from mse_tui.archive.holds import HoldRow, HoldScope, HoldSearch, holds
from mse_tui.archive.indexing import Indexing
from mse_tui.archive.packs import Packs
from mse_tui.archive.purge import Purge, PurgeReport
from mse_tui.archive.retention import LONGEST_DAYS, QUARANTINE_DAYS, Limits
from mse_tui.archive.statements import select, select_in
from mse_tui.archive.verdicts import limits_of
from mse_tui.features.managed_folders import ManagedFoldersDefinition
from mse_tui.reasons import Problem, Reason
from mse_tui.store import queries
from mse_tui.store.database import now, reading, writing
from mse_tui.store.models import Definition, from_micros, moment_at
from mse_tui.store.queries import SiteRow
from mse_tui.store.retention import Hold, PurgeApproval, RetentionSetting
from mse_tui.terms import TaskType

DIGEST_SHOWN = 16
"""Characters of a digest that tell it from others."""


class RetentionSettings(BaseModel):
    """How long the archive, or one mailbox of it, keeps what it has. Empty: for a mailbox, as the archive says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    minimum_days: int | None = Field(
        None, ge=0, le=LONGEST_DAYS, title="Minimum (days)", description="Nothing is purged earlier."
    )
    maximum_days: int | None = Field(
        None, ge=0, le=LONGEST_DAYS, title="Maximum (days)", description="No folder policy may keep longer."
    )
    default_days: int | None = Field(
        None, ge=0, le=LONGEST_DAYS, title="Default (days)",
        description="When the archive purges what no folder policy speaks of. Needs a second person's approval."
        " Empty: never.",
    )  # fmt: skip
    quarantine_days: int | None = Field(
        None, ge=0, le=3650, title="Quarantine (days)",
        description=f"How long what is due is set aside before it is gone. Empty: {QUARANTINE_DAYS}.",
    )  # fmt: skip

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        minimum, maximum, default = self.minimum_days, self.maximum_days, self.default_days
        if minimum is not None and maximum is not None and minimum > maximum:
            raise ValueError(f"the minimum of {minimum} days is longer than the maximum of {maximum} days")
        if default is not None and minimum is not None and default < minimum:
            raise ValueError(f"the default of {default} days is shorter than the minimum of {minimum} days")
        if default is not None and maximum is not None and default > maximum:
            raise ValueError(f"the default of {default} days is longer than the maximum of {maximum} days")
        return self


class NewHold(BaseModel):
    """A litigation hold to be placed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mailbox: str = Field("", title="Mailbox", description="Hold all that this mailbox has. Empty: every mailbox.")
    message: int | None = Field(
        None, ge=1, title="Message", description="Hold one message, by its number in the archive. Empty: all."
    )
    sender: str = Field("", title="Sender", description="Only messages with this in the sender's address.")
    recipients: str = Field("", title="Recipients", description="Only messages with this in the recipients.")
    subject: str = Field("", title="Subject", description="Only messages with this in the subject.")
    received_from: datetime | None = Field(
        None, title="Received from", description="Only messages received then or later, such as 2024-01-01T00:00Z."
    )
    received_until: datetime | None = Field(
        None, title="Received until", description="Only messages received before, such as 2024-07-01T00:00Z."
    )

    @property
    def search(self) -> dict[str, Any]:
        """What is searched for; nothing where the hold is no search."""
        names = ("sender", "recipients", "subject", "received_from", "received_until")
        return {name: value for name in names if (value := getattr(self, name))}


@dataclass(frozen=True, slots=True)
class SettingRow:
    """The settings of the archive or of one mailbox, as they are kept."""

    subject: str
    address: str
    """'' for the archive as a whole."""
    settings: RetentionSettings
    modified: datetime
    modified_by: str
    approved: bool
    """A second person has approved the default retention as it is now; True where there is none."""


@dataclass(frozen=True, slots=True)
class PurgeTotals:
    """How many messages are set aside, and how many were purged."""

    quarantined: int
    purged: int


@dataclass(frozen=True, slots=True)
class QuarantinedRow:
    """A message that is set aside for its purge."""

    placement_id: int
    """One of its places, to open it by."""
    mailboxes: str
    since: datetime
    until: datetime
    because: str


@dataclass(frozen=True, slots=True)
class PurgedRow:
    """The record of a purged message."""

    id: int
    size: int
    received: datetime | None
    mailboxes: str
    because: str
    quarantined: datetime
    purged: datetime


@dataclass(frozen=True, slots=True)
class Awaiting:
    """Something that purges once a second person approves it."""

    subject: str
    label: str
    author: str
    editor: str
    approved: bool
    content: Content


# --- settings


def settings_of(mailbox_id: int | None) -> RetentionSettings:
    """The settings of the archive (None) or of one mailbox; empty where there are none."""
    row = RetentionSetting.get_or_none(_is_of(mailbox_id))
    return RetentionSettings.model_validate({}) if row is None else _settings(row)


def effective_limits(mailbox_id: int | None = None) -> Limits:
    """What holds for a mailbox, or for the archive as a whole."""
    return limits_of(mailbox_id)


def all_settings() -> list[SettingRow]:
    """The archive's settings and those of mailboxes that have their own."""
    addresses = {each.id: each.address for each in views.mailboxes()}
    rows = []
    for row in RetentionSetting.select().order_by(RetentionSetting.mailbox):
        mailbox_id = row.__data__["mailbox"]
        subject = _subject(mailbox_id)
        content = approvals.content_of(subject)
        approved = row.default_days is None or (content is not None and approvals.is_approved(subject, content.digest))
        address = addresses.get(mailbox_id, "")
        rows.append(SettingRow(subject, address, _settings(row), row.modified, row.modified_by, approved))
    return rows


@needs(Role.DESTRUCTIVE)
def set_retention(settings: RetentionSettings | dict[str, Any], mailbox: str | None = None) -> None:
    """Rule how long the archive, or one mailbox (address or number), keeps. Raises Problem invalid, not-found.

    An approval of a default retention is void with any change.
    """
    wanted = valid_settings(RetentionSettings, settings)
    whose = None if mailbox is None else views.mailbox(mailbox)
    mailbox_id = None if whose is None else whose.id
    with writing():
        old = settings_of(mailbox_id).model_dump()
        before, after = changes(old, wanted.model_dump())
        if not before and not after:
            return
        moment, user = now(), who()
        changed = RetentionSetting.update(
            **wanted.model_dump(), revision=RetentionSetting.revision + 1, modified=moment, modified_by=user
        ).where(_is_of(mailbox_id))
        if not changed.execute():
            RetentionSetting.create(
                mailbox=mailbox_id, **wanted.model_dump(), created=moment, created_by=user, modified=moment,
                modified_by=user,
            )  # fmt: skip
        approvals.void_edited()
        audit("change retention", ARCHIVE if whose is None else whose.address, before, after)


# --- holds


def all_holds(*, lifted: bool = False) -> list[HoldRow]:
    """Holds in force; with `lifted` also those that were."""
    return holds(lifted=lifted)


def what_it_covers(hold: HoldRow) -> str:
    """What a hold covers, in words."""
    where = ""
    if hold.mailbox_id is not None:
        where = views.mailbox(str(hold.mailbox_id)).address
    if hold.search is not None:
        found = hold.search.model_dump(mode="json", exclude_defaults=True)
        words = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in found.items())
        return f"what has {words}" + (f" in {where}" if where else "")
    if hold.scope is HoldScope.MESSAGE:
        return f"message {hold.placement_id}" if hold.placement_id is not None else "a message that is gone"
    return f"all of {where}" if where else "the whole archive"


@needs(Role.OPERATOR)
def place_hold(name: str, hold: NewHold | dict[str, Any]) -> int:
    """Place a litigation hold; its id. Raises Problem invalid, not-found."""
    name = valid_name(name, "matter")
    wanted = valid_settings(NewHold, hold)
    whose = views.mailbox(wanted.mailbox) if wanted.mailbox.strip() else None
    mailbox_id = None if whose is None else whose.id
    search = valid_settings(HoldSearch, wanted.search) if wanted.search else None
    message_id = None
    if wanted.message is not None:
        if mailbox_id is not None or search is not None:
            raise Problem(Reason.INVALID, "A hold on one message takes no mailbox and no search.", "Leave them empty.")
        message_id = views.message(wanted.message).message_id
    scope = _scope(mailbox_id, message_id, search)
    with writing():
        _refuse_second(name, scope, mailbox_id, message_id, search)
        row = Hold.create(
            name=name, scope=scope, mailbox=mailbox_id, message=message_id,
            search=search.model_dump_json() if search else "", placed=now(), placed_by=who(),
        )  # fmt: skip
        told = {**wanted.model_dump(mode="json"), "mailbox": "" if whose is None else whose.address}
        audit("place hold", f"{row.id} {name}", after={"scope": scope, **told})
    return int(row.id)


def _refuse_second(
    name: str, scope: HoldScope, mailbox_id: int | None, message_id: int | None, search: HoldSearch | None
) -> None:
    """Raises Problem invalid where the matter has a hold in force on the very same."""
    for row in holds():
        same = (row.name.casefold(), row.scope, row.mailbox_id, row.message_id) == (
            name.casefold(), scope, mailbox_id, message_id,
        )  # fmt: skip
        if same and row.search == search:
            raise Problem(
                Reason.INVALID,
                f"The matter {row.name!r} has this hold already: no. {row.id}, placed by {row.placed_by}.",
                "Nothing is to be done; another matter may hold the same.",
            )


@needs(Role.DESTRUCTIVE)
def lift_hold(hold_id: int) -> None:
    """End a hold: what it covered may be deleted and purged again. Raises Problem not-found."""
    with writing():
        lifted = Hold.update(lifted=now(), lifted_by=who()).where(Hold.id == hold_id, Hold.lifted.is_null())
        if not lifted.execute():
            raise Problem(
                Reason.NOT_FOUND, f"No hold {hold_id} is in force.", "mse-tui hold list shows those there are."
            )
        audit("lift hold", f"{hold_id} {Hold.get_by_id(hold_id).name}")


# --- approvals


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


# --- the purge


def purge_totals() -> PurgeTotals:
    """How many there are of what `quarantined` and `purged` list."""
    ((set_aside, gone),) = select("SELECT (SELECT COUNT(*) FROM quarantine), (SELECT COUNT(*) FROM purge_record)")
    return PurgeTotals(set_aside, gone)


def quarantined(limit: int = 1000) -> list[QuarantinedRow]:
    """Messages that are set aside, those first that go first; nothing of what they say."""
    with reading():
        rows = select(
            "SELECT message_id, since, until, because FROM quarantine ORDER BY until, message_id LIMIT ?", (limit,)
        )
        places: dict[int, tuple[int, set[str]]] = {}
        for message_id, placement_id, address in select_in(
            "SELECT p.message_id, p.id, b.address FROM placement p JOIN archive_folder f ON f.id = p.folder_id"
            " JOIN archive_mailbox b ON b.id = f.mailbox_id WHERE p.message_id IN ({values})",
            [row[0] for row in rows],
        ):
            places.setdefault(message_id, (placement_id, set()))[1].add(address)
    return [
        QuarantinedRow(places[id][0], ", ".join(sorted(places[id][1])), from_micros(since), from_micros(until), because)
        for id, since, until, because in rows
    ]


def purged(limit: int = 1000) -> list[PurgedRow]:
    """Records of what was purged, the latest first."""
    rows = select(
        "SELECT id, size, received, mailboxes, because, quarantined, purged FROM purge_record"
        " ORDER BY purged DESC, id DESC LIMIT ?",
        (limit,),
    )
    return [
        PurgedRow(
            id, size, moment_at(received), ", ".join(json.loads(boxes)), because,
            from_micros(since), from_micros(at),
        )
        for id, size, received, boxes, because, since, at in rows
    ]  # fmt: skip


@needs(Role.DESTRUCTIVE)
def purge_now(packs: Packs, site: SiteRow, index: Path, *, what_if: bool = False) -> PurgeReport:
    """Both stages of the purge, as the engine's housekeeping does them; quarantine is never cut short.

    What is purged leaves the search index (of that file) too, which a running engine does by itself. With `what_if`
    only what that would be; nothing is changed.
    """
    if what_if:
        return Purge(packs, site.code).foresee()
    report = Purge(packs, site.code).run()
    audit("run purge", ARCHIVE, after=f"{report.set_aside} set aside, {report.purged} purged")
    if report.purged and index.exists() and not queries.engine_holder(site.code):
        keeper = Indexing(packs, index)
        keeper.run(above=0)
        keeper.expunge()
    return report


def _subject(mailbox_id: int | None) -> str:
    return ARCHIVE if mailbox_id is None else mailbox_subject(mailbox_id)


def _is_of(mailbox_id: int | None) -> Any:
    column = RetentionSetting.mailbox
    return column.is_null() if mailbox_id is None else column == mailbox_id


def _settings(row: RetentionSetting) -> RetentionSettings:
    return RetentionSettings.model_construct(**{name: getattr(row, name) for name in RetentionSettings.model_fields})


def _scope(mailbox_id: int | None, message_id: int | None, search: HoldSearch | None) -> HoldScope:
    if message_id is not None:
        return HoldScope.MESSAGE
    if search is not None:
        return HoldScope.SEARCH
    return HoldScope.ARCHIVE if mailbox_id is None else HoldScope.MAILBOX


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
