"""What the screens show to those who may not do everything, by keys alone."""

from collections.abc import Callable

import pytest
from textual.screen import ModalScreen

from mse_tui.access.roles import Role
from mse_tui.app import MseTuiApp
from mse_tui.screens.keys import SCREENS
from mse_tui.screens.roles import roles_of
from mse_tui.store.models import Audit, Command, EngineRequest, Task
from mse_tui.widgets.commands import EVERYWHERE
from tests.screens.calendar_seed import seed_calendars
from tests.screens.care_seed import seed_retention, seed_stubs
from tests.screens.conftest import Keys, assert_reads_as_golden, shown

Being = Callable[[Role], None]
PLACES = {
    "dashboard": "1", "tasks": "2", "archive": "3", "log": "4", "definitions": "5", "schedules": "6", "calendar": "7",
    "retention": "8", "stubs": "9", "planning": "0", "sites": "S",
}  # fmt: skip
WORKS_AS_IT_IS = {"plan.more", "plan.every"}
"""Questions that change nothing."""


def flat(screen: str) -> str:
    """What a dialog says, however its lines are broken."""
    return " ".join(" ".join(line.split("│")[1] for line in screen.splitlines() if line.count("│") > 1).split())


def key_line(app: MseTuiApp) -> str:
    return shown(app).splitlines()[-1]


@pytest.mark.parametrize("name", list(SCREENS))
def test_every_command_that_changes_something_names_the_role_that_its_action_needs(name: str) -> None:
    screen = SCREENS[name]
    for command in screen.KEYS:
        if command.changes:
            owner = screen if hasattr(screen, f"action_{command.action}") else MseTuiApp
            assert hasattr(getattr(owner, f"action_{command.action}"), "leads_to"), command.id


def test_so_does_every_command_that_works_everywhere() -> None:
    for command in EVERYWHERE:
        if command.changes:
            assert hasattr(getattr(MseTuiApp, f"action_{command.action}"), "leads_to"), command.id


