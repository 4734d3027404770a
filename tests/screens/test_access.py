"""Granting, denying, explaining and revoking access to an archive by keys alone."""

import json

from mse_tui.access.grants import changes, grants
from mse_tui.access.rights import Origin
from mse_tui.actions import naming
from mse_tui.app import MseTuiApp
from mse_tui.store.database import now
from mse_tui.store.models import Audit, EngineRequest
from tests.screens.conftest import Keys, until
from tests.screens.seed import DOMAIN

EVE = f"eve@{DOMAIN}"


def by_hand() -> list[tuple[str, str, bool]]:
    return [(each.person, each.scope, each.denies) for each in grants() if each.origin is Origin.MANUAL]


async def test_somebody_is_let_in_explained_and_taken_out_again(app: MseTuiApp) -> None:
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("3", "a")
        await keys.see("4 grants to 4 people")
        await keys.press("c")
        await keys.see("Address")
        await keys.type(EVE)
        await keys.press("tab")
        await keys.type("Sent Items")
        await keys.press("ctrl+s")
        await until(pilot, lambda: (EVE, "Sent Items", False) in by_hand(), "the grant")
        await keys.see("5 grants")
        await keys.press("e", "ctrl+u")
        await keys.type(EVE)
        await keys.press("enter")
        await keys.see("reads 1 folder of this archive")
        await keys.press("escape")
        await keys.press("slash")
        await keys.type("eve")
        await keys.press("enter", "D")
        await keys.see("Take back what")
        await keys.press("j", "enter")
        await until(pilot, lambda: EVE not in [who for who, _, _ in by_hand()], "the revocation")
        await keys.press("escape", "H")
        await keys.see(f"revoked: {EVE}, Sent Items")
    assert [each.what for each in changes(person=EVE)] == ["revoked", "granted"]
    assert {"grant access", "revoke access"} <= {row.action for row in Audit.select()}


async def test_what_is_wrong_is_said_in_the_form_and_what_is_from_exchange_stays(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("3", "a")
        await keys.see("4 grants")
        await keys.press("c")
        await keys.type("nobody at all")
        await keys.press("ctrl+s")
        await keys.see("is not a mail address")
        await keys.press("escape")
        await keys.see("Leave this form?")
        await keys.press("j", "enter")
        await keys.press("slash")
        await keys.type("help.desk")
        await keys.press("enter", "D")
        await keys.see("Take the permission back in Exchange")
    assert len(grants()) == 4


async def test_a_person_may_be_named_as_the_directory_knows_him(app: MseTuiApp, monkeypatch) -> None:
    monkeypatch.setattr(naming, "ANSWERED_WITHIN", 10.0)
    async with app.run_test(size=(100, 40), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.see("Recent activity")
        await keys.press("3", "a", "c")
        await keys.see("Who may see")
        await keys.type("eve@corp.local")
        await keys.press("ctrl+s")
        await until(pilot, lambda: EngineRequest.select().exists(), "the question")
        assert EngineRequest.get().kind == "find_mailbox"
        EngineRequest.update(answered=now(), answer=json.dumps({"address": EVE, "name": "Eve"})).execute()
        await keys.see(EVE)
    assert EVE in [person for person, _, _ in by_hand()]


async def test_a_grant_is_opened_and_taken_back_from_there(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("3", "a")
        await keys.see("4 grants")
        await keys.press("slash")
        await keys.type("auditor")
        await keys.press("enter", "enter")
        screen = await keys.see("Inbox/Prosjekter and below")
        assert "D Revoke" in screen
        await keys.press("D")
        await keys.see("Take back what auditor@")
