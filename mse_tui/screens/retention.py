"""Retention & holds: settings, litigation holds, approvals of purges, and what the purge set aside and did."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from pydantic import BaseModel
from textual import on, work
from textual.widget import Widget
from textual.widgets import ContentSwitcher, Static

from mse_tui.access.roles import Role, needed
from mse_tui.actions import approvals, holds, purging, retention
from mse_tui.actions.approvals import Awaiting
from mse_tui.actions.archive_reading import explain
from mse_tui.actions.checks import settings_model
from mse_tui.actions.holds import NewHold
from mse_tui.actions.naming import archived_mailbox
from mse_tui.actions.purging import PurgedRow, PurgeTotals, QuarantinedRow
from mse_tui.actions.retention import RetentionSettings, SettingRow
from mse_tui.archive.holds import HoldRow
from mse_tui.screens.dialogs import Choice, FactsDialog, Inspection
from mse_tui.screens.form_screen import FormScreen
from mse_tui.screens.live import LiveScreen
from mse_tui.screens.roles import leads_to
from mse_tui.terms import TaskType
from mse_tui.widgets.commands import (
    APPROVE,
    CREATE_RETENTION,
    EDIT_RETENTION,
    FILTERING,
    LIFT,
    TAB_NEXT,
    TAB_PREVIOUS,
    Command,
)
from mse_tui.widgets.lines import Cell, Column, Fact, Line, Tone, line
from mse_tui.widgets.paged_list import PagedList
from mse_tui.widgets.settings_facts import said, settings_facts
from mse_tui.widgets.tabs import TabLine
from mse_tui.widgets.wording import absolute, number, size

_TABS = (
    ("settings", "Settings"), ("holds", "Holds"), ("approvals", "Approvals"), ("quarantine", "Quarantine"),
    ("purged", "Purged"),
)  # fmt: skip
_NAMES = tuple(name for name, _ in _TABS)


@dataclass(frozen=True, slots=True)
class Shown:
    """All five tabs, from one reading."""

    settings: Sequence[SettingRow]
    in_force: str
    holds: Sequence[HoldRow]
    covered: Mapping[int, str]
    """What each hold covers, in words."""
    approvals: Sequence[Awaiting]
    quarantine: Sequence[QuarantinedRow]
    purged: Sequence[PurgedRow]
    totals: PurgeTotals

    def cut(self, tab: str) -> str:
        """What is said where a tab lists less than there is; '' where it lists all."""
        rows, total = {
            "quarantine": (self.quarantine, self.totals.quarantined),
            "purged": (self.purged, self.totals.purged),
        }.get(tab, ((), 0))
        return f"the first {number(len(rows))} of {number(total)}" if len(rows) < total else ""


class HoldForm(FormScreen):
    """A hold is called by its matter."""

    NAME_TITLE = "Matter"


class SettingsForm(FormScreen):
    """Settings are a mailbox's, or with none named the archive's."""

    NAME_TITLE = "Mailbox"


def _to_create(screen: "RetentionScreen") -> frozenset[Role]:
    return needed(holds.place_hold if screen.tab == "holds" else retention.set_retention)


class RetentionScreen(LiveScreen[Shown]):
    """How long the archive keeps, what it must keep, and what it lets go."""

    KEYS = (CREATE_RETENTION, EDIT_RETENTION, APPROVE, LIFT, TAB_NEXT, TAB_PREVIOUS, *FILTERING)
    PLACE = "retention"
    HELP_TEXT = (
        "Retention: the archive's minimum, maximum and default, and those of mailboxes. Holds: what is never deleted or"
        " purged while they stand. Approvals: what purges needs a second person; any edit voids it. Quarantine: what is"
        " due, and when it is gone for good. Purged: the records. Left and right change the tab."
    )

    def __init__(self) -> None:
        super().__init__()
        self.tab = "settings"

    def body(self) -> Iterable[Widget]:
        """Title, tabs, a list a tab."""
        yield Static("Retention & holds", classes="title", id="title", markup=False)
        yield TabLine(_TABS, self.tab)
        with ContentSwitcher(initial=self.tab):
            yield PagedList(
                (
                    Column("For", 26, grows=True), Column("Minimum", 8, right=True), Column("Maximum", 8, right=True),
                    Column("Default", 8, right=True), Column("Quarantine", 10, right=True), Column("Purges", 12),
                    Column("Modified", 16, 3), Column("By", 12, 4),
                ),
                id="settings",
                empty=" The archive keeps everything. Press e to set a minimum, maximum or default; c for one mailbox.",
            )  # fmt: skip
            yield PagedList(
                (
                    Column("Id", 4, right=True), Column("Matter", 20, grows=True), Column("Covers", 32, grows=True),
                    Column("Placed", 16, 3), Column("By", 12, 4), Column("Lifted", 16, 2),
                ),
                id="holds",
                empty=" No holds. Press c to place one.",
            )  # fmt: skip
            yield PagedList(
                (
                    Column("What lets the archive purge", 34, grows=True), Column("Approved", 12),
                    Column("Author", 14, 2), Column("Last editor", 14, 2),
                ),
                id="approvals",
                empty=" Nothing lets the archive purge.",
            )  # fmt: skip
            yield PagedList(
                (
                    Column("Message", 8, right=True), Column("Mailboxes", 26, grows=True), Column("Set aside", 16, 3),
                    Column("Gone on", 16), Column("Because", 30, 2, grows=True),
                ),
                id="quarantine",
                empty=" No message is set aside for its purge.",
            )  # fmt: skip
            yield PagedList(
                (
                    Column("Purged", 16), Column("Mailboxes", 26, grows=True), Column("Received", 16, 3),
                    Column("Size", 10, 3, right=True), Column("Because", 30, 2, grows=True),
                ),
                id="purged",
                empty=" Nothing was ever purged.",
            )  # fmt: skip

    def on_mount(self) -> None:
        """The list has the cursor."""
        super().on_mount()
        self._show_tab(self.tab)

    def load(self) -> Shown:
        """Everything."""
        limits = retention.effective_limits()
        default = "never purged" if limits.default_days is None else f"purged after {limits.default_days} days"
        in_force = f"by default {default}, quarantine {limits.quarantine_days} days"
        every_hold = holds.all_holds(lifted=True)
        covered = {row.id: holds.what_it_covers(row) for row in every_hold}
        return Shown(
            retention.all_settings(), in_force, every_hold, covered, approvals.awaiting(),
            purging.quarantined(), purging.purged(), purging.purge_totals(),
        )  # fmt: skip

    def show(self, data: Shown) -> None:
        """All lists."""
        self._show_title()
        self.query_one("#settings", PagedList).set_lines([_setting_line(row) for row in data.settings])
        self.query_one("#holds", PagedList).set_lines([_hold_line(row, data.covered[row.id]) for row in data.holds])
        self.query_one("#approvals", PagedList).set_lines([_approval_line(row) for row in data.approvals])
        self.query_one("#quarantine", PagedList).set_lines([_quarantine_line(row) for row in data.quarantine])
        self.query_one("#purged", PagedList).set_lines([_purged_line(row) for row in data.purged])

    def _show_title(self) -> None:
        if self.shown is not None:
            cut = self.shown.cut(self.tab)
            self.query_one("#title", Static).update(f"Retention & holds: {cut or self.shown.in_force}")

    def absent(self) -> frozenset[str]:
        """Each tab has commands of its own."""
        approval, hold = self._approval, self._hold
        nothing = set[Command]()
        if approval is None or approval.approved:
            nothing.add(APPROVE)
        if not ((approval is not None and approval.approved) or (hold is not None and hold.lifted is None)):
            nothing.add(LIFT)
        if self.tab not in ("settings", "holds"):
            nothing.add(CREATE_RETENTION)
        if self.tab != "settings":
            nothing.add(EDIT_RETENTION)
        return super().absent() | {one.id for one in nothing}

    # --- commands ------------------------------------------------------------------------------------------------

    @leads_to(roles=_to_create)
    def action_create_retention(self) -> None:
        """A hold, or the settings of a mailbox."""
        if self.tab == "holds":
            self.app.push_screen(HoldForm("Place a litigation hold", NewHold, _place))
        else:
            self.app.push_screen(_settings_form("", RetentionSettings.model_validate({})))

    @leads_to(retention.set_retention)
    def action_edit_retention(self) -> None:
        """The settings under the cursor; the archive's where there are none."""
        row = self._setting
        settings = row.settings if row is not None else RetentionSettings.model_validate({})
        self.app.push_screen(_settings_form(row.address if row else "", settings))

    @leads_to(approvals.approve)
    @work(exclusive=True, group="ask")
    async def action_approve(self) -> None:
        """Show what it says and ask, approve."""
        if (row := self._approval) is None:
            return
        text = f"Written by {row.author}, last changed by {row.editor}. Any edit voids the approval."
        choices = [("Cancel", False), ("Approve it as it is", True)]
        if await self.app.push_screen_wait(Inspection(f"Approve {row.label}?", _content_facts(row), text, choices)):
            self.tui.act(partial(approvals.approve, row.subject, row.content.digest))

    @leads_to(holds.lift_hold, approvals.withdraw_approval)
    @work(exclusive=True, group="ask")
    async def action_lift(self) -> None:
        """Ask, then lift the hold, or withdraw the approval."""
        if self.tab == "approvals" and (approval := self._approval) is not None and approval.approved:
            choices = [("Cancel", False), ("Withdraw", True)]
            title = f"Withdraw the approval of {approval.label}?"
            if await self.app.push_screen_wait(Choice(title, "Nothing of it is purged any more.", choices)):
                self.tui.act(partial(approvals.withdraw_approval, approval.subject))
        elif self.tab == "holds" and (hold := self._hold) is not None and hold.lifted is None:
            text = "What it covers may then be deleted from mailboxes and purged from the archive again."
            choices = [("Cancel", False), ("Lift", True)]
            if await self.app.push_screen_wait(Choice(f"Lift the hold {hold.name!r}?", text, choices, warning=True)):
                self.tui.act(partial(holds.lift_hold, hold.id))

    @on(PagedList.Opened, "#settings")
    def _open_settings(self) -> None:
        self.action_edit_retention()

    @on(PagedList.Opened, "#approvals")
    def _open_approval(self) -> None:
        if (row := self._approval) is not None:
            self.app.push_screen(FactsDialog(row.label, _content_facts(row)))

    @on(PagedList.Opened, "#holds")
    def _open_hold(self) -> None:
        if self.shown is not None and (row := self._hold) is not None:
            self.tui.show_facts(row.name, list(_hold_facts(row, self.shown.covered[row.id])), (LIFT,))

    @on(PagedList.Opened, "#purged")
    def _open_purged(self, event: PagedList.Opened) -> None:
        row = next((row for row in (self.shown.purged if self.shown else ()) if str(row.id) == event.line.key), None)
        if row is not None:
            self.tui.show_facts(f"Purged {absolute(row.purged)}", list(_purged_facts(row)))

    @on(PagedList.Opened, "#quarantine")
    @leads_to(explain)
    def _open_quarantined(self, event: PagedList.Opened) -> None:
        placement_id, now = int(event.line.key), self.now

        def show(lines: Sequence[tuple[str, str]]) -> None:
            self.app.push_screen(FactsDialog(f"Message {placement_id}", [Fact(name, text) for name, text in lines]))

        self.tui.act(lambda: explain(placement_id, self.tui.packs()).lines(now), show)

    def _key_in(self, tab: str) -> str:
        current = self.query_one(f"#{tab}", PagedList).current
        return current.key if current is not None and self.tab == tab else ""

    @property
    def _setting(self) -> SettingRow | None:
        key = self._key_in("settings")
        return next((row for row in (self.shown.settings if self.shown else ()) if row.subject == key), None)

    @property
    def _hold(self) -> HoldRow | None:
        key = self._key_in("holds")
        return next((row for row in (self.shown.holds if self.shown else ()) if str(row.id) == key), None)

    @property
    def _approval(self) -> Awaiting | None:
        key = self._key_in("approvals")
        return next((row for row in (self.shown.approvals if self.shown else ()) if row.subject == key), None)

    # --- tabs ----------------------------------------------------------------------------------------------------

    @on(TabLine.Chosen)
    def _tab_chosen(self, event: TabLine.Chosen) -> None:
        self._show_tab(event.name)

    def _show_tab(self, name: str) -> None:
        self.tab = name
        self.query_one(ContentSwitcher).current = name
        self.query_one(TabLine).present = name
        self.query_one(f"#{name}").focus()
        self._show_title()
        self.show_keys()

    def action_tab_next(self) -> None:
        """The next tab, around."""
        self._show_tab(_NAMES[(_NAMES.index(self.tab) + 1) % len(_NAMES)])

    def action_tab_previous(self) -> None:
        """The tab before, around."""
        self._show_tab(_NAMES[(_NAMES.index(self.tab) - 1) % len(_NAMES)])


