"""A task over a group of a real Active Directory, while administrators rename, move, empty and delete it."""

import pytest

from mse_tui.directory.site_directory import SiteDirectory
from mse_tui.engine.claims import group_of
from mse_tui.reasons import Reason
from mse_tui.store import queries
from mse_tui.terms import GroupKind, Light
from tests.engine.conftest import Bench
from tests.engine.fakes import FakeFeature
from tests.engine.test_executions import lights, new_task, run
from tests.support.samba.domain import BASE, domain

pytestmark = pytest.mark.slow

GROUPS = f"OU=Groups,{BASE}"
LEVEL1 = f"CN=Level 1,{GROUPS}"
MOVED = rf"CN=Renamed\, \#1 (moved),OU=Sales,OU=Staff,{BASE}"
ALICE, BOB, CAROL = (f"{name}@test.example" for name in ("alice", "bob", "carol"))


@pytest.fixture
def company(samba):
    """A domain controller of this test's own."""
    with domain("exchange") as served:
        yield served


@pytest.fixture
def bench(store):
    found = Bench(store)
    yield found
    for engine in found.engines:
        engine.stop()
        assert engine.join(20)


def over(bench, opened, company):
    directory = SiteDirectory(bench.exchange.resolve, directories={GroupKind.ACTIVE_DIRECTORY: opened(company)})
    return bench.engine(directory=directory)


def processed(execution):
    return [row.address for row in queries.mailbox_results(execution.id) if row.light is Light.GREEN]


def test_a_group_renamed_and_moved_in_mid_task_and_between_tasks_is_the_same_group(bench, opened, company):
    def rename(run):
        if len(bench.feature.processed) == 1:
            company.change("rename", LEVEL1, MOVED)

    bench.feature = FakeFeature(rename, destructive=True)
    task = new_task(bench, LEVEL1, "Staff")
    with over(bench, opened, company):
        assert processed(run(bench, task)) == [ALICE, BOB, CAROL]
        assert (bench.task(task).group_name, bench.task(task).group) == ("Level 1", LEVEL1)
        assert processed(run(bench, task)) == [ALICE, BOB, CAROL]
        assert bench.task(task).group_name == "Renamed, #1 (moved)"
        company.change("delete", MOVED)
        gone = run(bench, task)
    assert (gone.light, gone.reason, gone.processed) == (Light.RED, Reason.GROUP_NOT_FOUND, 0)
    assert "'Staff'" in gone.message
    assert "Renamed, #1 (moved)" in gone.message


def test_an_account_disabled_in_mid_task_is_skipped_when_its_turn_comes(bench, opened, company):
    def disable(run):
        if run.identity.address == ALICE:
            company.change("replace", f"CN=bob,OU=Sales,OU=Staff,{BASE}", "userAccountControl", "546")

    bench.feature = FakeFeature(disable)
    task = new_task(bench, LEVEL1)
    with over(bench, opened, company):
        execution = run(bench, task)
    assert execution.light == Light.GREEN
    assert (BOB, Light.NONE, Reason.MAILBOX_DISABLED) in lights(bench, execution)
    assert processed(execution) == [ALICE, CAROL]


def test_with_the_domain_controller_down_only_what_takes_nothing_away_goes_on(bench, opened, company):
    task = new_task(bench, LEVEL1)
    with over(bench, opened, company):
        run(bench, task)
        company.stop()
        bench.feature.processed.clear()
        bench.feature.destructive = True
        refused = run(bench, task)
        assert refused.light == Light.RED
        assert bench.feature.processed == []
        bench.feature.destructive = False
        bench.engines[0]._groups.forget(group_of(bench.task(task)))
        went_on = run(bench, task)
    assert (went_on.light, went_on.reason) == (Light.ORANGE, Reason.GROUP_STALE)
    assert [address for _, address in bench.feature.processed] == [ALICE, BOB, CAROL]
