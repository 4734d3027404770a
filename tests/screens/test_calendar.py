"""The calendar screens: agenda, month, appointment with its versions, zones, export."""

import os
from pathlib import Path

import pytest

from mse_tui.app import MseTuiApp
from mse_tui.home import Home
from mse_tui.store.models import Audit
from tests.screens.calendar_seed import seed_calendars
from tests.screens.conftest import FakeEngine, Keys, settle, shown, until
from tests.screens.seed import NOW

GOLDENS = Path(__file__).parent / "goldens"
AGENDA = ["7", "enter"]
SCREENS = {
    "calendar-mailboxes": (["7"], "ann.lindqvist"),
    "calendar-agenda": (AGENDA, "Budget review"),
    "calendar-month": ([*AGENDA, "m"], "March 2026"),
    "appointment": ([*AGENDA, "j", "enter"], "figures.pdf"),
    "appointment-meeting": ([*AGENDA, "G", *["k"] * 3, "enter"], "Moreau"),
}


@pytest.fixture
def app(seeded: Home) -> MseTuiApp:
    """The app on the seeded site, with calendars."""
    seed_calendars(seeded)
    return MseTuiApp(seeded, engine=FakeEngine(), clock=lambda: NOW)


async def ready(pilot) -> Keys:
    keys = Keys(pilot)
    await keys.see("Recent activity")
    return keys


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
@pytest.mark.parametrize("name", list(SCREENS))
async def test_screen_reads_as_it_did(app: MseTuiApp, name: str, size: tuple[int, int]) -> None:
    presses, landmark = SCREENS[name]
    async with app.run_test(size=size) as pilot:
        keys = await ready(pilot)
        await keys.press(*presses)
        await keys.see(landmark)
        await settle(pilot)
        text = shown(app) + "\n"
    golden = GOLDENS / f"{name}-{size[0]}x{size[1]}.txt"
    if os.environ.get("MSE_TUI_GOLDENS") == "write":
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


async def test_agenda_is_usable_at_sixty_by_twenty(app: MseTuiApp) -> None:
    async with app.run_test(size=(60, 20)) as pilot:
        keys = Keys(pilot)
        await keys.see("Needs attention")
        await keys.press(*AGENDA)
        text = await keys.see("Budget review")
        assert all(len(line) <= 60 for line in text.splitlines())
        assert "? Help" in text.splitlines()[-1]


async def test_reachable_from_the_archive(app: MseTuiApp) -> None:
    async with app.run_test(size=(100, 30)) as pilot:
        keys = await ready(pilot)
        await keys.press("3", "C")
        await keys.see("Budget review, with figures")


async def test_going_later_earlier_and_back_to_today(app: MseTuiApp) -> None:
    async with app.run_test(size=(100, 30)) as pilot:
        keys = await ready(pilot)
        await keys.press(*AGENDA)
        await keys.see("2026-03-02 to 2026-03-15")
        await keys.press("right")
        await keys.see("2026-03-16 to 2026-03-29")
        await keys.press("left", "left")
        await keys.see("2026-02-16 to 2026-03-01")
        await keys.press("t")
        await keys.see("2026-03-02 to 2026-03-15")


async def test_the_week_under_the_cursor_opens_as_an_agenda(app: MseTuiApp) -> None:
    async with app.run_test(size=(100, 30)) as pilot:
        keys = await ready(pilot)
        await keys.press(*AGENDA, "m")
        await keys.see("March 2026")
        await keys.press("right")
        await keys.see("April 2026")
        await keys.press("enter")
        await keys.see("2026-03-30 to 2026-04-12")


