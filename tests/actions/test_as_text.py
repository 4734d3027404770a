"""The site as a text: exporting and applying give the same site, all or nothing."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from mse_tui.actions.as_text import apply, export_text, plan
from mse_tui.actions.commands import pause, resume
from mse_tui.actions.definitions import create_definition
from mse_tui.actions.maintenance import set_maintenance_windows
from mse_tui.actions.opening import open_site
from mse_tui.actions.retention import set_retention
from mse_tui.actions.sites import disable_site
from mse_tui.actions.steps import Change
from mse_tui.home import Home
from mse_tui.reasons import Problem, Reason
from mse_tui.store import queries
from mse_tui.store.database import close_database
from mse_tui.store.models import ArchiveMailbox, Command, Task
from mse_tui.terms import TaskType, Verb
from tests.actions.conftest import Ready

TEXT = """
[[definition]]
type = "MFR"
name = "Without deleted items"
settings = {exclude_deleted_items = true}

[[schedule]]
name = "Office hours"
[schedule.settings]
zone = "Europe/Berlin"
[schedule.settings.timing]
kind = "weekly"
days = ["Mon", "Fri"]
times = {repeat = "many", from = "08:00", to = "18:00", every_minutes = 30}

[[task]]
description = "Sales"
type = "MFR"
definition = "Without deleted items"
schedule = "Office hours"
group = "ann@example.com; bo@example.com"
"""


def test_what_was_exported_changes_nothing(ready: Ready) -> None:
    ready.task()
    assert plan(export_text()) == []
    assert plan(export_text(), prune=True) == []


def test_a_text_makes_a_site(store: Home) -> None:
    open_site(store)
    assert [(step.change, step.kind, step.name) for step in plan(TEXT)] == [
        (Change.CREATE, "definition", "MFR Without deleted items"),
        (Change.CREATE, "schedule", "Office hours"),
        (Change.CREATE, "task", "Sales"),
    ]
    assert queries.tasks_of_type() == []
    assert apply(TEXT) != []
    assert apply(TEXT) == []
    (task,) = queries.tasks_of_type()
    assert (task.definition, task.schedule, task.group) == (
        "Without deleted items", "Office hours", "ann@example.com; bo@example.com",
    )  # fmt: skip
    assert {row.action for row in queries.audit()} >= {"create definition", "create schedule", "create task"}


def test_another_site_is_made_the_same(ready: Ready, tmp_path: Path) -> None:
    ready.task()
    ready.task("Board", "Zoë <zoe@example.com>")
    text = export_text()
    close_database()
    open_site(Home.open(tmp_path / "other"))
    apply(text)
    assert export_text() == text


def test_weekly_maintenance_is_part_of_it(ready: Ready, tmp_path: Path) -> None:
    set_maintenance_windows(ready.site, ["Sun 02:00-06:00 Europe/Oslo"])
    text = export_text()
    assert plan(text, prune=True) == []
    (step,) = apply('[maintenance]\nwindows = ["sunday 3:00-06:00 Europe/Oslo"]')
    assert step.settings == {"windows": (("Sun 02:00-06:00 Europe/Oslo",), ("Sun 03:00-06:00 Europe/Oslo",))}
    assert apply("") == [], "what a text does not name is left alone"
    assert [one.kind for one in apply("", prune=True) if one.kind == "maintenance"] == [], "nor is it pruned"
    assert queries.sites()[0].maintenance_windows == ("Sun 03:00-06:00 Europe/Oslo",)
    (step,) = apply("[maintenance]\nwindows = []")
    assert queries.sites()[0].maintenance_windows == ()
    with pytest.raises(Problem, match="leave no time free"):
        plan('[maintenance]\nwindows = ["Mon-Sun 00:00-24:00 UTC"]')
    close_database()
    open_site(Home.open(tmp_path / "other"))
    apply(text)
    assert export_text() == text


def test_the_site_its_retention_and_what_is_paused_are_part_of_it(ready: Ready, tmp_path: Path) -> None:
    task = ready.task()
    ready.task("Board", "bo@example.com")
    ArchiveMailbox.create(guid="1", address="ann@example.com", display_name="Ann")
    set_retention({"minimum_days": 365, "maximum_days": 3650})
    set_retention({"minimum_days": 2555}, "ann@example.com")
    disable_site(ready.site)
    pause(task)
    text = export_text()
    assert plan(text) == plan(text, prune=True) == []
    close_database()
    open_site(Home.open(tmp_path / "other"))
    ArchiveMailbox.create(guid="1", address="Ann@example.com", display_name="Ann")
    apply(text)
    assert export_text().replace("Ann@", "ann@") == text
    assert not queries.sites()[0].enabled
    assert [row.verb for row in Command.select()] == [Verb.PAUSE]
    apply(text.replace("paused = true", "paused = false").replace("enabled = false", "enabled = true"))
    assert [row.verb for row in Command.select().order_by(Command.id)] == [Verb.PAUSE, Verb.RESUME]
    assert queries.sites()[0].enabled


def test_what_is_to_be_paused_is_told_so_although_an_engine_has_yet_to_resume_it(ready: Ready) -> None:
    task = ready.task()
    Task.update(paused=True).where(Task.id == task).execute()
    text = export_text()
    resume(task)
    assert [step.settings for step in plan(text)] == [{"paused": (False, True)}]
    apply(text)
    assert [row.verb for row in Command.select().order_by(Command.id)] == [Verb.RESUME, Verb.PAUSE]
    assert plan(text) == []


def test_what_a_mailbox_keeps_waits_until_it_is_archived(ready: Ready) -> None:
    text = '[[retention]]\nminimum_days = 30\n[[retention]]\nmailbox = "ann@example.com"\nminimum_days = 60\n'
    first, second = apply(text)
    assert (first.change, second.change, second.name) == (Change.CHANGE, Change.LATER, "ann@example.com")
    ArchiveMailbox.create(guid="1", address="ann@example.com", display_name="Ann")
    (step,) = apply(text)
    assert (step.change, step.settings) == (Change.CHANGE, {"minimum_days": (None, 60)})
    (step,) = plan("[[retention]]\nminimum_days = 10\n")
    assert step.question == "let the archive keep for a shorter time than now"
    assert [one for one in plan("", prune=True) if one.kind == "retention"] == []


def test_a_change_says_what_was_before(ready: Ready) -> None:
    ready.task()
    text = export_text().replace("exclude_inbox = false", "exclude_inbox = true")
    (step,) = plan(text)
    assert (step.change, step.settings) == (Change.CHANGE, {"exclude_inbox": (False, True)})
    apply(text)
    assert queries.definitions()[0].settings["exclude_inbox"] is True


def test_a_task_gets_another_definition_that_is_created_before(ready: Ready) -> None:
    ready.task()
    text = TEXT.replace('description = "Sales"', 'description = "sales"').replace(
        'group = "ann@example.com; bo@example.com"', 'group = "ann@example.com"'
    )
    steps = apply(text)
    assert [step.change for step in steps] == [Change.CREATE, Change.CREATE, Change.CHANGE]
    assert queries.tasks_of_type()[0].definition == "Without deleted items"


def test_all_or_nothing(ready: Ready) -> None:
    before = export_text()
    entries = len(queries.audit(1000))
    refused = TEXT + TEXT[TEXT.index("[[task]]") :].replace("Sales", "More").replace("ann@example.com;", "nobody;")
    with pytest.raises(Problem) as met:
        apply(refused)
    assert met.value.reason is Reason.ADDRESS_INVALID
    assert export_text() == before
    assert len(queries.audit(1000)) == entries


def test_pruning_removes_what_is_not_named(ready: Ready) -> None:
    task = ready.task()
    text = TEXT.replace('description = "Sales"', 'description = "Others"')
    told = [(step.change, step.kind) for step in apply(text, prune=True)][-3:]
    assert told == [(Change.TELL_TO_GO, "task"), (Change.LATER, "definition"), (Change.LATER, "schedule")]
    (command,) = Command.select().where(Command.task == task)
    assert (command.verb, command.arguments) == (Verb.REMOVE, '{"keep_history": true}')
    Task.delete().where(Task.id == task).execute()
    assert {(step.change, step.kind) for step in apply(text, prune=True)} == {
        (Change.REMOVE, "definition"), (Change.REMOVE, "schedule"),
    }  # fmt: skip
    assert plan(text, prune=True) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[task", "not valid TOML"),
        ("[[tasks]]\n", "tasks"),
        (TEXT.replace("exclude_deleted_items", "exclude_everything"), "exclude_everything"),
        (TEXT.replace("Europe/Berlin", "Europe/Nowhere"), "Europe/Nowhere"),
        (TEXT.replace('type = "MFR"', 'type = "XYZ"'), "definition no. 1: type: 'XYZ' is none of MFR"),
        (TEXT.replace('schedule = "Office hours"', 'schedule = "Nightly"'), "wants the schedule 'Nightly'"),
        (TEXT.replace('definition = "Without', 'definition = "With'), "which there is not"),
        (TEXT + TEXT, "more than one definition"),
    ],
)
def test_what_is_wrong_is_named(store: Home, text: str, says: str) -> None:
    open_site(store)
    with pytest.raises(Problem) as met:
        plan(text)
    assert says in met.value.happened


@pytest.mark.parametrize("part", ["group", "type"])
def test_what_of_a_task_is_fixed_is_not_changed(ready: Ready, part: str) -> None:
    ready.task("Sales", "ann@example.com; bo@example.com")
    apply(TEXT)
    text = TEXT.replace("ann@", "eve@") if part == "group" else TEXT.replace('type = "MFR"', 'type = "MSM"')
    with pytest.raises(Problem):
        plan(text)


_NAMES = some.text(min_size=1, max_size=30).filter(lambda text: text.isprintable() and not text.isspace())


@given(name=_NAMES, pattern=_NAMES)
def test_any_name_comes_back(tmp_path_factory: pytest.TempPathFactory, name: str, pattern: str) -> None:
    open_site(Home.open(tmp_path_factory.mktemp("site") / "home"))
    try:
        create_definition(TaskType.FOLDER_REPLICATION, f"The {name}", {"excluded_folders": [pattern]})
        text = export_text()
        assert tomllib.loads(text)["definition"][0]["name"] == queries.definitions()[0].name
        assert plan(text, prune=True) == []
    finally:
        close_database()
