"""The stub registry for people: what was stubbed where, when, by which definition, and what that saves."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mse_tui.archive.statements import select
from mse_tui.archive.stubs import StubState
from mse_tui.reasons import Problem, Reason
from mse_tui.store.models import from_micros, moment_at

_PAGE = 500
_LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class StubRow:
    """One stub."""

    id: int
    key: str
    mailbox_id: int
    address: str
    folder: str | None
    """Where it lay when it was stubbed, names joined by / as they are now; None: withheld, as with the next two."""
    placement_id: int | None
    """The number by which the archive's commands know the original where it lay."""
    subject: str | None
    sender: str | None
    definition: str
    action: str
    state: StubState
    true_size: int
    stub_size: int
    began: datetime
    ended: datetime | None
    links: int
    """Links that hold."""
    retrievals: int
    deleted_by: str
    """The managed folders definition that has deleted it where it lay; '' where none has."""

    @property
    def state_said(self) -> str:
        """The state in words: a stub that is gone as a policy wanted it is not just lost."""
        by = f", deleted by the definition {self.deleted_by!r}" if self.deleted_by else ""
        return f"{self.state}{by}" if self.state is StubState.LOST else str(self.state)

    @property
    def saved(self) -> int:
        """Bytes that the mailbox has free because of it, now."""
        if self.state is StubState.DELETED:
            return self.true_size
        return max(0, self.true_size - self.stub_size) if self.state is StubState.COMPLETE else 0


@dataclass(frozen=True, slots=True)
class StubFilter:
    """Which stubs are meant; everything that is given holds together."""

    mailbox_id: int | None = None
    definition: str = ""
    states: Sequence[StubState] = ()
    """Empty: all."""
    text: str = ""
    """Part of the subject, the sender or the archive id, any case."""
    folder_id: int | None = None
    """The archive's folder that it lay in."""
    in_contents: bool = True
    """Text is looked for in the subject and the sender; else in the archive id alone."""
    ids: Sequence[int] | None = None
    """Their numbers; None: all."""

    def conditions(self) -> tuple[str, list[Any]]:
        """As SQL, with its parameters."""
        found: list[str] = []
        values: list[Any] = []
        for condition, value in (
            ("s.mailbox_id = ?", self.mailbox_id),
            ("s.definition = ?", self.definition or None),
            ("s.folder_id = ?", self.folder_id),
        ):
            if value is not None:
                found.append(condition)
                values.append(value)
        if self.states:
            found.append(f"s.state IN ({', '.join('?' * len(self.states))})")
            values += [str(each) for each in self.states]
        if self.text:
            columns = ("m.subject", "m.sender", "s.key") if self.in_contents else ("s.key",)
            found.append("(" + " OR ".join(f"INSTR(CASEFOLD({each}), ?)" for each in columns) + ")")
            values += [self.text.casefold()] * len(columns)
        if self.ids is not None:
            found.append("s.id IN (SELECT value FROM json_each(?))")
            values.append(json.dumps(list(self.ids)))
        return " AND ".join(found) or "1 = 1", values


@dataclass(frozen=True, slots=True)
class StubTotals:
    """What all stubs that are meant come to."""

    stubs: int
    saved: int


