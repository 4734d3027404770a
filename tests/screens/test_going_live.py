"""A definition that takes more out of mailboxes than before is asked about first."""

import json

from mse_tui.actions.checks import settings_model
from mse_tui.app import MseTuiApp
from mse_tui.store.models import Definition, Schedule, Site, Task
from mse_tui.terms import TaskType
from tests.screens.conftest import Keys, until
from tests.screens.seed import NOW, addresses


def tidy(*, used: bool) -> Definition:
    settings = settings_model(TaskType.MANAGED_FOLDERS)().model_dump_json()
    made = {"created": NOW, "created_by": "ann", "modified": NOW, "modified_by": "ann"}
    definition = Definition.create(type="MGF", name="Zeal", settings=settings, **made)
    if used:
        Task.create(
            description="Tidy up", site=Site.get(), type="MGF", definition=definition, schedule=Schedule.get(),
            group=addresses(1)[0], **made,
        )  # fmt: skip
    return definition


def is_dry(definition: Definition) -> bool:
    return bool(json.loads(Definition.get_by_id(definition.id).settings)["dry_run"])


async def test_going_live_names_the_tasks_and_is_not_saved_before_somebody_says_so(app: MseTuiApp) -> None:
    definition = tidy(used=True)
    async with app.run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        await keys.press("5")
        await keys.see("Zeal")
        await keys.press("G")
        await keys.see("Default policy")
        await keys.press("e", "tab", "space", "ctrl+s")
        screen = await keys.see("Switch off the dry run of MGF 'Zeal', which has no limit?")
        assert "Tidy up" in screen
        await keys.press("enter")
        await keys.miss("Switch off")
        await keys.see("Ctrl+S saves")
        assert is_dry(definition)
        await keys.press("ctrl+s")
        await keys.see("Switch off the dry run")
        await keys.press("down", "enter")
        await keys.miss("Ctrl+S saves")
    assert not is_dry(definition)


async def test_what_no_task_uses_is_saved_at_once(app: MseTuiApp) -> None:
    definition = tidy(used=False)
    async with app.run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        await keys.press("5")
        await keys.see("Zeal")
        await keys.press("G")
        await keys.see("Default policy")
        await keys.press("e", "tab", "space", "ctrl+s")
        await keys.miss("Ctrl+S saves")
    assert not is_dry(definition)


async def test_a_task_is_given_a_live_definition_only_after_a_question(app: MseTuiApp) -> None:
    definition = tidy(used=True)
    settings = json.dumps({**json.loads(definition.settings), "dry_run": False})
    made = {"created": NOW, "created_by": "ann", "modified": NOW, "modified_by": "ann"}
    live = Definition.create(type="MGF", name="Thorough", settings=settings, **made)
    task = Task.get(Task.description == "Tidy up")
    async with app.run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        app.open_task(task.id)
        await keys.see("Tidy up")
        await keys.press("e")
        await keys.see("Another definition")
        await keys.press("down", "enter")
        await keys.see("Thorough")
        await keys.press("enter")
        await keys.see("Let 'Tidy up' take mail out of mailboxes by MGF 'Thorough'")
        await keys.press("enter")
        await keys.miss("Let 'Tidy up'")
        assert Task.get_by_id(task.id).definition_id == definition.id
        await keys.press("e")
        await keys.see("Another definition")
        await keys.press("down", "enter")
        await keys.see("Thorough")
        await keys.press("enter")
        await keys.see("Let 'Tidy up'")
        await keys.press("down", "enter")
        await until(pilot, lambda: Task.get_by_id(task.id).definition_id == live.id, "the change")
