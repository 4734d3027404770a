"""Properties of calendar items that follow from others: kind, times, recurrence, exceptions."""

from collections.abc import Callable
from datetime import UTC
from itertools import islice

from mse_tui.sandbox.ews.recurrence import MOST, is_endless
from mse_tui.sandbox.ews.render import Render, Rendering
from mse_tui.sandbox.ews.series import RECURRENCE, OccurrenceRow, Series, series_of
from mse_tui.sandbox.ews.values import duration, from_store, mailbox_xml, parse_fragment, truth
from mse_tui.sandbox.records import Row

_UTC_ZONE = 'Id="UTC" Name="(UTC) Coordinated Universal Time"'


def _or_stored(uri: str, otherwise: Callable[[Row, Rendering], str]) -> Render:
    """What is kept, else what `otherwise` says."""

    def render(row: Row, rendering: Rendering) -> str:
        return rendering.stored(row, uri) or otherwise(row, rendering)

    return render


def _default(uri: str, text: str) -> tuple[str, Render]:
    name = uri.partition(":")[2]
    return uri, _or_stored(uri, lambda _row, _rendering: f"<t:{name}>{text}</t:{name}>")


def _moment(column: str, name: str) -> Render:
    def render(row: Row, rendering: Rendering) -> str:
        if row[column] is None:
            return rendering.stored(row, f"calendar:{name}")
        return f"<t:{name}>{row[column]}</t:{name}>"

    return render


def _uid(row: Row, _: Rendering) -> str:
    return f"<t:UID>040000008200E00074C5B7101A82E008{row['id']:032X}</t:UID>"


def _kind(row: Row, rendering: Rendering) -> str:
    if isinstance(row, OccurrenceRow):
        kind = "Exception" if row.is_exception else "Occurrence"
    else:
        kind = "RecurringMaster" if rendering.stored(row, RECURRENCE) else "Single"
    return f"<t:CalendarItemType>{kind}</t:CalendarItemType>"


def _is_meeting(row: Row, rendering: Rendering) -> bool:
    return any(rendering.stored(row, f"calendar:{name}") for name in ("RequiredAttendees", "OptionalAttendees"))


def _organizer(row: Row, rendering: Rendering) -> str:
    name, address = row["sender_name"], row["sender_address"]
    who = mailbox_xml(name, address) if address else mailbox_xml(rendering.mailbox.name, rendering.mailbox.address)
    return f"<t:Organizer>{who}</t:Organizer>"


def _is_organizer(row: Row, rendering: Rendering) -> bool:
    stored = rendering.stored(row, "calendar:Organizer")
    organizer = stored or _organizer(row, rendering)
    return f"<t:EmailAddress>{rendering.mailbox.address}</t:EmailAddress>".lower() in organizer.lower()


def _my_response(row: Row, rendering: Rendering) -> str:
    response = "Organizer" if _is_organizer(row, rendering) else "NoResponseReceived"
    return f"<t:MyResponseType>{response}</t:MyResponseType>"


def _state(row: Row, rendering: Rendering) -> str:
    state = (1 if _is_meeting(row, rendering) else 0) | (0 if _is_organizer(row, rendering) else 2)
    if "true" in rendering.stored(row, "calendar:IsCancelled"):
        state |= 4
    return f"<t:AppointmentState>{state}</t:AppointmentState>"


def _duration(row: Row, _: Rendering) -> str:
    if row["start_at"] is None or row["end_at"] is None:
        return ""
    return f"<t:Duration>{duration(from_store(row['end_at']) - from_store(row['start_at']))}</t:Duration>"


def _time_zone(name: str) -> Render:
    return lambda _row, _rendering: f"<t:{name} {_UTC_ZONE}/>"


def _zone_id(name: str, of: str) -> Render:
    def render(row: Row, rendering: Rendering) -> str:
        xml = rendering.stored(row, f"calendar:{of}")
        zone = parse_fragment(xml).get("Id") if xml else "UTC"
        return f"<t:{name}>{zone or 'UTC'}</t:{name}>"

    return render


def _original_start(name: str) -> Render:
    def render(row: Row, _: Rendering) -> str:
        return f"<t:{name}>{row.original_start}</t:{name}>" if isinstance(row, OccurrenceRow) else ""

    return render


def _occurrence_info(series: Series, rendering: Rendering, original: str) -> str:
    row = series.occurrence(original)
    item_id = rendering.ids.occurrence(row["id"], row.original_seconds)
    return (
        f'<t:ItemId Id="{item_id}"/><t:Start>{row["start_at"]}</t:Start>'
        f"<t:End>{row['end_at']}</t:End><t:OriginalStart>{original}</t:OriginalStart>"
    )


