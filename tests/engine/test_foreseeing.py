"""What is foreseen of an execution is what comes of it: one way to the first mailbox for both."""

from threading import Event

import pytest

from mse_tui.actions.foreseeing import foresee_task
from mse_tui.actions.groups import confirm_group
from mse_tui.directory.directory import GroupReference, SkippedEntry
from mse_tui.engine.foreseeing import Foreseeing
from mse_tui.engine.preparing import Choice
from mse_tui.reasons import Problem, Reason
from mse_tui.store import queries
from mse_tui.store.groups import ExecutionGroup, GroupAnswer
from mse_tui.store.models import Audit, Command, Definition, Execution, Site
from mse_tui.terms import GroupKind, Light
from tests.engine.fakes import FakeDirectory, FakeFeature
from tests.engine.test_executions import new_task, run

GHOST = SkippedEntry("ghost@example.com", Reason.MAILBOX_NOT_FOUND, "There is no mailbox ghost@example.com.")
CONTACT = SkippedEntry("Carl Contact", Reason.CONTACT, "Carl Contact is a contact.")
DOWN = Problem(Reason.DIRECTORY_UNREACHABLE, "No domain controller answers.")
SALES = GroupReference("", GroupKind.ACTIVE_DIRECTORY, "guid-sales")
HALTED = Problem(Reason.ACCOUNT_HALTED, "The account svc is not tried.")


def a_ghost(bench, directory):
    directory.skipped = (GHOST,)


def a_contact(bench, directory):
    directory.skipped = (CONTACT,)


def only_a_ghost(bench, directory):
    directory.names, directory.skipped = (), (GHOST,)


def a_shrunk_group(bench, directory):
    directory.names = directory.names[:1]


def an_account_that_is_halted(bench, directory):
    bench.exchange.problems["identity", "*"] = HALTED


def standing_that_cannot_be_told(bench, directory):
    directory.standing_problem = DOWN


def an_account_that_fell(bench, directory):
    directory.fallen["anna@example.com"] = SkippedEntry("anna", Reason.MAILBOX_DISABLED, "The account is disabled.")


def a_broken_definition(bench, directory):
    Definition.update(settings='{"text": 7}').execute()


def nothing(bench, directory):
    """All is well."""


CASES = {
    nothing: (Light.GREEN, ""),
    a_contact: (Light.GREEN, ""),
    a_ghost: (Light.ORANGE, "mailbox-not-found"),
    only_a_ghost: (Light.RED, "group-empty"),
    a_shrunk_group: (Light.RED, "group-shrunk"),
    an_account_that_is_halted: (Light.RED, "account-halted"),
    standing_that_cannot_be_told: (Light.ORANGE, "directory-unreachable"),
    an_account_that_fell: (Light.GREEN, ""),
    a_broken_definition: (Light.RED, "invalid"),
}


@pytest.fixture
def directory(bench):
    return FakeDirectory(bench.clock, "anna", "berta", "carl")


def foreseen(bench, engine, task, choice=Choice()):  # noqa: B008 (frozen)
    equipment = engine._equipment
    looking = Foreseeing(
        equipment.exchange, equipment.groups, equipment.standing, equipment.features, equipment.packs, bench.clock,
        Event(),
    )  # fmt: skip
    before = kept()
    execution = foresee_task(looking, task.id, choice)
    list(execution.look())
    assert kept() == before
    return execution.whole()


def kept():
    """How much there is of what an execution writes."""
    return [table.select().count() for table in (Audit, Command, Execution, ExecutionGroup, GroupAnswer)]


def said(execution):
    return (Light(execution.light), execution.reason, execution.message)


@pytest.mark.parametrize("destructive", [False, True])
@pytest.mark.parametrize("happens", CASES, ids=lambda happens: happens.__name__)
def test_it_is_what_comes(bench, directory, happens, destructive):
    bench.feature = FakeFeature(destructive=True)
    task = new_task(bench, "CN=Sales,DC=example,DC=com")
    with bench.engine(directory=directory):
        engine = bench.engines[0]
        run(bench, task)
        bench.feature.destructive = destructive
        happens(bench, directory)
        engine._groups.forget(SALES)
        before = foreseen(bench, engine, task)
        came = said(run(bench, task))
    assert (before.light, before.reason, before.message) == came
    if not destructive:
        assert came[:2] == CASES[happens]


def test_a_confirmed_group_and_the_last_good_answer(bench, directory):
    bench.feature = FakeFeature(destructive=True)
    task = new_task(bench, "CN=Sales,DC=example,DC=com")
    with bench.engine(directory=directory):
        engine = bench.engines[0]
        run(bench, task)
        directory.names = directory.names[:1]
        assert run(bench, task).reason == Reason.GROUP_SHRUNK
        confirm_group(task.id)
        assert foreseen(bench, engine, task).light is Light.GREEN
        assert run(bench, task).light == Light.GREEN
        bench.feature.destructive = False
        directory.problem = DOWN
        bench.home.cache.joinpath("groups", "cache.db").unlink()
    with bench.engine(directory=directory):
        stale = foreseen(bench, bench.engines[1], task)
        assert (stale.light, stale.reason) == (Light.ORANGE, Reason.GROUP_STALE)
        assert run(bench, task).reason == Reason.GROUP_STALE


def test_who_is_not_in_the_group_and_who_may_not_start(bench, directory):
    task = new_task(bench, "CN=Sales,DC=example,DC=com")
    with bench.engine(directory=directory):
        engine = bench.engines[0]
        run(bench, task)
        stranger = foreseen(bench, engine, task, Choice(("zoe@example.com",)))
        assert (stranger.light, stranger.reason) == (Light.RED, Reason.INVALID)
        assert foreseen(bench, engine, task, Choice(first=1)).message == "1 mailbox: 1 success."
        Site.update(enabled=False).execute()
        with pytest.raises(Problem) as refused:
            foreseen(bench, engine, task)
    assert refused.value.reason is Reason.SITE_DISABLED


def test_entries_that_are_no_mailboxes_are_not_counted_as_such(bench, directory):
    directory.skipped = (GHOST, CONTACT)
    task = new_task(bench, "CN=Sales,DC=example,DC=com")
    with bench.engine(directory=directory):
        execution = run(bench, task)
    assert execution.message == "3 mailboxes: 3 success. 2 other entries: 1 warning, 1 skipped."
    detail = queries.execution_detail(execution.id)
    assert (detail.execution.processed, detail.lights, detail.results) == (3, {Light.GREEN: 3}, 5)