async def test_times_in_the_owners_zone(app: MseTuiApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    async with app.run_test(size=(100, 30)) as pilot:
        keys = await ready(pilot)
        await keys.press(*AGENDA)
        text = await keys.see("America/New_York (owner: Europe/Berlin, +6 h)")
        assert "07:00-08:30" in text
        await keys.press("z")
        text = await keys.see("Europe/Berlin, the owner's zone")
        assert "13:00-14:30" in text


async def test_one_calendar_instead_of_all(app: MseTuiApp) -> None:
    async with app.run_test(size=(100, 30)) as pilot:
        keys = await ready(pilot)
        await keys.press(*AGENDA, "c")
        await keys.see("Team Nord: 1 appointment")
        await keys.press("G", "enter")
        text = await keys.see("Team Nord, times in")
        assert "Release 4.2" in text
        assert "Budget review" not in text


async def test_an_earlier_version_and_an_earlier_day(app: MseTuiApp) -> None:
    async with app.run_test(size=(100, 30)) as pilot:
        keys = await ready(pilot)
        await keys.press(*AGENDA, "j", "enter")
        await keys.see("Budget review, with figures")
        await keys.press("tab", "j", "enter")
        await keys.see(">1")
        assert shown(app).splitlines()[1].strip() == "Budget review"
        await keys.press("escape", "v", "j", "enter")
        await keys.see("As of when?")
        await keys.press(*["backspace"] * 10)
        await keys.type("2026-02-25")
        await keys.press("enter")
        text = await keys.see("as of 2026-02-25 23:59")
        assert "with figures" not in text


async def test_writing_the_calendars_and_one_appointment(app: MseTuiApp, tmp_path: Path) -> None:
    async with app.run_test(size=(100, 30)) as pilot:
        keys = await ready(pilot)
        await keys.press(*AGENDA, "w")
        await keys.see("Write into which directory?")
        await keys.press(*["ctrl+u"])
        app.screen.query_one("Input").value = str(tmp_path / "out")
        await keys.press("enter")
        files = [tmp_path / "out" / name for name in ("Kalender.ics", "Team Nord.ics")]
        await until(pilot, lambda: all(map(_is_whole, files)), "the files")
        await keys.press("j", "enter")
        await keys.see("figures.pdf")
        await keys.press("w")
        await keys.see("Write to which file?")
        app.screen.query_one("Input").value = str(tmp_path / "one.ics")
        await keys.press("enter")
        await until(pilot, lambda: _is_whole(tmp_path / "one.ics"), "the file")
    assert b"figures.pdf" in (tmp_path / "one.ics").read_bytes()
    done = [row.action for row in Audit.select().order_by(Audit.id)]
    assert [each for each in done if "calendar" in each or "appointment" in each] == [
        "look into calendars", "export calendar", "export calendar", "read appointment", "export calendar",
    ]  # fmt: skip


async def test_a_file_in_the_place_of_a_directory_is_told(app: MseTuiApp, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    async with app.run_test(size=(100, 30)) as pilot:
        keys = await ready(pilot)
        await keys.press(*AGENDA, "w")
        await keys.see("Write into which directory?")
        app.screen.query_one("Input").value = str(tmp_path / "file")
        await keys.press("enter")
        await keys.see("can't be a directory")


@pytest.mark.parametrize("asked", ["9999-12-31", "0001-01-01"])
async def test_the_ends_of_the_calendar_are_as_far_as_one_goes(app: MseTuiApp, asked: str) -> None:
    async with app.run_test(size=(100, 30)) as pilot:
        keys = await ready(pilot)
        await keys.press(*AGENDA, "d")
        app.screen.query_one("Input").value = asked
        await keys.press("enter")
        for way in ("right", "right", "left", "left", "left", "m", "right", "right", "left", "left", "left"):
            await keys.press(way)
            assert "ann.lindqvist" in shown(app) and "out of range" not in shown(app)


@pytest.mark.parametrize("asked", ["0001-01-01 00:00", "9999-12-31 23:59-12:00"])
async def test_the_view_of_a_time_that_no_clock_shows_is_refused(app: MseTuiApp, asked: str) -> None:
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        keys = await ready(pilot)
        await keys.press(*AGENDA, "v", "j", "enter")
        app.screen.query_one("Input").value = asked
        await keys.press("enter")
        await keys.see("is not a date")
        await keys.press("escape", "3", "enter", "v", "j", "j", "enter")
        await keys.see("As of when?")
        app.screen.query_one("Input").value = asked
        await keys.press("enter")
        await keys.see("is not a date")


def _is_whole(path: Path) -> bool:
    return path.exists() and path.read_bytes().endswith(b"END:VCALENDAR\r\n")


async def test_what_the_server_gave(app: MseTuiApp) -> None:
    async with app.run_test(size=(100, 30)) as pilot:
        keys = await ready(pilot)
        await keys.press(*AGENDA, "j", "enter")
        await keys.see("figures.pdf")
        await keys.press("o")
        await keys.see("<original/>")


async def test_the_agenda_begins_at_its_first_appointment_and_a_day_says_that_it_is_one(app: MseTuiApp) -> None:
    async with app.run_test(size=(180, 30), notifications=True) as pilot:
        keys = await ready(pilot)
        await keys.press(*AGENDA)
        assert "Enter Open" in await keys.see("Stand-up")
        await keys.press("k")
        await pilot.press("enter")
        assert "Enter Open" not in await keys.see("A day opens nothing")
        await keys.press("j", "enter")
        await keys.see("w Write file")
        await keys.press("escape", "right")
        await keys.see("2026-03-16 to")
        current = app.screen.query_one("#agenda").current
        assert current is None or current.key.startswith("entry:")


@pytest.mark.parametrize("size", [(60, 15), (100, 30)])
async def test_a_month_begins_at_this_week(app: MseTuiApp, size: tuple[int, int]) -> None:
    async with app.run_test(size=size) as pilot:
        keys = Keys(pilot)
        await keys.see("Needs attention")
        await keys.press(*AGENDA, "m")
        await keys.see("2 tod")
        assert app.screen.query_one("#month").current.cells[0].text.startswith("2 tod")
        await keys.press("left")
        await keys.see("February 2026")
        await keys.press("right")
        await keys.see("March 2026")
        assert app.screen.query_one("#month").current.cells[0].text.startswith("2 tod")
