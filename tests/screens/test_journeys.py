"""What a person does, by keys alone, and what comes of it in the database."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mse_tui.actions.checks import settings_model
from mse_tui.actions.group_preview import Preview
from mse_tui.app import MseTuiApp
from mse_tui.home import Home
from mse_tui.screens.group_step import GroupStep
from mse_tui.store.access import AccessGrant
from mse_tui.store.database import now
from mse_tui.store.models import Audit, Command, Definition, EngineRequest, Lease, MailboxResult, Schedule, Task
from mse_tui.terms import TaskType
from mse_tui.widgets.paged_list import PagedList
from tests.screens.conftest import FakeEngine, Keys, settle, shown, until
from tests.screens.seed import DOMAIN, NOW, mime


def commands_given() -> list[tuple[str, str, Any]]:
    rows = Command.select(Command, Task).join(Task).order_by(Command.id)
    return [(row.task.description, row.verb, json.loads(row.arguments)) for row in rows]


async def test_dashboard_shows_problems_first_then_what_runs(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        screen = await keys.see("Recent activity")
        lines = screen.splitlines()
        assert "Shared mailboxes" in lines[2]
        assert "x error" in lines[2]
        assert "[mailbox-not-found] Correct the address" in lines[3]
        assert "! warning" in lines[4]
        running = next(line for line in lines if "Everyone, nightly" in line)
        assert "3/6" in running
        assert "41%" in running
        assert "4,312" in running
        await keys.press("enter")
        await keys.see("What to do")


async def test_creating_a_task_with_a_new_schedule_a_preview_and_a_small_first_execution(app: MseTuiApp) -> None:
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("2", "c")
        await keys.see("[site]")
        await keys.press("enter")
        await keys.see("[schedule]")
        await keys.press("g", "enter")
        await keys.see("New schedule")
        await keys.type("Lunch")
        await keys.press("ctrl+s")
        await keys.see("Daily at 22:00")
        await keys.press("enter")
        await keys.see("[type]")
        await keys.press("enter")
        await keys.see("[definition]")
        await keys.press("enter")
        await keys.see("[group]")
        await keys.type(f"ann.lindqvist@{DOMAIN}; nobody@{DOMAIN}")
        await keys.press("enter")
        await until(
            pilot, lambda: EngineRequest.select().where(EngineRequest.kind == "preview").exists(), "the question"
        )
        request = EngineRequest.get(EngineRequest.kind == "preview")
        assert json.loads(request.arguments) == {"group": f"ann.lindqvist@{DOMAIN}; nobody@{DOMAIN}"}
        answer = {
            "included": [{"address": f"ann.lindqvist@{DOMAIN}", "name": "Ann Lindqvist", "kind": "user"}],
            "skipped": [{"entry": f"nobody@{DOMAIN}", "reason": "mailbox-not-found", "message": "No such mailbox."}],
        }
        EngineRequest.update(answered=now(), answer=json.dumps(answer)).execute()
        screen = await keys.see("1 mailbox; skipped: 1")
        assert "mailbox-not-found" in screen
        await keys.press("enter")
        await keys.see("First execution")
        await keys.press("tab", "right")
        await keys.see("now, the first mailbox only")
        await keys.press("ctrl+s")
        await keys.see("Latest detail")
    task = Task.get(Task.group.contains("nobody"))
    assert task.schedule == Schedule.get(Schedule.name == "Lunch")
    assert commands_given() == [(task.description, "run now", {"first": 1})]


async def test_a_task_can_be_created_while_no_engine_runs(seeded: Home) -> None:
    Lease.update(owner="").where(Lease.key.startswith("engine:")).execute()
    app = MseTuiApp(seeded, engine=FakeEngine(holder=""), clock=lambda: NOW)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.see("no engine")
        await keys.press("2", "c", "enter", "j", "enter", "enter", "enter")
        await keys.type(f"ann.lindqvist@{DOMAIN}")
        await keys.press("enter")
        await keys.see("No engine answered")
        await keys.press("enter", "ctrl+s")
        await keys.see("Latest detail")
    assert Task.select().where(Task.group == f"ann.lindqvist@{DOMAIN}").count() == 1


async def test_a_schedule_whose_time_has_passed_is_refused_when_it_is_chosen(seeded: Home) -> None:
    app = MseTuiApp(seeded, engine=FakeEngine(), clock=lambda: NOW + timedelta(days=60))
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("2", "c", "enter")
        await keys.see("[schedule]")
        await keys.press("enter")
        await keys.see("Once on 2026-04-01 at 20:00")
        await keys.see("has passed")
        await keys.press("escape")
        await keys.see("[schedule]")


async def test_enter_on_the_review_goes_on_to_the_next_field_until_save(app: MseTuiApp) -> None:
    before = Task.select().count()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("2", "c", "enter", "j", "enter", "enter", "enter")
        app.screen.query_one(GroupStep).post_message(GroupStep.Taken(Preview(f"ann.lindqvist@{DOMAIN}")))
        await keys.see("when the schedule says")
        await keys.press("enter", "right")
        await keys.see("now, the first mailbox only")
        await keys.press("enter")
        assert Task.select().count() == before
        await keys.press("enter")
        await keys.see("Latest detail")
    assert Task.select().count() == before + 1


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"dry_run": True, "action": "attachment stub", "max_changes": 500}, ["ON: it reports", "500 changes"]),
        ({"dry_run": False, "action": "delete", "older_than_days": 90}, ["OFF: mailboxes are changed", "no limit"]),
    ],
)
async def test_the_review_says_what_a_task_takes_and_whether_it_is_a_dry_run(
    app: MseTuiApp, settings: dict[str, object], said: list[str]
) -> None:
    model = settings_model(TaskType.STORAGE_MANAGEMENT)
    Definition.create(
        type="MSM", name="Old files", settings=model.model_validate(settings).model_dump_json(), created=NOW,
        created_by="ann", modified=NOW, modified_by="ann",
    )  # fmt: skip
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("2", "c", "enter", "enter", "j", "j", "enter", "enter")
        app.screen.query_one(GroupStep).post_message(GroupStep.Taken(Preview(f"ann.lindqvist@{DOMAIN}")))
        screen = await keys.see("[ Save ]")
        assert f"Action: {settings['action']}" in screen
        for text in said:
            assert text in screen


async def test_esc_asks_before_what_was_entered_into_a_form_is_lost(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        await keys.press("5", "e")
        await keys.see("Exclude Inbox")
        await keys.press("escape")
        await keys.miss("Exclude Inbox")
        await keys.press("e")
        await keys.type("New ")
        await keys.press("escape")
        await keys.see("Leave this form?")
        await keys.press("enter")
        assert "New " in await keys.see("Exclude Inbox")
        await keys.press("escape", "j", "enter")
        await keys.miss("Exclude Inbox")


async def test_a_place_opens_at_its_first_screen_unless_something_was_begun_there(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("2", "j", "enter")
        await keys.see("Latest detail")
        await keys.press("1", "2")
        await keys.miss("Latest detail")
        assert len(app.screen_stack) == 1
        await keys.press("c", "enter", "1", "2")
        await keys.see("[schedule]")


async def test_facts_can_not_be_marked(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("2", "j", "enter")
        await keys.see("Latest detail")
        await keys.press("space", "space")
        assert " marked" not in shown(app)


async def test_a_proposed_file_name_shows_its_start_and_ctrl_s_takes_it(
    app: MseTuiApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder := tmp_path / ("long" * 20)).mkdir()
    monkeypatch.chdir(folder)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("3", "enter", "j", "enter", "j", "enter")
        await keys.see("Dear Ann")
        await keys.press("w")
        await keys.see(str(tmp_path)[:20])
        await keys.press("ctrl+s")
        await keys.miss("Write to which file?")
        await until(pilot, lambda: len(list(folder.glob("*Figures, week 38.eml"))) == 1, "the file")


async def test_running_on_the_first_five_mailboxes(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("2", "R")
        await keys.see("starting small")
        await keys.press("j", "j", "j", "enter")
        await keys.see("told to run")
    assert commands_given() == [("Before the move", "run now", {"first": 5})]


async def test_stopping_pausing_and_resuming(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("2", "j", "j", "x")
        await keys.see("Stop: 'Everyone, nightly'?")
        await keys.press("enter")
        assert commands_given() == []
        await keys.press("x", "j", "enter")
        await keys.see("told to stop")
        await keys.press("p")
        await keys.see("told to pause")
        assert [verb for _, verb, _ in commands_given()] == ["stop", "pause"]
        Command.delete().execute()
        Task.update(paused=True).where(Task.description == "Everyone, nightly").execute()
        await keys.press("r")
        await keys.see("Paused")
        await keys.press("p")
        await keys.see("told to go on")
    assert [verb for _, verb, _ in commands_given()] == ["resume"]


async def test_removing_cancels_by_default_and_offers_to_keep_the_history(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("2", "j", "D")
        screen = await keys.see("resets the Full view")
        assert "'Board, office hours'" in screen
        await keys.press("enter")
        await keys.miss("resets the Full view")
        assert commands_given() == []
        await keys.press("D", "j", "enter")
        await until(pilot, lambda: bool(commands_given()), "the command")
        assert commands_given() == [("Board, office hours", "remove", {"keep_history": True})]
        Command.delete().execute()
        await keys.press("D", "j", "j", "enter")
        await until(pilot, lambda: bool(commands_given()), "the command")
    assert commands_given() == [("Board, office hours", "remove", {"keep_history": False})]


@pytest.mark.parametrize(
    ("kind", "says", "choices"),
    [
        ("MPS", "No other task follows 3 grants", ["take the grants back", "leave the grants in force"]),
        ("MGF", "Folders that it made stay", []),
        ("MSM", "Stubs stay in mailboxes", []),
    ],
)
async def test_removing_says_what_becomes_of_what_the_task_did(
    app: MseTuiApp, kind: str, says: str, choices: list[str]
) -> None:
    Task.update(type=kind).where(Task.description == "Before the move").execute()
    AccessGrant.update(granted_by="task 'Before the move'").where(AccessGrant.origin == "synced").execute()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("2", "D")
        screen = await keys.see(says)
        assert "logs stay" in screen and "Full view" not in screen and "full execution" not in screen
        assert all(each in screen for each in choices)
        await keys.press("j", *(["j"] if choices else []), "enter")
        await until(pilot, lambda: bool(commands_given()), "the command")
    kept = {"keep_grants": True} if choices else {}
    assert commands_given() == [("Before the move", "remove", {"keep_history": True, **kept})]


async def test_of_tasks_of_several_types_the_grants_can_be_left_in_force_too(app: MseTuiApp) -> None:
    going = Task.description.in_(["Before the move", "Board, office hours"])
    Task.update(type="MPS").where(Task.description == "Before the move").execute()
    AccessGrant.update(granted_by="task 'Before the move'").where(AccessGrant.origin == "synced").execute()
    Task.delete().where(~going).execute()
    async with app.run_test(size=(100, 40), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("2", "space", "space", "D")
        await keys.see("keep the folder history and leave the grants in force")
        await keys.press("j", "j", "j", "enter")
        await until(pilot, lambda: len(commands_given()) == 2, "the commands")
    assert {str(told) for _, _, told in commands_given()} == {"{'keep_history': True, 'keep_grants': True}"}


async def test_a_refused_command_is_explained_in_full(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("2", "j", "j", "R", "j", "enter")
        screen = await keys.see("is running already")
        assert "Wait for its end, or stop it." in screen
    assert commands_given() == []


async def test_marked_tasks_are_told_together(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("2", "space", "space", "p")
        await keys.see("Pause or resume 2 tasks?")
        await keys.press("j", "enter")
        await keys.see("2 tasks: told to pause")
    assert [name for name, _, _ in commands_given()] == ["Before the move", "Board, office hours"]


async def test_filter_narrows_and_escape_widens(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("2", "slash")
        await keys.type("board")
        screen = await keys.see("Board, office hours")
        assert "Shared mailboxes" not in screen
        await keys.press("enter", "escape")
        await keys.see("Shared mailboxes")


@pytest.mark.parametrize(("into", "out"), [("l", "h"), ("right", "left")])
async def test_lists_are_stepped_into_and_out_of_sideways(app: MseTuiApp, into: str, out: str) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        await keys.press("3", into)
        await keys.see("Prosjekter")
        await keys.press("j", into)
        await keys.see("week 38")
        await keys.press(out)
        await keys.see("Prosjekter")
        await keys.press(out)
        await keys.see("carla.moreau")


@pytest.mark.parametrize(("after", "before"), [("l", "h"), ("right", "left")])
async def test_tabs_and_days_are_gone_through_sideways(app: MseTuiApp, after: str, before: str) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        await keys.press("2", "j", "enter")
        await keys.see("Latest detail")
        await keys.press(before)
        await keys.see("Next five")
        await keys.press(after, after)
        await keys.see("1 of 2 mailboxes needs attention")


@pytest.mark.parametrize(("after", "before"), [("l", "h"), ("right", "left")])
async def test_choices_of_a_dialog_are_gone_through_sideways(app: MseTuiApp, after: str, before: str) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        await keys.press("2", "j", "D")
        await keys.see("resets the Full view")
        choices = app.screen.query_one("#choices", PagedList)
        await keys.press(after)
        assert choices.cursor == 1
        await keys.press(before)
        assert choices.cursor == 0


async def test_the_key_of_a_place_shows_all_that_it_lists(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        await keys.press("2")
        await keys.see("All types")
        await keys.press("t", "t")
        await keys.see("No task of this type. Press t for the next one, 2 for all.")
        await keys.press("2")
        await keys.see("All types")
        await keys.press("slash")
        await keys.type("board")
        await keys.press("enter")
        await keys.miss("Shared mailboxes")
        await keys.press("1", "2")
        await keys.see("Shared mailboxes")


@pytest.mark.parametrize("place", ["2", "3", "5", "6"])
async def test_a_filter_that_nothing_matches_says_so_and_how_to_see_all(app: MseTuiApp, place: str) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        await keys.press(place, "slash")
        await keys.type("qqq")
        await keys.press("enter")
        screen = await keys.see("Nothing matches the filter. Esc shows all.")
        assert "create one" not in screen
        await keys.press("escape")
        await keys.miss("Nothing matches")


async def test_fields_keep_their_letters_and_their_left(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        await keys.press("5", "c", "enter")
        await keys.see("Name")
        await keys.type("hl")
        await keys.press("left", "h")
        await keys.see("hhl")


async def test_logs_open_down_to_one_mailbox_and_say_what_to_do(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("2", "j", "enter", "s")
        await keys.see("1 of 2 mailboxes needs attention")
        await keys.press("enter")
        await keys.see("bo.akerman")
        await keys.press("j", "enter")
        screen = await keys.see("Counters")
        assert "item-corrupt" in screen
        assert "Open the item in Outlook" in screen
        await keys.press("escape", "escape")
        await keys.see("Options")


async def test_another_schedule_for_a_task(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("2", "enter", "e", "enter")
        await keys.see("Which schedule?")
        await keys.type("office")
        await keys.press("enter")
        await until(pilot, lambda: Task.get(Task.description == "Before the move").schedule.name == "Office hours")


async def test_browsing_the_archive_live_full_and_as_of(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("3", "enter")
        await keys.see("Live view: 6 folders, 40 messages")
        await keys.press("j", "enter")
        await keys.see("Live view: 39 messages")
        await keys.press("v", "j", "enter")
        await keys.see("Full view: 40 messages")
        await keys.press("v", "j", "j", "enter")
        await keys.see("As of when?")
        await keys.press("ctrl+u")
        await keys.type("2026-02-25 12:00")
        await keys.press("enter")
        await keys.see("as of 2026-02-25 12:00: 40 messages")
        await keys.press("j", "j", "enter")
        screen = await keys.see("Dear Ann")
        assert "figures.csv" in screen
        assert "Figures, week 38" in screen
    actions = [row.action for row in Audit.select().order_by(Audit.id)]
    assert actions.count("look into archive") == 1
    assert actions.count("read message") == 1


async def test_a_message_is_written_to_a_file_byte_for_byte(app: MseTuiApp, tmp_path: Path) -> None:
    target = tmp_path / "out.eml"
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("3", "enter", "j", "enter", "j", "enter")
        await keys.see("Dear Ann")
        await keys.press("w", "ctrl+u")
        await keys.type(str(target))
        await keys.press("enter")
        await until(pilot, target.exists, "the file")
        await keys.press("w", "ctrl+u")
        await keys.type(str(target))
        await keys.press("enter")
        await keys.see("is there already")
    assert target.read_bytes() == mime(38, "Figures, week 38")
    assert target.stat().st_mode & 0o777 == 0o600


async def test_finding_in_a_long_list(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("3", "enter", "j", "enter", "slash")
        await keys.type("week 1")
        await keys.press("enter")
        await keys.see("Figures, week 19")
        messages = app.screen.query_one("#messages")
        await until(pilot, lambda: messages.current and "week 19" in messages.current.whole, "the first match")
        await keys.press("n")
        await until(pilot, lambda: messages.current and "week 18" in messages.current.whole, "the next match")
        await keys.press("N")
        await until(pilot, lambda: messages.current and "week 19" in messages.current.whole, "the match before")


async def test_palette_finds_and_runs_a_command(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("2", "colon")
        await keys.type("full res")
        await keys.press("enter")
        await keys.see("Full resync: 'Before the move'?")
        await keys.press("j", "enter")
        await keys.see("told to resync")
    assert [verb for _, verb, _ in commands_given()] == ["full resync"]


async def test_palette_goes_to_places_too(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("ctrl+p")
        await keys.type("schedules")
        await keys.press("enter")
        await keys.see("Office hours")
        assert app.current_mode == "schedules"


async def test_help_names_every_key_of_the_screen(app: MseTuiApp) -> None:
    async with app.run_test(size=(100, 60), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("2", "question_mark")
        screen = await keys.see("On this screen")
        for command in type(app.screen_stack[0]).KEYS:
            assert command.label in screen
        await keys.press("escape")
        await keys.miss("On this screen")


async def test_themes_cycle_and_are_remembered(app: MseTuiApp, seeded: Home) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await Keys(pilot).press("f2")
        assert app.theme == "light"
    assert MseTuiApp(seeded).theme == "light"


def test_without_colour_the_terminal_s_own_colours_are_used(seeded: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert MseTuiApp(seeded).theme == "ansi-dark"


async def test_editing_a_definition_and_deleting_an_unused_one(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("5", "D")
        screen = await keys.see("is used by")
        assert "Before the move" in screen
        await keys.press("enter", "e")
        await keys.see("Exclude Inbox")
        await keys.press("tab", "space", "ctrl+s")
        await until(pilot, lambda: len(app.screen_stack) == 1, "the form's end")
        screen = await keys.see("Exclude Inbox")
        assert "on" in next(line for line in screen.splitlines() if "Exclude Inbox" in line)


async def test_quitting_with_an_engine_inside_says_that_schedules_rest(seeded: Home) -> None:
    engine = FakeEngine(here=True)
    app = MseTuiApp(seeded, engine=engine, clock=lambda: NOW)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.see("engine here")
        await keys.press("q")
        screen = await keys.see("schedules rest")
        assert "mse-tui engine" in screen
        await keys.press("enter")
        assert app.is_running
        await keys.press("q", "j")
        await pilot.press("enter")
        await until(pilot, lambda: app._exit, "the end")


async def test_ctrl_c_asks_what_q_asks_and_asks_once(seeded: Home) -> None:
    app = MseTuiApp(seeded, engine=FakeEngine(here=True), clock=lambda: NOW)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.see("engine here")
        await pilot.press("ctrl+c", "ctrl+c", "ctrl+q")
        screen = await keys.see("Quit mse-tui?")
        assert "ctrl+q" not in screen
        await keys.press("enter")
        await keys.miss("Quit mse-tui?")
        assert app.is_running


@pytest.mark.parametrize("key", ["q", "ctrl+c", "ctrl+q"])
async def test_leaving_asks_before_a_new_task_that_was_begun_is_lost(app: MseTuiApp, key: str) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("2", "c", "enter", "3", key)
        await keys.see("Quit mse-tui?")
        assert "The new task that was begun is lost." in shown(app)
        await keys.press("enter")
        assert app.is_running
        await keys.press("2")
        await keys.see("[schedule]")
        await keys.press(key, "j")
        await pilot.press("enter")
        await until(pilot, lambda: app._exit, "the end")


async def test_leaving_asks_before_a_form_that_was_filled_in_is_lost(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("5", "e")
        await keys.see("Exclude Inbox")
        await keys.type("New ")
        await keys.press("ctrl+q")
        await keys.see("Quit mse-tui?")
        await keys.press("escape")
        assert "New " in await keys.see("Exclude Inbox")
        await keys.press("ctrl+c")
        assert app.is_running


@pytest.mark.parametrize("presses", [["2", "c"], ["5", "e"]], ids=["new task", "form"])
async def test_leaving_does_not_ask_where_nothing_was_begun(app: MseTuiApp, presses: list[str]) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press(*presses)
        await pilot.press("ctrl+q")
        await until(pilot, lambda: app._exit, "the end")


async def test_a_change_by_another_connection_shows_without_a_key(app: MseTuiApp, seeded: Home) -> None:
    import sqlite3

    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.see("4,312")
        await until(pilot, app._watcher._thread.is_alive, "the watcher")
        await pilot.pause(1.2)
        with sqlite3.connect(seeded.database) as other:
            other.execute("UPDATE progress SET items = 5000")
        other.close()
        await keys.see("5,000")


async def test_hidden_places_read_nothing(app: MseTuiApp, monkeypatch: pytest.MonkeyPatch) -> None:
    from mse_tui.screens.dashboard import DashboardScreen

    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.see("Recent activity")
        read = []

        def reload(self: DashboardScreen) -> None:
            read.append(self)

        monkeypatch.setattr(DashboardScreen, "reload", reload)
        await keys.press("2")
        app.post_message(app.DataChanged())
        await settle(pilot)
        assert read == []
        await keys.press("1")
        assert len(read) >= 1


async def test_empty_places_say_what_to_press(store: Home) -> None:
    app = MseTuiApp(store, clock=lambda: NOW)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.see("Press c: new task")
        for place, hint in (("2", "Press c"), ("3", "Press 2"), ("4", "Press 2"), ("5", "Press c"), ("6", "Press c")):
            await keys.press(place)
            assert hint in shown(app)


async def test_what_comes_next_is_named_in_full_at_eighty_columns(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        await keys.see("Recent activity")
        await settle(pilot)
        right = [line[43:].strip() for line in shown(app).splitlines()]
        coming = right[right.index("Next") :][:4]
        assert coming == ["Next", "10:36  Board, office hours", "23:00  Everyone, nightly", "23:00  Shared mailboxes"]


async def test_a_mailbox_that_a_pause_cut_short_reads_as_paused_not_as_skipped(app: MseTuiApp) -> None:
    MailboxResult.update(light="none", reason="paused", message="Paused by carl.").where(
        MailboxResult.address == f"bo.akerman@{DOMAIN}"
    ).execute()
    async with app.run_test(size=(120, 40)) as pilot:
        keys = Keys(pilot)
        await keys.press("2", "j", "enter", "s", "enter", "j")
        screen = await keys.see("- paused")
        assert "- skipped" not in screen
        assert "1 success)" in screen
