"""Searching the archive on the screens, by keys alone."""

import json

import pytest

from mse_tui.access.roles import Role
from mse_tui.actions.archive_reading import packs_of
from mse_tui.actions.archive_search import freshness
from mse_tui.app import MseTuiApp
from mse_tui.archive.indexing import Freshness, Indexing
from mse_tui.archive.search import PAGE
from mse_tui.home import Home
from mse_tui.screens import search as search_screen
from mse_tui.store.database import writing
from mse_tui.store.models import ArchiveFolder, Audit, Message, Placement
from tests.screens.calendar_seed import seed_calendars
from tests.screens.conftest import Keys, assert_reads_as_golden, shown, until
from tests.screens.seed import NOW


@pytest.fixture
def indexed(app: MseTuiApp, seeded: Home) -> MseTuiApp:
    """The seeded site, its archive indexed."""
    Indexing(packs_of(seeded), seeded.search_index, clock=lambda: NOW).run()
    return app


def searches() -> list[str]:
    rows = Audit.select().where(Audit.action == "search archive").order_by(Audit.id)
    return [json.loads(row.after)["query"] for row in rows]


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_what_one_types_is_found_as_it_is_typed(indexed: MseTuiApp, size: tuple[int, int]) -> None:
    async with indexed.run_test(size=size, notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("3", "s")
        await keys.see("from:ann")
        await keys.type("ferry week")
        await keys.see("40 hits")
        await keys.press("down", "j")
        screen = await keys.see("the figures of week 39 are attached. The ferry")
        assert "ann.lindqvist@fjordline.example  Inbox/Prosjekter/Åpen" in screen
        assert "\x1b" not in screen and "\\x1b[31mred" in screen
        assert_reads_as_golden(f"search-{size[0]}x{size[1]}", screen)
    assert searches() == ["ferry week"], "only what was waited for is looked for"


async def test_a_name_that_is_no_field_is_told_where_nothing_is_found(indexed: MseTuiApp) -> None:
    async with indexed.run_test(size=(120, 40)) as pilot:
        keys = Keys(pilot)
        await keys.press("3", "s")
        await keys.see("from:ann")
        await keys.type("sender:ann")
        await keys.see("sender: is no field and was looked for as a word")


async def test_how_fresh_the_index_is_is_asked_now_and_then_only(indexed: MseTuiApp, monkeypatch) -> None:
    asked = []

    def counted(home: Home) -> Freshness:
        asked.append(home)
        return freshness(home)

    monkeypatch.setattr(search_screen, "freshness", counted)
    monkeypatch.setattr(search_screen, "_FRESH_SECONDS", 3.0)
    async with indexed.run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        await keys.press("3", "s")
        await keys.see("The index holds everything")
        for _ in range(5):
            indexed.screen.reload()
            await pilot.pause()
        assert len(asked) == 1
        await until(pilot, lambda: len(asked) == 2, "the newest change is not missed")
        indexed.screen.action_refresh()
        await until(pilot, lambda: len(asked) == 3, "who asks is answered at once")


async def test_a_hit_opens_as_a_message_and_back_leads_to_the_hits(indexed: MseTuiApp) -> None:
    async with indexed.run_test(size=(100, 30), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("3", "s")
        await keys.type("subject:figures body:38")
        await keys.see("1 hit")
        await keys.press("enter", "enter")
        await keys.see("Dear Ann")
        await keys.press("escape")
        await keys.see("1 hit")
        await keys.press("escape")
        await until(pilot, lambda: indexed.screen.query_one("#words").has_focus, "the words")
        await keys.press("escape")
        await keys.see("Archive: mailboxes")
    actions = [row.action for row in Audit.select().order_by(Audit.id)]
    assert actions == ["search archive", "look into archive", "read message"]


async def test_appointments_are_found_and_opened_too(app: MseTuiApp, seeded: Home) -> None:
    seed_calendars(seeded)
    Indexing(packs_of(seeded), seeded.search_index).run()
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("3", "s")
        await keys.type("budget figures in")
        await keys.press("colon")
        await keys.type("kalender")
        await keys.see("1 hit")
        await keys.press("enter")
        await keys.see("ann.lindqvist@fjordline.example  Kalender")
        await keys.press("enter")
        await keys.see("Version")
        assert "Budget review, with figures" in shown(app)
    actions = [row.action for row in Audit.select().order_by(Audit.id)]
    assert actions == ["search archive", "look into calendars", "read appointment"]


async def test_a_mailbox_is_searched_from_within(indexed: MseTuiApp) -> None:
    async with indexed.run_test(size=(100, 30), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("3", "j", "enter")
        await keys.see("bo.akerman@fjordline.example  Live view")
        await keys.press("s")
        await keys.see("mailbox:bo.akerman@fjordline.example")
        await keys.type("ferry")
        await keys.see("Nothing is found.")
        assert "0 hits" in shown(indexed)


async def test_live_full_or_as_of_a_date(indexed: MseTuiApp) -> None:
    async with indexed.run_test(size=(100, 30), notifications=True) as pilot:
        keys = Keys(pilot)
        Placement.update(closed=Placement.opened + 1).where(Placement.closed.is_null()).execute()
        await keys.press("3", "s")
        await keys.type("ferry")
        await keys.see("Search, Full view: 40 hits")
        await keys.press("down", "v", "enter")
        await keys.see("Search, Live view: 0 hits")
        await keys.press("v", "j", "enter")
        screen = await keys.see("Search, Full view: 40 hits")
        assert "gone since" in screen
        await keys.press("v", "j", "j", "enter", "ctrl+u")
        await keys.type("2026-01-01")
        await keys.press("enter")
        await keys.see("Search, as of 2026-01-01 23:59: 0 hits")


async def test_what_can_t_be_looked_for_is_said(indexed: MseTuiApp) -> None:
    async with indexed.run_test(size=(100, 30), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("3", "s")
        await keys.type("ferry before")
        await keys.press("colon")
        await keys.type("soon")
        await keys.see("before: needs a date")
        await keys.press("ctrl+u")
        await keys.type("ferry")
        await keys.see("40 hits")
        await keys.miss("needs a date")


async def test_further_hits_come_as_one_goes_down(indexed: MseTuiApp, seeded: Home) -> None:
    inbox = ArchiveFolder.get(ArchiveFolder.remote_id == "Inbox")
    with writing():
        for number in range(2 * PAGE + 10):
            message = Message.create(size=1, subject=f"Barnacle {number}", sender="bo")
            Placement.create(folder=inbox, remote_id=f"b{number}", message=message, change_key="a",
                             item_class="IPM.Note", received=NOW, opened=1)  # fmt: skip
    Indexing(packs_of(seeded), seeded.search_index).run()
    async with indexed.run_test(size=(100, 30), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("3", "s")
        await keys.type("barnacle")
        await keys.see(f"{PAGE} hits and more (G in the list)")
        await keys.press("down", "G")
        await keys.see(f"{2 * PAGE} hits and more")
        await keys.press("G")
        await keys.see(f"{2 * PAGE + 10} hits")
        await keys.miss("and more")
    assert searches() == ["barnacle"]


async def test_what_is_archived_meanwhile_is_said_to_wait(indexed: MseTuiApp) -> None:
    async with indexed.run_test(size=(100, 30), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("3", "s")
        await keys.type("ferry")
        await keys.see("40 hits")
        Message.create(size=1, subject="Later")
        await keys.see("1 item waits to be indexed")
        assert "40 hits" in shown(indexed)


async def test_a_damaged_index_is_told_with_what_to_do(indexed: MseTuiApp, seeded: Home) -> None:
    seeded.search_index.write_bytes(b"garbage" * 1000)
    async with indexed.run_test(size=(100, 30), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("3", "s")
        await keys.see("mse-tui archive index --rebuild")


async def test_who_may_not_look_into_archives_may_not_search(indexed: MseTuiApp, being) -> None:
    being(Role.OPERATOR)
    async with indexed.run_test(size=(100, 30), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("3", "s")
        await keys.see("needs role auditor")
        await keys.see("Archive: mailboxes")
    assert searches() == []


async def test_a_site_that_wants_no_index_says_how_to_get_one(app: MseTuiApp, seeded: Home) -> None:
    seeded.config.write_text("[archive]\nsearch_index = false\n", encoding="utf-8")
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("3", "s")
        await keys.see("Searching is switched off")
        await keys.type("ferry")
        await keys.see("search_index = true")
    assert not seeded.search_index.exists()
    assert searches() == []
