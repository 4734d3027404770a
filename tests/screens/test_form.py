"""Forms made from models: what is entered is what the model gets, and what is wrong is said beside its field."""

from enum import StrEnum
from typing import Any

import pytest
from pydantic import BaseModel, Field
from textual.app import App, ComposeResult

from mse_tui.app import MseTuiApp
from mse_tui.engine.schedules import ScheduleSettings
from mse_tui.features.folder_replication import FolderReplicationDefinition
from mse_tui.widgets.form import Form
from mse_tui.widgets.inputs import Chooser
from tests.screens.conftest import Keys, shown


class Colour(StrEnum):
    RED = "red"
    DARK_BLUE = "dark_blue"


class Window(BaseModel):
    start: str = Field(title="Start", min_length=5)


class Everything(BaseModel):
    on: bool = Field(False, title="On", description="Whether it is on.")
    number: int = Field(3, title="Number", ge=1)
    name: str = Field("", title="Name")
    maybe: int | None = Field(None, title="Maybe")
    colour: Colour = Field(Colour.RED, title="Colour")
    colours: tuple[Colour, ...] = Field((), title="Colours")
    names: list[str] = Field(default_factory=list, title="Names")
    windows: list[Window] = Field(default_factory=list, title="Windows")


class FormApp(App[None]):
    CSS_PATH = None
    CSS = ".entry, .group, .members { height: auto; } .entry-line { height: 1; } Switch, Chooser { height: 1; }"

    def __init__(self, model: type[BaseModel], values: dict[str, Any] | None = None) -> None:
        super().__init__()
        self.form = Form(model, values)

    def compose(self) -> ComposeResult:
        yield self.form


@pytest.mark.parametrize(
    "settings",
    [
        Everything(),
        Everything(on=True, number=7, name="Åse", maybe=4, colour=Colour.DARK_BLUE, colours=(Colour.RED,),
                   names=["a", "b c"], windows=[Window(start="08:00"), Window(start="22:00")]),
        FolderReplicationDefinition(),
        FolderReplicationDefinition(exclude_inbox=True, excluded_folders=("Projects/Old", "*/Drafts"),
                                    content="metadata only",
                                    full_sync_exclusion_windows=("Mon-Fri 08:00-18:00 Europe/Berlin",)),
        ScheduleSettings.model_validate({"timing": {"kind": "one_off", "at": "2026-04-01T20:00"}, "zone": "UTC"}),
        ScheduleSettings.model_validate(
            {"timing": {"kind": "daily", "times": {"repeat": "many", "from": "07:00", "to": "19:00",
             "every_minutes": 30}}, "zone": "Europe/Oslo", "on_missed": "skip"}
        ),
        ScheduleSettings.model_validate(
            {"timing": {"kind": "weekly", "days": ["Mon", "Thu"], "times": {"repeat": "once", "at": "22:00"}},
             "zone": "Europe/Oslo"}
        ),
    ],
)  # fmt: skip
async def test_a_form_gives_back_the_settings_that_it_was_given(settings: BaseModel) -> None:
    app = FormApp(type(settings), settings.model_dump(mode="json", by_alias=True))
    async with app.run_test(size=(100, 60)):
        assert app.form.checked() == settings


async def test_an_error_is_said_beside_its_field_which_gets_the_focus() -> None:
    app = FormApp(Everything, {"number": 0})
    async with app.run_test(size=(100, 60)) as pilot:
        assert app.form.checked() is None
        await pilot.pause()
        screen = shown(app).splitlines()
        at = next(place for place, text in enumerate(screen) if text.lstrip().startswith("Number"))
        assert any("too small; give a whole number of at least 1" in text for text in screen[at : at + 3])
        assert app.focused is not None
        assert app.focused.value == "0"  # type: ignore[attr-defined]


async def test_a_wrong_time_in_a_union_is_said_beside_it() -> None:
    values = {"timing": {"kind": "daily", "times": {"repeat": "once", "at": "25:00"}}, "zone": "Nowhere/Land"}
    app = FormApp(ScheduleSettings, values)
    async with app.run_test(size=(100, 60)) as pilot:
        assert app.form.checked() is None
        await pilot.pause()
        assert "not an IANA time zone" in shown(app)
        wrong = [entry.spot.title for entry in app.form.query("Entry") if entry.query_one(".entry-error").display]
        assert wrong == ["At", "Time zone"]


async def test_another_kind_brings_its_own_fields() -> None:
    app = FormApp(ScheduleSettings, {"zone": "UTC"})
    async with app.run_test(size=(100, 60)) as pilot:
        kind = app.form.query(Chooser).first()
        kind.focus()
        await pilot.press("right")
        assert kind.value == "daily"
        await pilot.press("right")
        await pilot.pause()
        assert "Days" in shown(app)


async def test_windows_can_be_added_and_taken_away() -> None:
    app = FormApp(Everything)
    async with app.run_test(size=(100, 60)) as pilot:
        app.form.query_one("#add").focus()
        await pilot.press("enter")
        await pilot.press(*"08", "colon", *"00")
        assert app.form.values()["windows"] == [{"start": "08:00"}]
        app.form.query_one("#take").focus()
        await pilot.press("enter")
        await pilot.pause()
        assert app.form.values()["windows"] == []


async def test_all_controls_of_a_form_stand_in_one_column_and_a_choice_says_its_key(app: MseTuiApp) -> None:
    async with app.run_test(size=(100, 40)) as pilot:
        keys = Keys(pilot)
        await keys.see("Recent activity")
        await keys.press("5", "e")
        screen = await keys.see("Include Enterprise Vault shortcuts")
        boxes = {one.index("[ ]") for one in screen.splitlines() if "[ ]" in one}
        assert len(boxes) == 1
        (name,) = (one.region.x for one in app.screen.query("#name"))
        assert {one.region.x for one in app.screen.query("Form Input").results()} == {name}
        app.screen.query("Chooser").first().focus()
        await keys.see("Space changes it")
