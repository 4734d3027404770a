"""Who may open one archive: grants by hand and from Exchange, with why; grant, revoke, explain."""

from collections.abc import Iterable, Iterator, Sequence

from pydantic import BaseModel, ConfigDict, Field
from textual import on, work
from textual.widget import Widget
from textual.widgets import Static

from mse_tui.access.grants import Change, Grant, changes, grants
from mse_tui.access.rights import Origin, Right
from mse_tui.actions.archive_access import Asked, Explanation, explain_access, grant_access, revoke_access
from mse_tui.actions.contents import shown_grants
from mse_tui.actions.naming import mailbox_address
from mse_tui.archive.views import MailboxView
from mse_tui.screens.dialogs import Choice, FactsDialog, Question
from mse_tui.screens.form_screen import FormScreen
from mse_tui.screens.live import LiveScreen
from mse_tui.screens.roles import leads_to
from mse_tui.screens.several import Outcome, each, show_refused
from mse_tui.text import printable
from mse_tui.widgets.commands import ACCESS_CHANGES, ACCESS_EXPLAIN, ACCESS_GRANT, ACCESS_REVOKE, FILTERING
from mse_tui.widgets.lines import Cell, Column, Fact, Line, Tone, line
from mse_tui.widgets.paged_list import PagedList
from mse_tui.widgets.wording import absolute, count

_LISTED_CHANGES = 200


class GrantSettings(BaseModel):
    """What is asked beside the person's address."""

    model_config = ConfigDict(frozen=True)

    folder: str = Field("", title="Folder", description="Its path, as Inbox/Offers; empty for the whole archive.")
    below: bool = Field(False, title="And below", description="The folder's subfolders too, also those to come.")
    right: Right = Field(Right.READ, title="May see", description="All items, or only that the folder is there.")
    denies: bool = Field(False, title="Deny", description="Keep the person out, whatever else lets them in.")


class GrantForm(FormScreen):
    """Asks who is to see what; answers the grant."""

    NAME_TITLE = "Address"