def _content_facts(row: Awaiting) -> list[Fact]:
    """What is to be approved, setting by setting."""
    shown = dict(row.content.shown)
    settings = shown.pop("settings", {})
    facts = [Fact(name.replace("_", " ").capitalize(), said(value)) for name, value in shown.items()]
    if isinstance(settings, dict):
        facts += settings_facts(settings_model(TaskType.MANAGED_FOLDERS), settings)
    else:
        facts.append(Fact("Settings", str(settings)))
    return [*facts, Fact("Digest", row.content.digest)]


def _place(matter: str, hold: BaseModel) -> int:
    assert isinstance(hold, NewHold)
    if hold.mailbox.strip():
        hold = hold.model_copy(update={"mailbox": str(archived_mailbox(hold.mailbox).id)})
    return holds.place_hold(matter, hold)


def _settings_form(address: str, settings: RetentionSettings) -> FormScreen:
    """How long a mailbox keeps; the whole archive where no mailbox is named."""

    def save(mailbox: str, wanted: BaseModel) -> bool:
        assert isinstance(wanted, RetentionSettings)
        retention.set_retention(wanted, str(archived_mailbox(mailbox).id) if mailbox else None)
        return True

    title = "Retention: a mailbox's own, or with no mailbox the archive's"
    return SettingsForm(title, RetentionSettings, save, address, settings.model_dump())


