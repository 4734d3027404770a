"""The parts of a site's text that are about the site as a whole and about how long its archive keeps."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ConfigDict

from mse_tui.actions.maintenance import set_maintenance_windows, valid_windows
from mse_tui.actions.retention import RetentionSettings, all_settings, effective_limits, set_retention, settings_of
from mse_tui.actions.sites import disable_site, enable_site
from mse_tui.actions.steps import Change, Doing, Step, differences
from mse_tui.archive import views
from mse_tui.archive.retention import Limits
from mse_tui.store import queries

_THE_SITE = "of the site"
_THE_ARCHIVE = "of the archive"


class OwnText(BaseModel):
    """[site]"""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = True


class MaintenanceText(BaseModel):
    """[maintenance]"""

    model_config = ConfigDict(extra="forbid", frozen=True)

    windows: tuple[str, ...] = ()


class RetentionText(RetentionSettings):
    """[[retention]]: the archive's, or one mailbox's own."""

    mailbox: str = ""
    """Address; '' for the archive as a whole."""


def own_values() -> dict[str, Any]:
    """What the site's text says of the site as a whole."""
    site = queries.sites()[0]
    return {
        "site": {"enabled": site.enabled},
        "maintenance": {"windows": list(site.maintenance_windows)},
        "retention": [
            {**({"mailbox": row.address} if row.address else {}), **values}
            for row in all_settings()
            if (values := row.settings.model_dump(exclude_none=True))
        ],
    }


def site_steps(wanted: OwnText) -> Iterator[Doing]:
    """Enable or disable the site."""
    site = queries.sites()[0]
    if site.enabled == wanted.enabled:
        return
    step = Step(Change.CHANGE, "site", site.description, {"enabled": (site.enabled, wanted.enabled)})
    yield Doing(step, lambda: (enable_site if wanted.enabled else disable_site)(site.id))


def maintenance_steps(wanted: MaintenanceText) -> Iterator[Doing]:
    """The weekly windows."""
    site = queries.sites()[0]
    windows = valid_windows(wanted.windows)
    if changed := differences({"windows": site.maintenance_windows}, {"windows": windows}):
        step = Step(Change.CHANGE, "maintenance", _THE_SITE, changed)
        yield Doing(step, lambda: set_maintenance_windows(site.id, windows))


def retention_steps(texts: Sequence[RetentionText]) -> Iterator[Doing]:
    """The archive's settings, then those of mailboxes; of one that is not archived yet, later."""
    known = {each.address.casefold(): each.id for each in views.mailboxes()}
    for wanted in sorted(texts, key=lambda each: bool(each.mailbox)):
        settings = RetentionSettings.model_validate(wanted.model_dump(exclude={"mailbox"}))
        mailbox_id = known.get(wanted.mailbox.strip().casefold()) if wanted.mailbox else None
        values = settings.model_dump()
        if wanted.mailbox and mailbox_id is None:
            why = "the archive has no such mailbox yet; apply the text again when it is archived"
            unknown = Step(Change.LATER, "retention", wanted.mailbox, differences({}, values), why)
            yield Doing(unknown, lambda: None)
        elif changed := differences(settings_of(mailbox_id).model_dump(), values):
            yield _retention(wanted.mailbox, mailbox_id, settings, changed)


def _retention(
    address: str, mailbox_id: int | None, settings: RetentionSettings, changed: dict[str, tuple[Any, Any]]
) -> Doing:
    step = Step(Change.CHANGE, "retention", address or _THE_ARCHIVE, changed)
    before = effective_limits(mailbox_id)
    if _limits(settings, effective_limits() if address else Limits()).is_shorter_than(before):
        step = replace(step, question=f"let {address or 'the archive'} keep for a shorter time than now")
    if settings.default_days is not None:
        step = replace(step, why="what the default purges needs a second person's approval, which no text gives")
    return Doing(step, lambda: set_retention(settings, None if mailbox_id is None else str(mailbox_id)))


def _limits(settings: RetentionSettings, otherwise: Limits) -> Limits:
    """What would hold by these settings, where they say nothing by the others."""
    return Limits(
        minimum_days=otherwise.minimum_days if settings.minimum_days is None else settings.minimum_days,
        quarantine_days=otherwise.quarantine_days if settings.quarantine_days is None else settings.quarantine_days,
    )
