"""How long the archive, or a mailbox of it, keeps what it has, as people rule it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mse_tui.access.roles import Role, needs
from mse_tui.actions.audit import audit, changes, who
from mse_tui.actions.checks import valid_settings
from mse_tui.archive import approvals, views
from mse_tui.archive.approvals import ARCHIVE, mailbox_subject
from mse_tui.archive.retention import LONGEST_DAYS, QUARANTINE_DAYS, Limits
from mse_tui.archive.verdicts import limits_of
from mse_tui.store.database import now, writing
from mse_tui.store.retention import RetentionSetting


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


def _subject(mailbox_id: int | None) -> str:
    return ARCHIVE if mailbox_id is None else mailbox_subject(mailbox_id)


def _is_of(mailbox_id: int | None) -> Any:
    column = RetentionSetting.mailbox
    return column.is_null() if mailbox_id is None else column == mailbox_id


def _settings(row: RetentionSetting) -> RetentionSettings:
    return RetentionSettings.model_construct(**{name: getattr(row, name) for name in RetentionSettings.model_fields})
