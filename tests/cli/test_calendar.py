"""Calendars from the command line: who sees what, agenda, month, versions, export, audit."""

import json
from pathlib import Path

import pytest
from icalendar import Calendar

from mse_tui.access.grants import FolderKey, give
from mse_tui.exchange.rows import Area
from mse_tui.home import Home
from mse_tui.store.database import open_database
from mse_tui.store.models import ArchiveMailbox, Audit
from tests.cli.conftest import Command
from tests.screens.calendar_seed import seed_calendars
from tests.screens.seed import addresses, seed

ANN, BO = addresses()[:2]
AGENDA = ("calendar", "agenda", ANN, "--from", "2026-03-02", "--zone", "owner")


@pytest.fixture(autouse=True)
def site(home: Home) -> Home:
    """A site with Ann's two calendars."""
    open_database(home.database)
    seed(home)
    seed_calendars(home)
    return home


def ann() -> int:
    return int(ArchiveMailbox.get(ArchiveMailbox.address == ANN).id)


def audited() -> list[tuple[str, str]]:
    return [(row.action, row.after) for row in Audit.select().order_by(Audit.id)]


def test_mailboxes_and_their_calendars(mse_tui: Command) -> None:
    assert ANN in mse_tui("calendar", "ls").out
    assert audited() == []
    listed = mse_tui("calendar", "ls", ANN).out
    assert "Kalender (default)" in listed and "Team Nord" in listed
    assert audited() == [("look into calendars", "")]


def test_the_agenda_day_by_day(mse_tui: Command) -> None:
    told = mse_tui(*AGENDA).out
    assert "Mon 2026-03-02\n  09:00-09:15" in told
    assert "Budget review, with figures (Room 4)" in told
    assert "11:00-11:15    !   Stand-up (later today) (Room 2)" in told
    assert "Wed 2026-03-04" not in told, "its only occurrence was deleted"
    assert "\x1b" not in told
    assert "times in Europe/Berlin" in told
    in_tokyo = mse_tui(*AGENDA[:-1], "Asia/Tokyo").out
    assert "17:00-17:15" in in_tokyo
    one = mse_tui(*AGENDA, "--calendar", "team nord").out
    assert "Stand-up" not in one


def test_the_agenda_as_it_was(mse_tui: Command) -> None:
    assert "Budget review (Room 4)" in mse_tui(*AGENDA, "--as-of", "2026-02-25").out
    assert "0 entries" in mse_tui(*AGENDA, "--as-of", "2026-01-01").out


def test_the_month_as_a_grid(mse_tui: Command) -> None:
    told = mse_tui("calendar", "month", ANN, "2026-03", "--zone", "owner").out
    assert told.startswith("March 2026, times in Europe/Berlin\nMon")
    assert told.count("09:00 Stand-up") == 28, "six weeks without one deleted and one moved"
    assert "(23)" in told and "Trondheim" in told


def test_an_appointment_with_its_versions(mse_tui: Command) -> None:
    entries = json.loads(mse_tui(*AGENDA, "--json").out)
    [version] = {row["version_id"] for row in entries if row["subject"] == "Budget review, with figures"}
    told = mse_tui("calendar", "show", str(version)).out
    assert "figures.pdf" in told and "Please read the figures before." in told
    assert told.count("Budget review") >= 3, "itself and both versions"
    event = Calendar.from_ical(mse_tui("calendar", "show", str(version), "--ics").out).events[0]
    assert str(event["SUMMARY"]) == "Budget review, with figures"
    assert mse_tui("calendar", "show", str(version), "--original").out == "<original/>"
    assert mse_tui("calendar", "show", "4711").code == 64


def test_export_of_one_calendar_and_of_all(mse_tui: Command, tmp_path: Path) -> None:
    one = tmp_path / "ann.ics"
    assert "7 appointments" in mse_tui("calendar", "export", ANN, "--ics", str(one)).out
    assert len(Calendar.from_ical(one.read_bytes()).events) == 8, "with one changed occurrence"
    assert oct(one.stat().st_mode)[-3:] == "600"
    again = mse_tui("calendar", "export", ANN, "--ics", str(one))
    assert again.code == 64 and "is there already" in again.err
    mse_tui("calendar", "export", ANN, "--directory", str(tmp_path / "all"), "--no-attachments")
    written = sorted((tmp_path / "all").iterdir())
    assert [path.name for path in written] == ["Kalender.ics", "Team Nord.ics"]
    assert b"ATTACH" not in written[0].read_bytes()
    assert [action for action, _ in audited()].count("export calendar") == 3, "what was refused is none"


def test_a_directory_that_cannot_be_is_told(mse_tui: Command, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    answer = mse_tui("calendar", "export", ANN, "--directory", str(tmp_path / "file" / "below"))
    assert answer.code == 64 and f"{tmp_path}/file/below can't be a directory" in answer.err
    assert "export calendar" not in [action for action, _ in audited()]


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_days_that_no_calendar_has_are_refused(mse_tui: Command, day: str) -> None:
    assert mse_tui(*AGENDA[:3], "--from", day).code == 64
    assert mse_tui("calendar", "month", ANN, day[:7]).code == 64
    assert mse_tui(*AGENDA, "--as-of", day).code in (0, 64)


def test_a_delegate_sees_the_calendars_granted_and_nothing_private(mse_tui: Command) -> None:
    refused = mse_tui(*AGENDA, "--as", BO)
    assert refused.code == 64
    assert ("refused look into archive", json.dumps({"as": BO})) in audited()
    give(ann(), BO, who="test", folder=FolderKey(Area.PRIMARY, "cal"))
    seen = mse_tui(*AGENDA, "--as", BO).out
    assert "Budget review" in seen and "Dentist" not in seen and "Release" not in seen
    assert "Team Nord" not in mse_tui("calendar", "ls", ANN, "--as", BO).out
    entries = json.loads(mse_tui(*AGENDA, "--json").out)
    [private] = {row["version_id"] for row in entries if row["subject"] == "Dentist"}
    assert mse_tui("calendar", "show", str(private), "--as", BO).code == 64
    assert "Dentist" in mse_tui("calendar", "show", str(private), "--as", ANN).out
    assert "Dentist" in mse_tui(*AGENDA, "--as", ANN).out


def test_what_was_typed_wrongly_is_told(mse_tui: Command) -> None:
    assert "is not a date" in mse_tui(*AGENDA[:3], "--from", "soon").err
    assert "is no month" in mse_tui("calendar", "month", ANN, "March").err
    assert "no time zone 'Mars'" in mse_tui(*AGENDA[:-1], "Mars").err
    assert "no calendar 'Holidays'" in mse_tui(*AGENDA, "--calendar", "Holidays").err
    assert mse_tui("calendar", "export", ANN).code == 64


@pytest.mark.parametrize("look", ["agenda", "month"])
def test_a_mailbox_whose_calendars_no_task_replicates_has_none_rather_than_no_appointments(
    mse_tui: Command, look: str
) -> None:
    ran = mse_tui("calendar", look, BO)
    assert ran.code == 64
    assert f"No calendar of {BO} has been replicated." in ran.err