def _setting_line(row: SettingRow) -> Line:
    settings = row.settings
    if settings.default_days is None:
        purges = Cell("no default", Tone.DIM)
    else:
        purges = Cell("approved", Tone.GOOD) if row.approved else Cell("NOT APPROVED", Tone.WARN)
    days = ["-" if value is None else f"{value} d" for value in settings.model_dump().values()]
    return line(
        row.subject, Cell(row.address or "the whole archive", Tone.STRONG), *days, purges,
        Cell(absolute(row.modified), Tone.DIM), Cell(row.modified_by, Tone.DIM),
    )  # fmt: skip


def _hold_line(row: HoldRow, covers: str) -> Line:
    tone = Tone.DIM if row.lifted else Tone.STRONG
    return line(
        row.id, number(row.id), Cell(row.name, tone), covers,
        Cell(absolute(row.placed), Tone.DIM), Cell(row.placed_by, Tone.DIM),
        Cell(absolute(row.lifted), Tone.DIM) if row.lifted else Cell("in force", Tone.WARN),
    )  # fmt: skip


def _hold_facts(row: HoldRow, covers: str) -> Iterator[Fact]:
    yield Fact("Covers", covers)
    yield Fact("Placed", f"{absolute(row.placed)} by {row.placed_by}")
    yield Fact("Lifted", absolute(row.lifted)) if row.lifted else Fact("Lifted", "no: in force", Tone.WARN)


def _purged_facts(row: PurgedRow) -> Iterator[Fact]:
    yield Fact("Mailboxes", row.mailboxes)
    yield Fact("Received", absolute(row.received))
    yield Fact("Size", size(row.size))
    yield Fact("Because", row.because)


def _approval_line(row: Awaiting) -> Line:
    approved = Cell("approved", Tone.GOOD) if row.approved else Cell("NOT APPROVED", Tone.WARN)
    return line(row.subject, Cell(row.label, Tone.STRONG), approved, row.author, row.editor)


def _purged_line(row: PurgedRow) -> Line:
    return line(
        row.id, absolute(row.purged), Cell(row.mailboxes, Tone.STRONG), absolute(row.received), size(row.size),
        row.because,
    )  # fmt: skip


def _quarantine_line(row: QuarantinedRow) -> Line:
    return line(
        row.placement_id, number(row.placement_id), Cell(row.mailboxes, Tone.STRONG),
        Cell(absolute(row.since), Tone.DIM), absolute(row.until), row.because,
    )  # fmt: skip
