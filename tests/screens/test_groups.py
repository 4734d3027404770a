"""Groups on the screens: found, browsed for, previewed, asked for again, confirmed; by keys alone."""

import json
import os
from collections.abc import Mapping
from typing import Any

import pytest
from textual.pilot import Pilot

from mse_tui.actions.checks import LONGEST_NAME
from mse_tui.app import MseTuiApp
from mse_tui.screens.new_task import proposed_name
from mse_tui.store import queries
from mse_tui.store.database import now
from mse_tui.store.groups import GroupAnswer
from mse_tui.store.models import Audit, EngineRequest, Execution, Site, Task
from tests.screens.conftest import Keys, settle, shown, until
from tests.screens.seed import DOMAIN, NOW
from tests.screens.test_goldens import GOLDENS, SIZES

SALES = {
    "key": "9f1c2f0e-90c5-4d9c-a3f5-2f6a8a1b4d11", "name": "Sales", "address": f"sales@{DOMAIN}",
    "where": "CN=Sales,OU=Groups,DC=fjordline", "kind": "security group",
}  # fmt: skip
LEVELS = {
    "": {"branches": [{"name": "Groups", "where": "OU=Groups,DC=fjordline"}], "groups": []},
    "OU=Groups,DC=fjordline": {"branches": [], "groups": [SALES]},
}
MEMBERS = {
    "included": [
        {"address": f"ann.lindqvist@{DOMAIN}", "name": "Ann Lindqvist", "kind": "user", "entry": ""},
        {"address": f"support@{DOMAIN}", "name": "Support", "kind": "shared", "entry": f"help@{DOMAIN}"},
    ],
    "skipped": [
        {"entry": f"gro.dahl@{DOMAIN}", "reason": "mailbox-disabled", "message": "The account is disabled."},
        {"entry": "Auditors", "reason": "contact", "message": "Auditors is a contact."},
    ],
    "resolved_at": NOW.isoformat(),
    "resolved_by": "security group, 3 more in it, resolved by Active Directory (dc1)",
    "kind": "active_directory",
    "group": SALES,
    "age_seconds": 0,
    "seconds": 0.4,
}  # fmt: skip


async def to_the_group_step(keys: Keys) -> None:
    await keys.press("2", "c", "enter", "j", "enter", "enter", "enter")
    await keys.see("[group]")


async def answer(pilot: Pilot[None], kind: str, found: Mapping[str, Any]) -> dict[str, Any]:
    """Answer the newest question of this kind as an engine would; gives what was asked."""
    asked = EngineRequest.select().where(EngineRequest.kind == kind, EngineRequest.answered.is_null())
    await until(pilot, asked.exists, f"the question {kind}")
    request = asked.order_by(EngineRequest.id.desc()).get()
    EngineRequest.update(answered=now(), answer=json.dumps(found)).where(EngineRequest.id == request.id).execute()
    return dict(json.loads(request.arguments))


def texts_asked() -> list[str]:
    return [json.loads(row.arguments)["text"] for row in EngineRequest.select()]


def problem(reason: str, happened: str) -> dict[str, Any]:
    return {"problem": {"reason": reason, "happened": happened, "remedy": "Do something about it."}}


@pytest.mark.parametrize("size", list(SIZES))
async def test_a_group_is_found_as_one_types_looked_at_and_kept(app: MseTuiApp, size: str) -> None:
    async with app.run_test(size=SIZES[size], notifications=True) as pilot:
        keys = Keys(pilot)
        await to_the_group_step(keys)
        await keys.type("sal")
        assert await answer(pilot, "find_group", {"groups": [SALES]}) == {"text": "sal"}
        await keys.see("security group")
        await keys.press("down", "enter")
        assert await answer(pilot, "preview", MEMBERS) == {"group": SALES["where"]}
        await keys.see("2 mailboxes; skipped: 2")
        await settle(pilot)
        compare(shown(app), f"new-task-group-{size}")
        await keys.press("enter")
        await keys.see("First execution")
        await keys.press("ctrl+s")
        await keys.see("Latest detail")
    task = Task.get(Task.group == SALES["where"])
    assert (task.group_kind, task.group_key, task.group_name) == ("active_directory", SALES["key"], "Sales")


def compare(text: str, name: str) -> None:
    golden = GOLDENS / f"{name}.txt"
    if os.environ.get("MSE_TUI_GOLDENS") == "write":
        golden.write_text(text + "\n", encoding="utf-8")
    assert text + "\n" == golden.read_text(encoding="utf-8")