_FROM = " FROM stub s JOIN message m ON m.id = s.message_id JOIN archive_mailbox b ON b.id = s.mailbox_id"
_COLUMNS = (
    "SELECT s.id, s.key, s.mailbox_id, b.address,"
    " COALESCE((WITH RECURSIVE up(parent_id, path, depth) AS ("
    "  SELECT p.parent_id, p.name, 1 FROM folder_place p JOIN archive_folder f ON f.id = p.folder_id"
    "   WHERE p.folder_id = s.folder_id AND p.closed IS NULL"
    "   AND f.distinguished NOT IN ('msgfolderroot', 'archivemsgfolderroot')"
    "  UNION ALL SELECT p.parent_id, p.name || '/' || up.path, depth + 1 FROM up"
    "   JOIN folder_place p ON p.folder_id = up.parent_id AND p.closed IS NULL"
    "   JOIN archive_folder f ON f.id = p.folder_id"
    "   WHERE f.distinguished NOT IN ('msgfolderroot', 'archivemsgfolderroot') AND depth < 300"  # an end to cycles
    " ) SELECT path FROM up ORDER BY depth DESC LIMIT 1), ''),"
    " (SELECT COALESCE(MAX(CASE WHEN x.remote_id = s.remote_id THEN x.id END), MAX(x.id)) FROM placement x"
    "  JOIN archive_folder f ON f.id = x.folder_id WHERE x.message_id = s.message_id AND f.mailbox_id = s.mailbox_id),"
    " m.subject,"
    " m.sender, s.definition, s.action, s.state, s.true_size, s.stub_size, s.began, s.ended,"
    " (SELECT COUNT(*) FROM stub_link l WHERE l.stub_id = s.id AND l.revoked IS NULL),"
    " (SELECT COALESCE(SUM(l.retrievals), 0) FROM stub_link l WHERE l.stub_id = s.id),"
    " COALESCE((SELECT e.definition_name FROM expiry e WHERE e.message_id = s.message_id"
    "  AND e.mailbox_id = s.mailbox_id AND e.remote_id = s.remote_id AND e.state IN ('deleted', 'restored')"
    "  ORDER BY e.id DESC LIMIT 1), '')"
)


def stub_rows(wanted: StubFilter, offset: int = 0, limit: int = 100) -> list[StubRow]:
    """A page of the stubs that are meant, latest first."""
    condition, values = wanted.conditions()
    rows = select(f"{_COLUMNS}{_FROM} WHERE {condition} ORDER BY s.id DESC LIMIT ? OFFSET ?", [*values, limit, offset])
    return [_row(each) for each in rows]


def every_stub(wanted: StubFilter) -> Iterator[StubRow]:
    """All stubs that are meant, latest first."""
    condition, values = wanted.conditions()
    sql = f"{_COLUMNS}{_FROM} WHERE ({condition}) AND s.id < ? ORDER BY s.id DESC LIMIT {_PAGE}"
    last = _LARGEST
    while rows := select(sql, [*values, last]):
        yield from map(_row, rows)
        last = rows[-1][0]


def stub_row(text: str) -> StubRow:
    """The stub with this number or archive id. Raises Problem not-found."""
    named = text.strip()
    number = int(named) if named.isdecimal() and len(named) < len(str(_LARGEST)) else 0
    rows = select(f"{_COLUMNS}{_FROM} WHERE s.key = ? OR s.id = ?", [named, number])
    if not rows:
        raise Problem(Reason.NOT_FOUND, f"There is no stub {text!r}.", "mse-tui stub list shows what there is.")
    return _row(rows[0])


def stub_definitions() -> set[str]:
    """Names of the definitions that have stubbed something."""
    return {name for (name,) in select("SELECT DISTINCT definition FROM stub", [])}


def stub_totals(wanted: StubFilter) -> StubTotals:
    """How many stubs are meant, and what they save."""
    condition, values = wanted.conditions()
    rows = select(
        "SELECT COUNT(*), COALESCE(SUM(CASE WHEN s.state = 'deleted' THEN s.true_size"
        " WHEN s.state = 'complete' AND s.true_size > s.stub_size THEN s.true_size - s.stub_size ELSE 0 END), 0)"
        f"{_FROM} WHERE {condition}",
        values,
    )
    return StubTotals(int(rows[0][0]), int(rows[0][1]))


def _row(values: Sequence[Any]) -> StubRow:
    named = dict(zip(StubRow.__dataclass_fields__, values, strict=True))
    named["state"] = StubState(named["state"])
    named["began"] = from_micros(named["began"])
    named["ended"] = moment_at(named["ended"])
    return StubRow(**named)
