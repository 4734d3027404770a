"""Audit and sites, by keys alone."""

from mse_tui.access import audit_chain, roles
from mse_tui.access.audit_chain import Entry
from mse_tui.app import MseTuiApp
from mse_tui.store import queries
from mse_tui.store.models import Audit
from tests.screens.conftest import Keys, shown
from tests.screens.seed import HOSTILE, NOW, SITE_CODE


def _write() -> None:
    before, after = '{"exclude_inbox": false}', '{"exclude_inbox": true}'
    for number, who in enumerate(("ann", "bo", "ann")):
        entry = Entry(NOW, who, "change definition", f"MFR Thing {number}", before, after)
        audit_chain.append(SITE_CODE, entry)
    audit_chain.append(SITE_CODE, Entry(NOW, "eve", "look into archive", HOSTILE))


async def test_reading_who_did_what_and_checking_it(app: MseTuiApp) -> None:
    _write()
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.see("Recent activity")
        await keys.press("W")
        await keys.see("Audit: 4 entries")
        assert "\x1b" not in shown(app)
        await keys.press("j", "enter")
        await keys.see("exclude inbox")
        await keys.press("escape")
        await keys.press("w")
        await keys.see("by ann")
        assert "Thing 1" not in shown(app)
        await keys.press("w")
        await keys.see("4 entries")
        await keys.press("V")
        await keys.see("The audit is whole")
        await keys.press("enter")
        Audit.update(who="mallory").where(Audit.id == 2).execute()
        await keys.press("V")
        await keys.see("Entry 2 does not follow")


async def test_the_audit_is_not_for_everybody(app: MseTuiApp) -> None:
    _write()
    roles.use_roles(roles.Roles({roles.Role.OPERATOR: frozenset({"nobody is in it"})}))
    try:
        async with app.run_test(size=(100, 30)) as pilot:
            keys = Keys(pilot)
            await keys.see("Recent activity")
            await keys.press("W")
            await keys.see("lacks the role auditor")
            assert "Thing" not in shown(app)
    finally:
        roles.use_roles(roles.Roles())


async def test_a_site_is_disabled_after_a_question_and_enabled_at_once(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.see("Recent activity")
        await keys.press("S")
        await keys.see("Bound to")
        await keys.press("e")
        await keys.see("Disable the site")
        await keys.press("enter")
        await keys.see("engine runs")
        await keys.press("e")
        await keys.see("Disable the site")
        await keys.press("j", "enter")
        await keys.see("! disabled")
        assert not queries.sites()[0].enabled
        await keys.press("e")
        await keys.see("engine runs")
        assert queries.sites()[0].enabled


async def test_for_how_long_records_are_kept_is_shown_and_changed(app: MseTuiApp) -> None:
    app.home.config.write_text("# ours\n[engine]\nkeep_audit_days = 1000\n")
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.see("Recent activity")
        await keys.press("S")
        screen = await keys.see("400 days; ")
        assert "1000 days; " in screen
        await keys.press("p")
        await keys.see("Keep executions and their logs for how many days?")
        await keys.press("ctrl+u")
        await keys.type("2")
        await keys.press("enter")
        await keys.see("Keep audit entries for how many days?")
        await keys.press("enter")
        await keys.see("would be deleted at the engine's next pruning")
        await keys.press("enter")
        await keys.see("400 days; ")
        await keys.press("p", "ctrl+u")
        await keys.type("2")
        await keys.press("enter", "enter")
        await keys.see("Delete old records?")
        await keys.press("j", "enter")
        await keys.see("2 days; ")
    assert app.home.config.read_text() == "# ours\n[engine]\nkeep_audit_days = 1000\nkeep_executions_days = 2\n"


async def test_a_configuration_that_cannot_be_read_hides_nothing_else_of_a_site(app: MseTuiApp) -> None:
    app.home.config.write_text("[engine\n")
    async with app.run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        await keys.see("Recent activity")
        await keys.press("S")
        screen = await keys.see("Expected")  # the path before it may be of any length
        assert "Bound to" in screen