class AccessScreen(LiveScreen[list[Grant]]):
    """The grants of one archive."""

    KEYS = (ACCESS_GRANT, ACCESS_REVOKE, ACCESS_EXPLAIN, ACCESS_CHANGES, *FILTERING)
    FOR_A_LINE = (ACCESS_REVOKE,)
    MARKS = True
    PLACE = "archive"
    HELP_TEXT = (
        "The owner sees all of the archive; others by these grants, and private items never. A denial beats every"
        " grant. What comes from Exchange is kept in step by a Mailbox Permissions Sync task; what is granted by hand"
        " no task touches."
    )

    def __init__(self, mailbox: MailboxView) -> None:
        super().__init__()
        self._mailbox = mailbox

    def body(self) -> Iterable[Widget]:
        """The title and the grants."""
        yield Static("", classes="title", id="title", markup=False)
        yield PagedList(
            (
                Column("Person", 26, grows=True),
                Column("May see", 7),
                Column("Of", 17),
                Column("Comes from", 20, 2),
                Column("Since", 16, 4),
                Column("By", 16, 5),
            ),
            id="grants",
            empty=" Only the owner may open this archive. Press c to let somebody else in.",
        )

    def load(self) -> list[Grant]:
        """All of them."""
        return shown_grants(grants(mailbox_id=self._mailbox.id))

    def show(self, data: list[Grant]) -> None:
        """The whole archive first, then by folder."""
        people = {row.person for row in data}
        text = f"Access to the archive of {self._mailbox.address}: {count(len(data), 'grant')}"
        named = f" to {count(len(people), 'person', 'people')}" if data else ""
        self.query_one("#title", Static).update(printable(text + named))
        self.query_one("#grants", PagedList).set_lines([_line(row) for row in data])

    @on(PagedList.Opened)
    def _open(self, event: PagedList.Opened) -> None:
        row = next((row for row in self.shown or () if str(row.id) == event.line.key), None)
        if row is not None:
            self.tui.show_facts(row.person, list(_facts(row)), (ACCESS_EXPLAIN, ACCESS_REVOKE))

    @leads_to(grant_access)
    @work(exclusive=True, group="ask")
    async def action_access_grant(self) -> None:
        """Fill in a form, then grant or deny."""

        def save(address: str, settings: BaseModel) -> Grant:
            assert isinstance(settings, GrantSettings)
            return grant_access(Asked(mailbox_address(address), self._mailbox, **settings.model_dump()))

        await self.app.push_screen_wait(GrantForm(f"Who may see {self._mailbox.address}?", GrantSettings, save))
        self.reload()

    @leads_to(revoke_access)
    @work(exclusive=True, group="ask")
    async def action_access_revoke(self) -> None:
        """Ask, then take back those that were given by hand; of the others say where they come from."""
        rows = {str(row.id): row for row in self.shown or ()}
        chosen = [rows[one.key] for one in self.query_one("#grants", PagedList).chosen if one.key in rows]
        if any(row.origin is Origin.MANUAL for row in chosen) and not await self._is_to_revoke(chosen):
            return
        self.tui.act(lambda: each(chosen, lambda row: revoke_access(row.id)), self._revoked)

    async def _is_to_revoke(self, rows: Sequence[Grant]) -> bool:
        said = [f"{row.person} {'is denied' if row.denies else 'may see'}" for row in rows]
        title, text, names = f"Take back what {said[0]}?", rows[0].scope, list[str]()
        if len(rows) > 1:
            title, text = f"Take back {count(len(rows), 'grant')}?", ""
            names = [f"{each_said} {row.scope}" for each_said, row in zip(said, rows, strict=True)]
        choices = [("Cancel", False), ("Revoke", True)]
        return bool(await self.app.push_screen_wait(Choice(title, text, choices, names=names)))

    def _revoked(self, outcome: Outcome[Grant]) -> None:
        self.query_one("#grants", PagedList).unmark({str(row.id) for row in outcome.done})
        show_refused(self.tui, outcome, lambda row: row.person)

    @leads_to(explain_access)
    @work(exclusive=True, group="ask")
    async def action_access_explain(self) -> None:
        """Ask whose access, then say what it is and why."""
        current = self.query_one("#grants", PagedList).current
        at_cursor = next((row.person for row in self.shown or () if current and str(row.id) == current.key), "")
        text = "By address or sign-in name. What the person may see of this archive is shown, and which grants say so."
        address = await self.app.push_screen_wait(Question("Whose access?", text, at_cursor))
        if address:
            self.tui.act(lambda: explain_access(mailbox_address(address), self._mailbox), self._explained)

    def _explained(self, found: Explanation) -> None:
        facts = [Fact("In short", found.verdict), Fact("")]
        facts += [Fact(_right(row), f"{row.scope}: {row.reason}, since {absolute(row.since)}")
                  for row in found.because]  # fmt: skip
        self.app.push_screen(FactsDialog(f"{found.person} and {found.mailbox}", facts))

    def action_access_changes(self) -> None:
        """What came, went and changed."""

        def read() -> list[Change]:
            return shown_grants(changes(mailbox=self._mailbox.address, limit=_LISTED_CHANGES))

        self.tui.act(read, self._show_changes)

    def _show_changes(self, rows: list[Change]) -> None:
        facts = [
            Fact(
                absolute(row.moment),
                f"{row.what}{' (dry run)' if row.dry_run else ''}: {row.person}, {row.path or 'whole archive'},"
                f" {'denied' if row.denies else row.right}; {row.source or row.origin} by {row.who}",
                Tone.DIM if row.dry_run else Tone.PLAIN,
            )
            for row in rows
        ]
        title = f"Changes of access to {self._mailbox.address}"
        self.app.push_screen(FactsDialog(title, facts or [Fact("Nothing has changed yet.")]))


def _line(row: Grant) -> Line:
    return line(
        row.id,
        Cell(row.person, Tone.STRONG),
        Cell(_right(row), Tone.BAD if row.denies else Tone.PLAIN),
        row.scope,
        Cell(row.reason, Tone.ACCENT if row.origin is Origin.MANUAL else Tone.DIM),
        Cell(absolute(row.since), Tone.DIM),
        Cell(row.granted_by, Tone.DIM),
        copies=row.person,
    )


def _facts(row: Grant) -> Iterator[Fact]:
    yield Fact("May see", _right(row), Tone.BAD if row.denies else Tone.PLAIN)
    yield Fact("Of", row.scope)
    yield Fact("Comes from", row.reason)
    yield Fact("Since", absolute(row.since))
    yield Fact("By", row.granted_by)


def _right(row: Grant) -> str:
    return "DENIED" if row.denies else row.right.value