async def test_what_is_no_address_is_refused_where_it_is_typed(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await to_the_group_step(keys)
        await keys.type("groop@@x")
        await keys.press("enter")
        screen = await keys.see("'groop@@x' is not a mail address")
        assert "The part after" in screen and "…" not in screen
        await keys.press("enter")
        assert "[group]" in shown(app)
    assert not EngineRequest.select().where(EngineRequest.kind == "preview").exists()


async def test_only_the_newest_question_is_waited_for(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await to_the_group_step(keys)
        await keys.type("sa")
        await until(pilot, EngineRequest.select().exists, "the first question")
        await keys.type("les")
        await until(pilot, lambda: texts_asked() == ["sales"], "the newest alone")


async def test_a_group_is_browsed_for_down_and_up(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await to_the_group_step(keys)
        await keys.press("ctrl+o")
        await answer(pilot, "browse", LEVELS[""])
        await keys.see("Groups/")
        await keys.press("enter")
        assert await answer(pilot, "browse", LEVELS["OU=Groups,DC=fjordline"]) == {"where": "OU=Groups,DC=fjordline"}
        await keys.see("security group")
        await keys.press("escape")
        await answer(pilot, "browse", LEVELS[""])
        await keys.see("Groups/")
        await keys.press("enter")
        await answer(pilot, "browse", LEVELS["OU=Groups,DC=fjordline"])
        await keys.see("security group")
        await keys.press("down", "enter")
        await answer(pilot, "preview", MEMBERS)
        await keys.see("Enter again takes this group")
        await keys.press("escape")
        await keys.see("[definition]")


@pytest.mark.parametrize(
    ("directories", "why"),
    [("exchange", "Exchange lists no groups"), ("", "this site has no directory of groups")],
)
async def test_what_can_not_be_browsed_is_not_offered(app: MseTuiApp, directories: str, why: str) -> None:
    Site.update(directories=directories).execute()
    async with app.run_test(size=(140, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await to_the_group_step(keys)
        assert f"{why}: Ctrl+O Browse" in shown(app).splitlines()[-1]
        await keys.press("ctrl+o")
        await keys.see("type what is known of the group")
        assert not EngineRequest.select().exists()
        await pilot.resize_terminal(80, 24)
        await settle(pilot)
        assert "Browse" not in shown(app).splitlines()[-1]


@pytest.mark.parametrize("directories", [None, "active_directory exchange", "microsoft_365"])
async def test_what_can_be_browsed_is_offered(app: MseTuiApp, directories: str | None) -> None:
    Site.update(directories=directories).execute()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await to_the_group_step(keys)
        assert "Ctrl+O Browse" in shown(app).splitlines()[-1]


async def test_a_group_that_is_not_there_cannot_be_taken_but_one_not_looked_up_can(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await to_the_group_step(keys)
        await keys.type(f"nothing@{DOMAIN}")
        await keys.press("enter")
        await answer(pilot, "preview", problem("group-not-found", "There is no such group."))
        await keys.see("There is no such group.")
        await keys.press("enter")
        await answer(pilot, "preview", problem("directory-unreachable", "No domain controller answers."))
        await keys.see("Enter again takes")
        await keys.press("enter")
        await keys.see("not looked up")


async def test_of_groups_with_the_same_name_one_is_chosen_from_a_list(app: MseTuiApp) -> None:
    other = {**SALES, "key": "other", "where": "CN=Sales,OU=North,DC=fjordline"}
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await to_the_group_step(keys)
        await keys.type("Sales")
        await keys.press("enter")
        await answer(pilot, "preview", problem("group-ambiguous", "2 groups are called 'Sales'."))
        assert await answer(pilot, "find_group", {"groups": [SALES, other]}) == {"text": "Sales"}
        await keys.see("2 groups are called 'Sales'. Down chooses a group")
        await keys.press("down", "down", "enter")
        assert await answer(pilot, "preview", MEMBERS) == {"group": other["where"]}
        await keys.see("Enter again takes this group")


async def test_what_was_found_for_another_text_goes_as_one_types(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await to_the_group_step(keys)
        await keys.type("Sales")
        await keys.press("enter")
        await answer(pilot, "preview", MEMBERS)
        await keys.see("Ann Lindqvist")
        await keys.type("!")
        await keys.miss("Ann Lindqvist")
        await keys.press("down", "enter")
        await until(pilot, lambda: last_asked() == ("preview", {"group": "Sales!"}), "the new text's preview")


def last_asked() -> tuple[str, dict[str, Any]]:
    request = EngineRequest.select().order_by(EngineRequest.id.desc()).get()
    return request.kind, json.loads(request.arguments)


async def test_why_the_engine_has_no_answer_yet_is_said(app: MseTuiApp) -> None:
    refused = "The server mail.example.com refuses the connection. Tried until 2026-03-02 09:35 UTC."
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await to_the_group_step(keys)
        await keys.type("Sales")
        await keys.press("enter")
        asked = EngineRequest.select().where(EngineRequest.kind == "preview")
        await until(pilot, asked.exists, "the question")
        EngineRequest.update(waiting=refused).execute()
        await keys.see("mail.example.com refuses the connection.")
        await keys.see("Enter goes on without.")
        await answer(pilot, "preview", MEMBERS)
        await keys.see("Enter again takes this group.")


async def test_the_directory_is_asked_again_by_a_key(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await to_the_group_step(keys)
        await keys.type("Sales")
        await keys.press("enter")
        await answer(pilot, "preview", {**MEMBERS, "resolved_at": "2026-03-02T08:50:00+00:00"})
        await keys.see("asked 40 min ago")
        await keys.press("ctrl+r")
        assert await answer(pilot, "refresh_group", MEMBERS) == {"group": "Sales"}
        await keys.see("asked just now")


async def test_a_group_that_has_shrunk_is_looked_at_and_confirmed(app: MseTuiApp) -> None:
    board = Task.get(Task.description == "Board, office hours")
    Execution.update(reason="group-shrunk", light="red").where(
        Execution.id == queries.executions_of(board.id)[0].id
    ).execute()
    GroupAnswer.update(accepted=None).execute()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("2", "j", "enter")
        await keys.see("to confirm")
        await keys.press("m")
        await keys.see("The task has stopped")
        await keys.press("C")
        await keys.see("Is the group of")
        await keys.press("enter")
        assert GroupAnswer.get().confirmed is None, "cancelling is the default"
        await keys.press("C")
        await keys.see("Is the group of")
        await keys.press("j", "enter")
        await keys.see("Confirmed: 2 mailboxes")
    assert GroupAnswer.get().confirmed_by
    assert Audit.get(Audit.action == "confirm group").subject == board.description


async def test_who_is_in_a_tasks_group_now_is_asked_for_by_a_key(app: MseTuiApp) -> None:
    board = Task.get(Task.description == "Board, office hours")
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("2", "j", "enter", "m")
        await keys.see("ivar.lund")
        await keys.press("ctrl+r")
        assert await answer(pilot, "refresh_group", MEMBERS) == {"task": board.id}
        await keys.see("Support (given as")
        await keys.press("r")
        await keys.see("ivar.lund")
        await keys.press("ctrl+r")
        await answer(pilot, "refresh_group", problem("directory-unreachable", "No domain controller answers."))
        await keys.see("The directory did not say")


async def test_each_step_shows_its_keys_and_enter_leads_to_the_save(app: MseTuiApp) -> None:
    async with app.run_test(size=(140, 40), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("2", "c")
        screen = await keys.see("[site]")
        assert [key for key in ("Save", "Browse", "Ask again") if key in screen] == []
        await keys.press("enter", "j", "enter", "enter", "enter")
        screen = await keys.see("Ask again")
        assert "Browse" in screen
        assert "Save" not in screen
        await keys.type(f"ann.lindqvist@{DOMAIN}")
        await answer(pilot, "find_group", {"groups": []})
        await keys.see("If it is a mailbox's address: Enter takes it.")
        await keys.press("enter")
        await answer(pilot, "preview", MEMBERS)
        await keys.see("Enter again")
        await keys.press("enter")
        screen = await keys.see("First execution")
        assert "Ctrl+S Save" in screen
        assert "Ask again" not in screen
        await keys.press("enter", "enter", "enter")
        await keys.see("Latest detail")
    assert Task.select().where(Task.group == f"ann.lindqvist@{DOMAIN}").count() == 1


def test_a_name_that_is_proposed_has_whole_words_only() -> None:
    assert proposed_name("Old stubs", "birgit.hansen@nordlicht.example") == "Old stubs, birgit.hansen@nordlicht.example"
    many = "; ".join(f"person{number}@{DOMAIN}" for number in range(20))
    name = proposed_name("Old stubs", many)
    assert len(name) <= LONGEST_NAME
    assert f"Old stubs, {many}".startswith(name)
    assert name.endswith(DOMAIN)
    assert proposed_name("Old stubs", "x" * 200) == "Old stubs"