def _first(row: Row, rendering: Rendering) -> str:
    series = series_of(rendering.store, row)
    if series is None:
        return ""
    for original in islice(series.original_starts(), MOST):
        if series.overrides.get(original, {}) is not None:
            return f"<t:FirstOccurrence>{_occurrence_info(series, rendering, original)}</t:FirstOccurrence>"
    return ""


def _last(row: Row, rendering: Rendering) -> str:
    series = series_of(rendering.store, row)
    if series is None or is_endless(series.recurrence):
        return ""
    left = [start for start in series.original_starts() if series.overrides.get(start, {}) is not None]
    return f"<t:LastOccurrence>{_occurrence_info(series, rendering, left[-1])}</t:LastOccurrence>" if left else ""


def _modified(row: Row, rendering: Rendering) -> str:
    series = series_of(rendering.store, row)
    changed = [start for start, changes in series.overrides.items() if changes] if series else []
    if series is None or not changed:
        return ""
    shown = "".join(f"<t:Occurrence>{_occurrence_info(series, rendering, start)}</t:Occurrence>" for start in changed)
    return f"<t:ModifiedOccurrences>{shown}</t:ModifiedOccurrences>"


def _deleted(row: Row, rendering: Rendering) -> str:
    series = series_of(rendering.store, row)
    gone = [start for start, changes in series.overrides.items() if changes is None] if series else []
    shown = "".join(f"<t:DeletedOccurrence><t:Start>{start}</t:Start></t:DeletedOccurrence>" for start in gone)
    return f"<t:DeletedOccurrences>{shown}</t:DeletedOccurrences>" if shown else ""


def _when(row: Row, _: Rendering) -> str:
    if row["start_at"] is None:
        return ""
    return f"<t:When>{from_store(row['start_at']).astimezone(UTC):%a %d %b %Y %H:%M}</t:When>"


CALENDAR_RENDERS: dict[str, Render] = {
    "calendar:UID": _or_stored("calendar:UID", _uid),
    "calendar:RecurrenceId": _original_start("RecurrenceId"),
    "calendar:OriginalStart": _original_start("OriginalStart"),
    "calendar:DateTimeStamp": lambda row, _: f"<t:DateTimeStamp>{row['modified']}</t:DateTimeStamp>",
    "calendar:Start": _moment("start_at", "Start"),
    "calendar:End": _moment("end_at", "End"),
    "calendar:When": _or_stored("calendar:When", _when),
    "calendar:IsMeeting": lambda row, rendering: f"<t:IsMeeting>{truth(_is_meeting(row, rendering))}</t:IsMeeting>",
    "calendar:IsRecurring": lambda row, _: f"<t:IsRecurring>{truth(isinstance(row, OccurrenceRow))}</t:IsRecurring>",
    "calendar:CalendarItemType": _kind,
    "calendar:MyResponseType": _or_stored("calendar:MyResponseType", _my_response),
    "calendar:Organizer": _or_stored("calendar:Organizer", _organizer),
    "calendar:IsOrganizer": lambda row, rendering: (
        f"<t:IsOrganizer>{truth(_is_organizer(row, rendering))}</t:IsOrganizer>"
    ),
    "calendar:Duration": _duration,
    "calendar:AppointmentState": _state,
    "calendar:FirstOccurrence": _first,
    "calendar:LastOccurrence": _last,
    "calendar:ModifiedOccurrences": _modified,
    "calendar:DeletedOccurrences": _deleted,
    "calendar:StartTimeZone": _or_stored("calendar:StartTimeZone", _time_zone("StartTimeZone")),
    "calendar:EndTimeZone": _or_stored("calendar:EndTimeZone", _time_zone("EndTimeZone")),
    "calendar:StartTimeZoneId": _zone_id("StartTimeZoneId", "StartTimeZone"),
    "calendar:EndTimeZoneId": _zone_id("EndTimeZoneId", "EndTimeZone"),
    **dict(
        (
            _default("calendar:IsAllDayEvent", "false"),
            _default("calendar:LegacyFreeBusyStatus", "Busy"),
            _default("calendar:IsCancelled", "false"),
            _default("calendar:MeetingRequestWasSent", "false"),
            _default("calendar:IsResponseRequested", "true"),
            _default("calendar:ConflictingMeetingCount", "0"),
            _default("calendar:AdjacentMeetingCount", "0"),
            _default("calendar:AppointmentSequenceNumber", "0"),
            _default("calendar:ConferenceType", "0"),
            _default("calendar:AllowNewTimeProposal", "true"),
            _default("calendar:IsOnlineMeeting", "false"),
        )
    ),
}
"""Properties of calendar items, by field URI."""
