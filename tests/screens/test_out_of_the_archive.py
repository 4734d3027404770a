"""What leaves the archive by the screens: folders and mailboxes as files, attachments, messages back into mailboxes."""

import json
import mailbox as mailboxes
from pathlib import Path
from threading import Event

import pytest

from mse_tui.access.roles import Role
from mse_tui.app import MseTuiApp
from mse_tui.archive.export import ExportReport
from mse_tui.screens import restoring
from mse_tui.screens.archive_export import Exporting
from mse_tui.screens.engine_question import wait_for_answer
from mse_tui.store.models import Audit, EngineRequest
from tests.screens.conftest import Keys, until
from tests.screens.seed import DOMAIN, NOW
from tests.screens.test_roles import Being

ANN = f"ann.lindqvist@{DOMAIN}"


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where files are proposed to be written."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def exports() -> list[dict[str, object]]:
    return [json.loads(row.after) for row in Audit.select().where(Audit.action == "export")]


async def test_a_folder_and_what_is_below_it_is_exported_as_files(app: MseTuiApp, here: Path) -> None:
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("3", "enter")
        await keys.see("Prosjekter")
        await keys.press("j", "w")
        screen = await keys.see("and 2 folders below it")
        await keys.press("enter")
        await keys.see("Write into which directory?")
        await keys.press("enter")
        await keys.see("written to")
    messages = list(here.rglob("*.eml"))
    assert f"{len(messages)} messages" in screen
    assert len({each.read_bytes() for each in messages}) == len(messages) > 0
    assert {each.parent.name for each in messages} <= {"Inbox", "Prosjekter", "Åpen"}
    [entry] = exports()
    assert entry["folders"] == ["Inbox", "Inbox/Prosjekter", "Inbox/Prosjekter/Åpen"]


async def test_the_marked_folders_are_exported_and_not_the_one_under_the_cursor(app: MseTuiApp, here: Path) -> None:
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("3", "enter")
        await keys.see("Prosjekter")
        await keys.press("j", "j", "space", "k", "k", "w")
        await keys.see("Export ann.lindqvist@fjordline.example Prosjekter")
        await keys.press("escape", "j", "j", "space", "k", "k", "k", "w")
        screen = await keys.see("2 folders")
        await keys.press("enter", "enter")
        await keys.see("written to")
        await keys.miss("marked")
    assert "below them" not in screen, "the one lies in the other"
    [entry] = exports()
    assert entry["folders"] == ["Inbox/Prosjekter", "Inbox/Prosjekter/Åpen"]


async def test_of_marked_mailboxes_none_is_exported_in_place_of_the_others(app: MseTuiApp) -> None:
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("3")
        await keys.see("carla.moreau")
        await keys.press("space", "space", "w")
        await keys.see("2 mailboxes are marked, and one is exported")
        await keys.press("u", "k", "k", "space", "w")
        await keys.see("Export ann.lindqvist")


async def test_a_mailbox_is_exported_as_one_file(app: MseTuiApp, here: Path) -> None:
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("3")
        await keys.see("carla.moreau")
        await keys.press("w")
        await keys.see("The whole mailbox: 40 messages")
        await keys.press("l", "enter")
        await keys.see("Write to which file?")
        await keys.press("enter")
        await keys.see("written to")
        await keys.press("w", "l", "enter", "enter")
        await keys.see("is there already.")
    [path] = here.iterdir()
    assert len(mailboxes.mbox(path)) == 40
    assert [entry["to"] for entry in exports()] == [str(path)]


async def test_esc_ends_an_export_and_says_how_far_it_came(app: MseTuiApp) -> None:
    outcomes: list[object] = []
    begun: list[int] = []

    def write(goes_on: object) -> ExportReport:
        report = ExportReport()
        while callable(goes_on) and goes_on(report):
            report.messages += 1
            begun.append(report.messages)
        report.ended_early = True
        return report

    async with app.run_test(size=(100, 30)) as pilot:
        keys = Keys(pilot)
        app.push_screen(Exporting("Exporting", 1000, write), outcomes.append)
        await until(pilot, lambda: bool(begun), "the first message")
        await keys.see("of 1,000 messages")
        await pilot.press("escape")
        await until(pilot, lambda: bool(outcomes), "its end")
    [report] = outcomes
    assert isinstance(report, ExportReport)
    assert report.ended_early


async def test_one_attachment_is_saved(app: MseTuiApp, here: Path) -> None:
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("3", "enter", "j", "enter", "j", "enter")
        await keys.see("Dear Ann")
        await keys.press("a")
        await keys.see("figures.csv  text/csv")
        await keys.press("enter")
        await keys.see("written to")
    assert (here / "figures.csv").read_bytes() == b"week,tons\r\n1,2"
    [entry] = exports()
    assert entry["attachment"] == "figures.csv"


async def test_marked_messages_are_restored_by_one_question_that_names_how_many(app: MseTuiApp) -> None:
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("3", "enter", "j", "enter")
        await keys.see("week 38")
        await keys.press("space", "space", "R")
        screen = await keys.see(f"Restore 2 messages to {ANN}?")
        assert screen.count("Figures, week") >= 2
        await keys.press("j", "enter")
        asked = EngineRequest.select().where(EngineRequest.kind == "restore")
        await until(pilot, asked.exists, "the request")
        assert len(json.loads(asked.get().arguments)["placements"]) == 2
        await keys.miss("2 marked")
        EngineRequest.update(answered=NOW, answer=json.dumps({"restored": 2, "problems": []})).execute()
        await keys.see("2 messages are back.")
        [entry] = Audit.select().where(Audit.action == "restore")
        assert len(json.loads(entry.after)["messages"]) == 2


async def test_who_leaves_does_not_wait_for_the_engine(app: MseTuiApp, monkeypatch: pytest.MonkeyPatch) -> None:
    waited = Event()

    def waiting(request_id: int, left: Event) -> object:
        answer = wait_for_answer(request_id, left)
        waited.set()
        return answer

    monkeypatch.setattr(restoring, "wait_for_answer", waiting)
    async with app.run_test(size=(100, 30)) as pilot:
        keys = Keys(pilot)
        await keys.press("3", "enter", "j", "enter", "R")
        await keys.see("Restore to")
        await keys.press("j", "enter")
        await until(pilot, EngineRequest.select().where(EngineRequest.kind == "restore").exists, "the request")
        assert not waited.is_set()
        await keys.press("q")
        assert app.ending
    assert waited.wait(5), "the thread would keep the program"


async def test_of_several_messages_it_is_told_which_were_not_restored(app: MseTuiApp) -> None:
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("3", "enter", "j", "enter", "space", "space", "R")
        await keys.see("Restore 2 messages")
        await keys.press("j", "enter")
        await keys.see("Told to restore 2 messages")
        await until(pilot, EngineRequest.select().where(EngineRequest.kind == "restore").exists, "the request")
        [_, number] = json.loads(EngineRequest.get().arguments)["placements"]
        answer = {"restored": 1, "problems": [f"message {number}: The folder has the message already."]}
        await keys.press("2")
        EngineRequest.update(answered=NOW, answer=json.dumps(answer)).execute()
        screen = await keys.see("1 of 2 restored")
        assert "Figures, week" in screen and f"message {number}" not in screen
        await keys.press("5")
        await keys.see("Envelopes only")


async def test_who_may_not_look_into_archives_exports_nothing(app: MseTuiApp, being: Being) -> None:
    being(Role.OPERATOR)
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("3")
        await keys.see("carla.moreau")
        await keys.press("w")
        await keys.see("needs role auditor")
    assert exports() == []
