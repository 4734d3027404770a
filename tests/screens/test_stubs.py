"""The stub registry and restoring, by keys alone."""

import json

import pytest

from mse_tui.app import MseTuiApp
from mse_tui.reasons import Problem, Reason
from mse_tui.store.models import ArchiveMailbox, Audit, EngineRequest, Message
from mse_tui.store.stubs import Stub, StubLink
from tests.screens.care_seed import seed_stubs
from tests.screens.conftest import Keys, until
from tests.screens.seed import NOW


@pytest.fixture
def stubbed(app: MseTuiApp) -> MseTuiApp:
    """Three messages of Ann's are stubs, one of which was rehydrated."""
    seed_stubs()
    return app


async def test_the_registry_is_listed_narrowed_and_opened(stubbed: MseTuiApp) -> None:
    async with stubbed.run_test(size=(120, 30), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("9")
        screen = await keys.see("Figures, week 1")
        assert "Stubs, all: 3, 9.5 MiB saved" in screen and "Big attachments" in screen
        await keys.press("t")
        await keys.miss("Figures, week 3")
        await keys.press("t", "t")
        await keys.see("given back: 1")
        await keys.press("t", "t", "t", "slash")
        await keys.type("week 2")
        await keys.press("enter")
        await keys.miss("Figures, week 1")
        await keys.press("enter")
        facts = await keys.see("Archive id")
        assert f"{2:032x}" in facts and "4.8 MiB before, 19.5 KiB as a stub" in facts


async def test_a_stub_that_is_looked_at_can_be_put_back_from_there(stubbed: MseTuiApp) -> None:
    async with stubbed.run_test(size=(100, 30), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("9")
        await keys.see("Figures, week 1")
        await keys.press("j", "enter")
        await keys.see("H Rehydrate")
        await keys.press("H")
        await keys.see("Rehydrate 1 stub?")


async def test_rehydrating_asks_the_engine_for_what_is_marked(stubbed: MseTuiApp) -> None:
    async with stubbed.run_test(size=(100, 30), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("9")
        await keys.see("Figures, week 1")
        await keys.press("space", "space", "space", "H")
        await keys.see("Rehydrate 2 stubs?")
        await keys.press("j", "enter")
        await keys.see("The engine was asked to put back 2 messages")
        (asked,) = EngineRequest.select()
        rows = Stub.select().where(Stub.state == "complete")
        assert sorted(json.loads(asked.arguments)["stubs"]) == sorted(row.id for row in rows)
        assert Audit.select().where(Audit.action == "rehydrate").count() == 1


async def test_marked_stubs_are_asked_for_mailbox_by_mailbox_or_not_at_all(
    stubbed: MseTuiApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = ArchiveMailbox.select().where(ArchiveMailbox.id != Stub.get().mailbox_id).first()
    Stub.update(mailbox=other, state="complete").where(Stub.state == "restored").execute()
    created = EngineRequest.create.__func__

    def fails_the_second_time(cls: type, **fields: object) -> EngineRequest:
        if cls.select().exists():
            raise Problem(Reason.DISK_FULL, "There is no space left for the database.")
        return created(cls, **fields)

    async with stubbed.run_test(size=(100, 30), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("9")
        await keys.see("Figures, week 1")
        with monkeypatch.context() as patched:
            patched.setattr(EngineRequest, "create", classmethod(fails_the_second_time))
            await keys.press("space", "space", "space", "H")
            await keys.see("Rehydrate 3 stubs?")
            await keys.press("j", "enter")
            await keys.see("There is no space left")
        assert not EngineRequest.select().exists()
        assert not Audit.select().where(Audit.action == "rehydrate").exists()
        await keys.press("escape", "H")
        await keys.see("Rehydrate 3 stubs?")
        await keys.press("j", "enter")
        await keys.see("The engine was asked to put back 3 messages")
        assert sorted(len(json.loads(row.arguments)["stubs"]) for row in EngineRequest.select()) == [1, 2]


async def test_a_stub_whose_subject_quotes_anothers_id_is_left_alone(stubbed: MseTuiApp) -> None:
    chosen, other = Stub.select().where(Stub.state == "complete").order_by(Stub.id.desc())
    Message.update(subject=f"About {chosen.key}").where(Message.id == other.message_id).execute()
    async with stubbed.run_test(size=(120, 30), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("9", "t")
        await keys.see("in mailboxes: 2")
        await keys.press("U")
        await keys.see("Revoke the links of 1 stub?")
        await keys.press("j", "enter")
        await keys.see("1 link revoked")
        await keys.press("H")
        await keys.see("Rehydrate 1 stub?")
        await keys.press("j", "enter")
        await keys.see("asked to put back 1 message")
        assert [json.loads(row.arguments)["stubs"] for row in EngineRequest.select()] == [[chosen.id]]


async def test_revoking_asks_first(stubbed: MseTuiApp) -> None:
    async with stubbed.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("9")
        await keys.see("Figures, week 1")
        await keys.press("U")
        await keys.see("can't be taken back")
        await keys.press("enter")
        assert StubLink.select().where(StubLink.revoked.is_null()).count() == 3
        await keys.press("U", "j", "enter")
        await keys.see("1 link revoked")
        assert StubLink.select().where(StubLink.revoked.is_null()).count() == 2


@pytest.mark.parametrize("deleted_before", [0, 1])
async def test_a_message_is_restored_by_the_engine(app: MseTuiApp, deleted_before: int) -> None:
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("3", "enter", "j", "enter", "j", "enter")
        await keys.see("Dear Ann")
        await keys.press("R")
        await keys.see("unless it is there already")
        await keys.press("j", "j", "enter")
        asked = EngineRequest.select().where(EngineRequest.kind == "restore")
        await until(pilot, asked.exists, "the request")
        row = asked.get()
        assert json.loads(row.arguments)["collision"] == "copy"
        answer = {"restored": 1, "problems": [], "deleted_before": deleted_before}
        EngineRequest.update(answered=NOW, answer=json.dumps(answer)).execute()
        told = await keys.see("The message is back.")
        assert ("later run" in told) is bool(deleted_before)
        assert Audit.select().where(Audit.action == "restore").count() == 1


async def test_why_a_message_was_not_restored_stays_until_read(app: MseTuiApp) -> None:
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("3", "enter", "j", "enter", "j", "enter")
        await keys.see("Dear Ann")
        await keys.press("R", "j", "enter")
        asked = EngineRequest.select().where(EngineRequest.kind == "restore")
        await until(pilot, asked.exists, "the request")
        answer = {"restored": 0, "problems": ["Figures: The folder has the message already."]}
        EngineRequest.update(answered=NOW, answer=json.dumps(answer)).execute()
        await keys.see("The folder has the message already.")
