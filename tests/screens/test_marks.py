"""Marking several lines, and what one command does with all of them, by keys alone."""

import pytest

from mse_tui.actions.archive_reading import packs_of
from mse_tui.app import MseTuiApp
from mse_tui.archive.indexing import Indexing
from mse_tui.store.models import Audit, Definition, Execution, MailboxResult, Schedule, Task
from mse_tui.widgets.line_list import LineList
from mse_tui.widgets.lines import Column, line
from tests.screens.care_seed import seed_stubs
from tests.screens.conftest import Keys, assert_reads_as_golden, shown, until
from tests.screens.seed import NOW
from tests.screens.test_journeys import commands_given
from tests.screens.test_roles import flat


def marked(app: MseTuiApp) -> list[str]:
    return [one.cells[0].text for one in app.screen.query_one("#tasks").marked]


async def test_the_key_line_says_how_many_are_marked_and_u_or_escape_takes_the_marks_away(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        await keys.press("2", "space", "space")
        await keys.see("2 marked  u Unmark")
        await keys.press("k", "space")
        await keys.see("1 marked")
        await keys.press("u")
        await keys.miss("marked")
        await keys.press("space")
        await keys.see("1 marked")
        await keys.press("escape")
        await keys.miss("marked")
        assert len(app.screen_stack) == 1


async def test_marks_outlast_reading_again_sorting_a_filter_and_the_choice_of_a_type(app: MseTuiApp) -> None:
    Task.update(type="CAL").where(Task.description == "Board, office hours").execute()
    async with app.run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        await keys.press("2", "space", "space")
        both = ["Before the move", "Board, office hours"]
        for _ in range(8):
            await keys.press("s")
            assert sorted(marked(app)) == both
        await keys.press("r")
        assert marked(app) == both
        await keys.press("slash")
        await keys.type("board")
        await keys.press("enter")
        await keys.see("2 marked (1 hidden)")
        await keys.press("escape")
        await keys.see("2 marked  u")
        await keys.press("t")
        await keys.see("2 marked (1 hidden)")
        await keys.press("F")
        screen = await keys.see("Full resync: 2 tasks?")
        assert "Before the move  (MFR)" in screen
        assert "Board, office hours  (CAL)" in screen


async def test_a_task_that_is_gone_takes_its_mark_along(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        await keys.press("2", "space", "space")
        await keys.see("2 marked")
        Task.delete().where(Task.description == "Before the move").execute()
        await keys.press("r")
        await keys.see("1 marked")


@pytest.mark.parametrize(
    ("key", "title", "presses", "verb"),
    [
        ("R", "Run now: 2 tasks", ["j"], "run now"),
        ("p", "Pause or resume 2 tasks?", ["j"], "pause"),
        ("F", "Full resync: 2 tasks?", ["j"], "full resync"),
        ("D", "Remove 2 tasks?", ["j"], "remove"),
    ],
)
async def test_one_question_names_all_and_cancels_by_default(
    app: MseTuiApp, key: str, title: str, presses: list[str], verb: str
) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("2", "space", "space", key)
        screen = await keys.see(title)
        assert "Before the move  (MFR)" in screen
        assert "Board, office hours  (MFR)" in screen
        await keys.press("enter")
        await keys.miss(title)
        assert commands_given() == []
        assert len(marked(app)) == 2
        await keys.press(key, *presses, "enter")
        await keys.see("2 tasks: told to")
        await until(pilot, lambda: not marked(app), "the marks' end")
    assert [(name, given) for name, given, _ in commands_given()] == [
        ("Before the move", verb), ("Board, office hours", verb),
    ]  # fmt: skip


async def test_what_is_refused_to_one_is_done_for_the_others_and_told_in_a_line(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("2", "space", "j", "space", "space", "x", "j", "enter")
        screen = await keys.see("2 of 3 refused")
        assert "Everyone, nightly" in next(one for one in screen.splitlines() if "Done" in one)
        assert "Before the move: The task 'Before the move' is not running." in flat(screen)
        await keys.press("escape")
        assert marked(app) == ["Before the move", "Shared mailboxes"]
    assert commands_given() == [("Everyone, nightly", "stop", {})]


async def test_paused_ones_are_resumed_and_the_others_paused(app: MseTuiApp) -> None:
    Task.update(paused=True).where(Task.description == "Before the move").execute()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("2", "space", "space", "p")
        screen = await keys.see("Pause the 1 that is not paused")
        assert "Resume the 1 that is paused" in screen
        await keys.press("j", "j", "enter")
        await keys.see("'Before the move': told to go on")
        assert [(name, verb) for name, verb, _ in commands_given()] == [("Before the move", "resume")]


async def test_many_names_scroll_and_the_choices_stay_in_sight(app: MseTuiApp) -> None:
    one = Task.get(Task.description == "Before the move").__data__
    for number in range(30):
        Task.create(**{**one, "id": None, "description": f"Branch {number:02}"})
    async with app.run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        await keys.press("2", *["space"] * 32, "D")
        screen = await keys.see("Remove 32 tasks?")
        assert "Before the move" in screen and "reset the Full view" in screen
        assert "Branch 29" not in screen
        await keys.press("k")
        await keys.see("Branch 29")
        await keys.press("enter")
        await keys.see("Remove 32 tasks?")
        await keys.press("j", "enter")
        await keys.miss("Remove 32 tasks?")
    assert commands_given() == []


async def test_the_question_about_several_reads_as_it_did(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        await keys.see("Recent activity")
        await keys.press("2", "space", "space", "D")
        await keys.see("Remove 2 tasks?")
        assert_reads_as_golden("remove-several-80x24", shown(app))


async def test_a_task_that_takes_mail_away_is_run_after_a_question_that_cancels_by_default(app: MseTuiApp) -> None:
    Task.update(type="MSM").where(Task.description == "Before the move").execute()
    async with app.run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        await keys.press("2", "R")
        await keys.see("Run now: 'Before the move'")
        await keys.press("enter")
        await keys.miss("Run now")
    assert commands_given() == []


@pytest.mark.parametrize(("place", "model", "kind"), [("5", Definition, "definition"), ("6", Schedule, "schedule")])
async def test_what_tasks_use_is_not_deleted_and_the_tasks_are_named(
    app: MseTuiApp, place: str, model: type[Definition] | type[Schedule], kind: str
) -> None:
    free = model.get_by_id(1).__data__
    model.create(**{**free, "id": None, "name": "A spare one"})
    model.create(**{**free, "id": None, "name": "A spare two"})
    used = next(row for row in model.select().order_by(model.name) if Task.select().where(getattr(Task, kind) == row))
    async with app.run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        await keys.press(place)
        await keys.see(used.name)
        lines = shown(app).splitlines()
        names = [line[1:].split("  ")[0] for line in lines[3:] if line[1:2].isupper()]
        await keys.press("space", "space", "g", *["j"] * names.index(used.name), "D")
        await keys.see(f"Delete 2 {kind}s?")
        await keys.press("escape", "space", "D")
        screen = await keys.see(f"Delete 3 {kind}s?")
        assert "A spare one" in screen and "A spare two" in screen
        assert f"{used.name}  (stays: used by" in screen
        await keys.press("enter")
        assert model.select().where(model.name.startswith("A spare")).count() == 2
        await keys.press("D", "j", "enter")
        screen = await keys.see("1 of 3 refused")
        tasks = [task.description for task in Task.select().where(getattr(Task, kind) == used)]
        assert tasks
        assert all(task in flat(screen) for task in tasks)
        assert not model.select().where(model.name.startswith("A spare")).exists()
        await keys.press("escape", "D")
        screen = await keys.see("is used by")
        assert all(task in flat(screen) for task in tasks)
    assert Audit.select().where(Audit.action == f"remove {kind}").count() == 2


@pytest.mark.parametrize(("place", "model", "kind"), [("5", Definition, "definition"), ("6", Schedule, "schedule")])
async def test_what_tasks_used_when_it_was_read_is_not_deleted_unasked(
    app: MseTuiApp, place: str, model: type[Definition] | type[Schedule], kind: str
) -> None:
    used = Task.select().first()
    thing = getattr(used, kind)
    model.delete().where(model.id != thing.id, model.id.not_in(Task.select(getattr(Task, kind)))).execute()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press(place)
        await keys.see(thing.name)
        lines = shown(app).splitlines()
        names = [line[1:].split("  ")[0] for line in lines[3:] if line[1:2].isupper()]
        await keys.press("g", *["j"] * names.index(thing.name))
        app.screen.load = lambda: app.screen.shown
        Task.delete().where(getattr(Task, kind) == thing).execute()
        await keys.press("D")
        await keys.see("No task uses it any more")
    assert model.get_or_none(model.id == thing.id) is not None


async def test_revoking_links_of_several_stubs_names_them(app: MseTuiApp) -> None:
    seed_stubs()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("9")
        await keys.see("Figures, week 1")
        await keys.press("space", "space", "space", "U")
        screen = await keys.see("can't be taken back")
        assert "Figures, week 1  (ann" in screen
        await keys.press("j", "enter")
        await keys.see("links revoked")
        await keys.miss("marked")


async def test_grants_are_revoked_together_as_far_as_they_were_given_by_hand(app: MseTuiApp) -> None:
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("3", "a")
        await keys.see("help.desk")
        grants = len(app.screen.shown)
        await keys.press(*["space"] * grants, "D")
        await keys.see(f"Take back {grants} grants?")
        await keys.press("j", "enter")
        await keys.see("refused")
        await keys.press("escape")
        await until(pilot, lambda: len(app.screen.shown) < grants, "the revocation")
        assert all(row.origin.value != "manual" for row in app.screen.shown)


def test_a_list_without_marks_chooses_the_line_under_the_cursor() -> None:
    listed = LineList([Column("", 10)])
    assert listed.chosen == []
    assert listed.marked == []


def test_every_line_says_what_is_copied_of_it_in_printable_text() -> None:
    assert line("1", "a", copies="x\x1b]52;c;evil\x07\ny").copies == "x\\x1b]52;c;evil\\x07\ny"


async def test_marked_problems_are_run_again_together(app: MseTuiApp) -> None:
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.see("Needs attention")
        await keys.press("space", "space", "R")
        screen = await keys.see("Run now: 2 tasks")
        assert "Shared mailboxes  (MFR)" in screen and "Board, office hours  (MFR)" in screen
        assert "Cancel" in screen
        await keys.press("G", "enter")
        await keys.see("2 tasks: told to run")
        await keys.miss("marked")
    given = {name: arguments.get("mailboxes") for name, _, arguments in commands_given()}
    assert set(given) == {"Shared mailboxes", "Board, office hours"}
    assert all(given.values())


async def test_a_mark_stays_on_its_problem_when_others_go(app: MseTuiApp) -> None:
    async with app.run_test(size=(100, 30)) as pilot:
        keys = Keys(pilot)
        await keys.see("Needs attention")
        section = app.screen.query_one("#troubles")
        await keys.press("j", "space")
        [before] = [one.cells[0].text for one in section.marked]
        assert before == "Board, office hours"
        gone = Task.get(Task.description == "Shared mailboxes")
        Execution.delete().where(Execution.task == gone).execute()
        gone.delete_instance()
        await keys.press("r")
        await until(
            pilot,
            lambda: "Shared mailboxes" not in [one.subject for one in app.screen.shown.troubles],
            "its problem's end",
        )
        assert [one.cells[0].text for one in section.marked] == [before]


async def test_marked_mailboxes_of_an_execution_are_run_again(app: MseTuiApp) -> None:
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("2", "j", "enter", "s", "enter")
        await keys.see("bo.akerman")
        await keys.press("space", "space", "R")
        await keys.see("only the 2 mailboxes that are marked")
        await keys.press("G", "k", "enter")
        await keys.see("told to run")
        await keys.miss("marked")
    [(_, verb, arguments)] = commands_given()
    assert verb == "run now"
    assert len(arguments["mailboxes"]) == 2


async def test_entries_of_a_group_that_are_no_mailboxes_are_not_run_again(app: MseTuiApp) -> None:
    task = Task.get(Task.description == "Board, office hours")
    execution = Execution.select().where(Execution.task == task).order_by(Execution.started.desc()).first()
    MailboxResult.create(
        execution=execution, position=3, address="CN=Auditors,OU=Groups,DC=fjordline", started=NOW, finished=NOW,
        light="orange", reason="member-unreadable",
    )  # fmt: skip
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("2", "j", "enter", "s", "enter")
        await keys.see("CN=Auditors")
        await keys.press("space", "space", "space", "R")
        await keys.see("only the 2 mailboxes that are marked")
        await keys.press("escape", "escape", "G", "enter")
        await keys.see("(3 of 2)")
        await keys.press("R")
        screen = await keys.see("Run now: ")
        assert "Again: only CN=" not in screen


async def test_marks_of_a_search_end_with_it(app: MseTuiApp) -> None:
    Indexing(packs_of(app.home), app.home.search_index, clock=lambda: NOW).run()
    async with app.run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        await keys.press("3", "s")
        await keys.type("ferry")
        await keys.press("enter")
        await keys.see("hits")
        await until(pilot, lambda: app.screen.main_list.count > 1, "the hits")
        await keys.press("space", "space")
        await keys.see("2 marked")
        await keys.press("slash")
        await keys.type(" bergen")
        await keys.press("enter")
        await keys.miss("marked")
