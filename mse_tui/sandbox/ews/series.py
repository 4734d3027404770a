"""A series of appointments and its occurrences, as rows that render like any item's."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cached_property
from itertools import islice
from typing import Any

from mse_tui.sandbox.ews.draft import Draft
from mse_tui.sandbox.ews.draft_reading import read_property
from mse_tui.sandbox.ews.recurrence import starts
from mse_tui.sandbox.ews.soap import EwsError
from mse_tui.sandbox.ews.values import from_store, parse_fragment, utc_text
from mse_tui.sandbox.ews.zones import zone_of
from mse_tui.sandbox.mailstore import MailStore
from mse_tui.sandbox.records import Row, stamp

RECURRENCE = "calendar:Recurrence"
_OF_THE_SERIES = (RECURRENCE,)


class OccurrenceRow(dict[str, Any]):
    """The row of one occurrence: its series' row with what is its own."""

    original_start: str = ""
    is_exception: bool = False

    @property
    def original_seconds(self) -> int:
        """The original start in seconds since 1970, as its id has it."""
        return int(from_store(self.original_start).timestamp())


@dataclass(frozen=True)
class Series:
    """A recurring master."""

    store: MailStore
    row: Row

    @cached_property
    def properties(self) -> dict[str, str]:
        """The kept properties by field URI."""
        found: dict[str, str] = json.loads(self.row["extra"]).get("p", {})
        return found

    @cached_property
    def recurrence(self) -> Any:
        """The Recurrence element."""
        return parse_fragment(self.properties[RECURRENCE])

    @cached_property
    def zone(self) -> tzinfo:
        """The zone that the series keeps its time of day in."""
        xml = self.properties.get("calendar:StartTimeZone") or self.properties.get("calendar:MeetingTimeZone")
        return zone_of(parse_fragment(xml)) if xml else UTC

    @cached_property
    def length(self) -> timedelta:
        """How long an occurrence is."""
        return from_store(self.row["end_at"]) - from_store(self.row["start_at"])

    @cached_property
    def overrides(self) -> dict[str, dict[str, str] | None]:
        """Exceptions by original start."""
        return self.store.occurrences(self.row["id"])

    def original_starts(self) -> Iterator[str]:
        """When the occurrences were to start, the deleted ones among them."""
        for start in starts(self.recurrence, from_store(self.row["start_at"]), self.zone):
            yield start.strftime("%Y-%m-%dT%H:%M:%SZ")

    def occurrence(self, original_start: str) -> OccurrenceRow:
        """One occurrence. Raises EwsError where it was deleted."""
        changes = self.overrides.get(original_start, {})
        if changes is None:
            raise EwsError("ErrorCalendarOccurrenceIsDeletedFromRecurrence", "The occurrence was deleted.")
        row = OccurrenceRow(dict(self.row))
        row.original_start, row.is_exception = original_start, bool(changes)
        row["start_at"] = original_start
        row["end_at"] = stamp(from_store(original_start) + self.length)
        draft = Draft("CalendarItem")
        for xml in changes.values():
            read_property(draft, parse_fragment(xml))
        row.update(draft.columns)
        kept = json.loads(self.row["extra"])
        kept["p"] = {uri: xml for uri, xml in self.properties.items() if uri not in _OF_THE_SERIES} | draft.properties
        if draft.body is not None:
            kept["p"]["item:Body"] = changes["item:Body"]
        row["extra"] = json.dumps(kept)
        return row

    def number(self, index: int) -> str:
        """The original start of the n-th occurrence, from 1. Raises EwsError."""
        found = next(islice(self.original_starts(), index - 1, index), None) if index > 0 else None
        if found is None:
            raise EwsError("ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange")
        return found

    def at(self, seconds: int) -> str:
        """The original start in an occurrence's id. Raises EwsError where the series has none then."""
        wanted = stamp(datetime.fromtimestamp(seconds, UTC)) or ""
        for start in self.original_starts():
            if start == wanted:
                return start
            if start > wanted:
                break
        raise EwsError("ErrorItemNotFound")

    def between(self, after: str, before: str) -> Iterator[OccurrenceRow]:
        """Occurrences that overlap the time between two moments, wherever they were moved to."""
        seen = set()
        for original in self.original_starts():
            if original >= before:
                break
            seen.add(original)
            if self.overrides.get(original, {}) is not None:
                row = self.occurrence(original)
                if row["start_at"] < before and row["end_at"] > after:
                    yield row
        for original, changes in self.overrides.items():
            if changes is not None and original not in seen:
                row = self.occurrence(original)
                if row["start_at"] < before and row["end_at"] > after:
                    yield row


def series_of(store: MailStore, row: Row) -> Series | None:
    """The series that a row is the master of, None where it is none."""
    if not row["extra"] or RECURRENCE not in row["extra"] or isinstance(row, OccurrenceRow):
        return None
    series = Series(store, row)
    return series if RECURRENCE in series.properties else None


def normal_override(uri: str, xml: str, zone: tzinfo) -> str:
    """An override as it is kept: times in UTC."""
    if uri in {"calendar:Start", "calendar:End"}:
        name = uri.partition(":")[2]
        return f"<t:{name}>{utc_text(parse_fragment(xml).text or '', zone)}</t:{name}>"
    return xml
