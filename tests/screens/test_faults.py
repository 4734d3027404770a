"""What nobody foresaw goes wrong: it is told where one looks, and the program goes on, with the engine inside it."""

from collections.abc import Iterator, Sequence

import pytest
from peewee import OperationalError
from pydantic import BaseModel
from textual.app import App, ComposeResult

from mse_tui.actions import requests
from mse_tui.app import MseTuiApp
from mse_tui.archive.export import ExportReport
from mse_tui.reasons import Problem, Reason
from mse_tui.screens.archive_export import Exporting
from mse_tui.screens.dialogs import Notice
from mse_tui.screens.engine_question import EngineQuestions
from mse_tui.screens.form_screen import FormScreen
from mse_tui.store import queries
from mse_tui.widgets.lines import Column, Line, line
from mse_tui.widgets.paged_list import PAGE, PagedList
from tests.screens.conftest import Keys, until


def fails(*_: object) -> None:
    raise ZeroDivisionError("on purpose")


async def test_an_action_that_fails_is_told_and_the_screens_stay(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        await keys.see("Recent activity")
        app.act(fails)
        await keys.see("ZeroDivisionError: on purpose")
        assert isinstance(app.screen, Notice)
        await keys.press("enter")
        await keys.see("Recent activity")


async def test_a_form_whose_saving_fails_says_so_and_keeps_what_was_entered(app: MseTuiApp) -> None:
    class Settings(BaseModel):
        """None."""

    async with app.run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        await keys.see("Recent activity")
        app.push_screen(FormScreen("Settings", Settings, fails, "Kept"))
        await keys.see("Kept")
        await keys.press("ctrl+s")
        await keys.see("ZeroDivisionError: on purpose")
        assert isinstance(app.screen, FormScreen)


async def test_an_export_that_fails_ends_with_its_reason(app: MseTuiApp) -> None:
    def write(_: object) -> ExportReport:
        raise ZeroDivisionError("on purpose")

    outcomes: list[object] = []
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(Exporting("Exporting", 10, write), outcomes.append)
        await until(pilot, lambda: bool(outcomes), "its end")
    [problem] = outcomes
    assert isinstance(problem, Problem)
    assert problem.reason is Reason.INTERNAL


async def test_who_runs_the_engine_is_looked_at_again_after_a_fault(
    app: MseTuiApp, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def sites() -> Iterator[object]:
        raise OperationalError("database is locked")

    async with app.run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        await keys.see("watching")
        with monkeypatch.context() as broken:
            broken.setattr(queries, "sites", sites)
            app.on_mse_tui_app_data_changed()
            await until(pilot, lambda: "Who runs the engine could not be read" in caplog.text, "the log")
        app.engine.here = True  # type: ignore[union-attr]
        app.on_mse_tui_app_data_changed()
        await keys.see("engine here")


async def test_a_question_that_cannot_be_asked_is_answered_with_the_reason(
    app: MseTuiApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "ask", fails)
    told: list[EngineQuestions.Answered | EngineQuestions.Waits] = []
    async with app.run_test(size=(80, 24)) as pilot:
        questions = EngineQuestions()
        await app.screen.mount(questions)
        monkeypatch.setattr(questions, "_tell", lambda _, message: told.append(message))
        questions.ask("browse", {})
        await until(pilot, lambda: bool(told), "the answer")
    [answered] = told
    assert isinstance(answered, EngineQuestions.Answered)
    assert answered.problem is not None
    assert "on purpose" in answered.problem.happened


class Pages:
    """Gives lines, unless it is broken."""

    def __init__(self) -> None:
        self.broken = True
        self.asked = 0

    def fetch(self, offset: int, limit: int) -> Sequence[Line]:
        self.asked += 1
        if self.broken:
            raise OperationalError("database is locked")
        return [line(number, f"line {number}") for number in range(offset, offset + limit)]


class ListApp(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.problems: list[Problem] = []

    def compose(self) -> ComposeResult:
        yield PagedList((Column("Name", 12),))

    def on_paged_list_failed(self, failed: PagedList.Failed) -> None:
        self.problems.append(failed.problem)


async def test_a_page_that_did_not_come_is_told_and_asked_for_again_when_it_is_looked_at() -> None:
    app, pages = ListApp(), Pages()
    async with app.run_test(size=(40, 10)) as pilot:
        found = app.query_one(PagedList)
        found.focus()
        found.set_pages(3 * PAGE, pages.fetch)
        await until(pilot, lambda: bool(app.problems), "the fault")
        await pilot.pause()
        assert pages.asked < 10, "it is not asked for over and over"
        pages.broken = False
        await pilot.press("j")
        await until(pilot, lambda: found.current is not None and found.current.key == "1", "the line")


async def test_a_search_in_a_long_list_that_fails_is_told() -> None:
    app, pages = ListApp(), Pages()
    async with app.run_test(size=(40, 10)) as pilot:
        pages.broken = False
        found = app.query_one(PagedList)
        found.set_pages(3 * PAGE, pages.fetch)
        await until(pilot, lambda: found.current is not None, "the first page")
        pages.broken = True
        found.find("line 250")
        await until(pilot, lambda: bool(app.problems), "the fault")
        assert found.current is not None
        assert found.current.key == "0"
