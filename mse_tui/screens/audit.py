"""The audit: who did what, newest first; what was before and after; whether anybody has been at it."""

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from textual import on
from textual.widget import Widget
from textual.widgets import Static

from mse_tui.access.audit_chain import Verification
from mse_tui.actions import audit as audit_actions
from mse_tui.screens.dialogs import Notice
from mse_tui.screens.live import LiveScreen
from mse_tui.screens.roles import leads_to
from mse_tui.store import queries
from mse_tui.store.queries import AuditRow
from mse_tui.widgets.commands import AUDIT_VERIFY, AUDIT_WHO, FINDING
from mse_tui.widgets.lines import Cell, Column, Fact, Line, Tone, line
from mse_tui.widgets.paged_list import PagedList
from mse_tui.widgets.wording import absolute, count, relative

_COLUMNS = (
    Column("When", 16),
    Column("", 12, 4),
    Column("Who", 18),
    Column("What", 18),
    Column("Whom or what", 18, grows=True),
)
_WHO = next(number for number, column in enumerate(_COLUMNS) if column.title == "Who")


class AuditScreen(LiveScreen[int]):
    """Every change, command and look, newest first; read page by page."""

    KEYS = (AUDIT_VERIFY, AUDIT_WHO, *FINDING)
    FOR_A_LINE = (AUDIT_WHO,)
    PLACE = "audit"
    HELP_TEXT = (
        "Who did what: every create, change, removal, command, approval, retrieval, export and look into an archive."
        " Enter shows what was before and after; V checks that nobody has changed an entry since; w narrows to the"
        " person under the cursor and back."
    )

    def __init__(self) -> None:
        super().__init__()
        self._who = ""

    def body(self) -> Iterable[Widget]:
        """The title and the list."""
        yield Static("Audit", classes="title", id="title", markup=False)
        yield PagedList(
            _COLUMNS,
            id="entries",
            empty=" No entries.",
        )

    def load(self) -> int:
        """How many there are. Raises Problem role-missing."""
        audit_actions.may_see()
        return queries.audit_count(self._who)

    def show(self, data: int) -> None:
        """The list fetches what is seen of them."""
        by = f" by {self._who}" if self._who else ""
        self.query_one("#title", Static).update(f"Audit: {count(data, 'entry', 'entries')}{by}")
        self.query_one("#entries", PagedList).set_pages(data, self._page)

    def _page(self, offset: int, limit: int) -> Sequence[Line]:
        now = self.now
        return [
            line(
                row.id,
                absolute(row.moment),
                Cell(f"({relative(row.moment, now)})", Tone.DIM),
                Cell(row.who, Tone.STRONG),
                row.action,
                row.subject,
            )
            for row in queries.audit(limit, offset, self._who)
        ]

    @on(PagedList.Opened, "#entries")
    def _open(self, event: PagedList.Opened) -> None:
        self.tui.act(partial(queries.audit_entry, int(event.line.key)), self._show_entry)

    def _show_entry(self, row: AuditRow | None) -> None:
        if row is not None:
            self.tui.show_facts(f"{row.action}: {row.subject}", list(_facts(row)))

    def show_all(self) -> None:
        """Everybody's entries."""
        if self._who:
            self.action_audit_who()

    def action_audit_who(self) -> None:
        """Only the entries of the person under the cursor; again: everybody's."""
        found = self.query_one("#entries", PagedList)
        current = found.current
        self._who = "" if self._who or current is None else current.cells[_WHO].text
        found.forget_pages()
        self.reload()

    @leads_to(audit_actions.verify)
    def action_audit_verify(self) -> None:
        """Walk along the chain, in a thread."""
        self.tui.act(audit_actions.verify, self._verified)

    def _verified(self, found: Verification) -> None:
        if found.clean:
            text = f"{count(found.checked, 'entry', 'entries')}, as they were written.\nHead: {found.head.digest}"
            self.app.push_screen(Notice("The audit is whole", text))
        else:
            text = (
                f"Entry {found.broken_at} does not follow from those before it: somebody has changed the database by"
                " other means than mse-tui. Compare it with its backups."
            )
            self.app.push_screen(Notice("The audit is not as it was written", text))


def _facts(row: AuditRow) -> Iterator[Fact]:
    yield Fact("When", absolute(row.moment))
    yield Fact("Who", row.who)
    yield Fact("What", row.action)
    yield Fact("Whom or what", row.subject)
    for label, text in (("Before", row.before), ("After", row.after)):
        if text:
            yield Fact("")
            yield Fact(label)
            yield from _values(text)


def _values(text: str) -> Iterator[Fact]:
    try:
        values = json.loads(text)
    except ValueError:
        values = text
    if not isinstance(values, dict):
        yield Fact("", str(values))
        return
    for key, value in values.items():
        yield Fact(key.replace("_", " "), value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