async def test_a_viewer_sees_what_works_and_under_why_what_does_not(app: MseTuiApp, being: Being) -> None:
    being(Role.VIEWER)
    async with app.run_test(size=(120, 30), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.see("Recent activity")
        screen = await keys.see("viewer, watching")
        assert screen.splitlines()[0].endswith("viewer, watching")
        await keys.press("2")
        await keys.see("Board, office hours")
        works, _, refused = key_line(app).partition("needs role operator: ")
        assert "/ Filter" in works and "s Sort" in works
        assert refused.startswith("R Run  c New task  x Stop  p Pause/resume")
        await keys.press("D")
        await keys.see("This needs role destructive. Ask to be put")
        assert app.screen is app.screen_stack[0]


async def test_a_viewer_s_tasks_read_as_they_did(app: MseTuiApp, being: Being) -> None:
    being(Role.VIEWER)
    async with app.run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        await keys.see("Recent activity")
        await keys.press("2", "j")
        await keys.see("Board, office hours")
        assert_reads_as_golden("tasks-viewer-80x24", shown(app))


async def test_nothing_that_a_viewer_may_not_do_is_even_asked(app: MseTuiApp, being: Being, seeded: object) -> None:
    seed_stubs()
    seed_retention()
    before = Audit.select().count()
    being(Role.VIEWER)
    async with app.run_test(size=(120, 30)) as pilot:
        keys = Keys(pilot)
        await keys.see("Recent activity")
        for place in PLACES.values():
            await keys.press(place)
            for command in app.screen.KEYS:
                if roles_of(getattr(type(app.screen), f"action_{command.action}", None), app.screen):
                    await keys.press(command.key.split(",")[0])
                    assert not isinstance(app.screen, ModalScreen), (place, command.id)
                    assert len(app.screen_stack) == 1, (place, command.id)
    assert not Command.select().exists()
    assert not EngineRequest.select().exists()
    assert Audit.select().count() == before


async def test_the_palette_and_the_help_say_why(app: MseTuiApp, being: Being) -> None:
    being(Role.VIEWER)
    async with app.run_test(size=(120, 64), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("2", "question_mark")
        screen = await keys.see("On this screen")
        assert "at the next item boundary. (needs role operator)" in flat(screen)
        await keys.press("escape", "colon")
        await keys.type("full res")
        screen = await keys.see("needs role operator")
        await keys.press("enter")
        await keys.see("This needs role operator. Ask to be put")
    assert not Command.select().exists()


async def test_an_operator_runs_what_takes_nothing_away(app: MseTuiApp, being: Being) -> None:
    Task.update(type="MSM").where(Task.description == "Board, office hours").execute()
    being(Role.OPERATOR)
    async with app.run_test(size=(120, 30), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("2")
        await keys.see("operator, watching")
        assert "needs role destructive: D Remove" in key_line(app)
        await keys.press("j")
        assert "needs role destructive: R Run  D Remove" in key_line(app)
        await keys.press("R")
        await keys.see("This needs role destructive")
        await keys.press("k", "R", "j", "enter")
        await keys.see("told to run")
    assert [row.task.description for row in Command.select()] == ["Before the move"]


async def test_an_operator_is_offered_only_types_that_take_nothing_away(app: MseTuiApp, being: Being) -> None:
    being(Role.OPERATOR)
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("5", "c")
        screen = await keys.see("Which type?")
        assert "Managed Folders needs role destructive." in screen
        assert "MSM" not in screen.splitlines()[-1]
        await keys.press("escape", "2", "c", "enter", "enter")
        await keys.see("Managed Folders (needs role destructive)")
        await keys.press("j", "j", "enter")
        await keys.see("This needs role destructive")
        assert "[type]" in shown(app)
        await keys.press("k", "enter")
        await keys.see("[definition]")


async def test_an_auditor_looks_into_archives_and_changes_nothing(app: MseTuiApp, being: Being) -> None:
    being(Role.AUDITOR)
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("3", "enter")
        await keys.see("Live view: 6 folders")
        await keys.press("j", "enter", "j", "enter")
        await keys.see("Dear Ann")
        assert "needs role operator: R Restore" in key_line(app)
        await keys.press("R")
        await keys.see("This needs role operator")


async def test_archives_stay_closed_to_who_is_no_auditor(app: MseTuiApp, being: Being, seeded: object) -> None:
    seed_calendars(app.home)
    being(Role.OPERATOR)
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        keys = Keys(pilot)
        for place in ("3", "7"):
            await keys.press(place)
            await keys.see("ann.lindqvist")
            assert "needs role auditor: Enter Open" in key_line(app)
            await keys.press("enter")
            await keys.see("This needs role auditor")
            assert len(app.screen_stack) == 1
    assert not Audit.select().where(Audit.action.contains("look")).exists()


async def test_what_is_replaced_is_for_who_may_take_away(
    app: MseTuiApp, being: Being, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mse_tui.access import roles

    being(Role.OPERATOR)
    monkeypatch.setattr(roles, "groups_of", lambda _: frozenset({"mail-operators", "mail-auditors"}))
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("3", "enter", "j", "enter", "j", "enter")
        await keys.see("Dear Ann")
        assert shown(app).splitlines()[0].endswith("operator and auditor, watching")
        await keys.press("R")
        screen = await keys.see("unless it is there already")
        assert "goes to Recoverable Items" not in screen
        assert "To replace what is there needs role destructive." in flat(screen)


async def test_a_site_is_shown_to_a_viewer_without_what_only_operators_do(app: MseTuiApp, being: Being) -> None:
    being(Role.VIEWER)
    async with app.run_test(size=(80, 40)) as pilot:
        keys = Keys(pilot)
        await keys.see("Recent activity")
        while "Exchange sites" not in str(getattr(app.focused, "_columns", [""])[0]):
            await keys.press("tab")
        await keys.press("enter")
        screen = await keys.see("To disable it needs role operator.")
        assert "none of its tasks starts" not in screen


async def test_nobody_is_offered_an_engine_that_they_may_not_start(seeded: object, being: Being) -> None:
    from mse_tui.access.roles import needs
    from tests.screens.conftest import FakeEngine
    from tests.screens.seed import NOW

    class Guarded(FakeEngine):
        @needs(Role.OPERATOR)
        def start(self) -> None:
            super().start()

    being(Role.VIEWER)
    engine = Guarded()
    app = MseTuiApp(seeded, engine=engine, clock=lambda: NOW)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.see("viewer, watching")
        engine.held_by = ""
        app.post_message(app.DataChanged())
        await keys.see("no engine")
        screen = await keys.see("elsewhere has ended")
        assert "E runs it here" not in screen
        await keys.press("E")
        await keys.see("This needs role operator")
    assert engine.started == 0


async def test_stubs_and_failed_items_tell_a_viewer_nothing_of_what_mailboxes_hold(
    app: MseTuiApp, being: Being
) -> None:
    seed_stubs()
    being(Role.VIEWER)
    async with app.run_test(size=(120, 40)) as pilot:
        keys = Keys(pilot)
        await keys.see("Recent activity")
        assert "Prosjekter" not in shown(app)
        await keys.press("9")
        screen = await keys.see("Stub 3")
        assert "ann.lindqvist" in screen and "Figures" not in screen
        await keys.press("enter")
        screen = await keys.see("Archive id")
        assert "(for auditors)" in screen and "bo.akerman" not in screen and "Inbox" not in screen
        await keys.press("escape", "slash")
        await keys.type("week 2")
        await keys.press("enter")
        await keys.see("Stubs, all, with 'week 2': 0")
        await keys.press("4")
        await keys.see("1 of 2 mailboxes needs attention")
        await keys.press("j", "enter")
        await keys.see("bo.akerman")
        await keys.press("j", "enter")
        screen = await keys.see("Failed items")
        assert "an item (for auditors)" in screen and "markup" not in screen
    assert not Audit.select().where(Audit.action.contains("look")).exists()


async def test_each_look_of_an_auditor_s_at_stubs_and_failed_items_is_recorded_once(
    app: MseTuiApp, being: Being
) -> None:
    seed_stubs()
    being(Role.AUDITOR)
    async with app.run_test(size=(120, 40)) as pilot:
        keys = Keys(pilot)
        await keys.see("Recent activity")
        await keys.press("9")
        await keys.see("Figures, week 1")
        await keys.press("r", "4")
        await keys.see("1 of 2 mailboxes needs attention")
        await keys.press("j", "enter")
        await keys.see("bo.akerman")
        await keys.press("j", "enter")
        await keys.see("Failed items")
        await keys.press("r")
        await keys.see("Failed items")
    looked = [(row.action, row.subject) for row in Audit.select().order_by(Audit.id) if "look" in row.action]
    assert looked == [("look at stubs", "all mailboxes"), ("look at failed items", "bo.akerman@fjordline.example")]
