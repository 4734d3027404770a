"""The group as a task knows it: kept over renames, guarded against shrinking, the last good answer in need."""

import json
from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mse_tui.actions.groups import confirm_group
from mse_tui.directory.directory import GroupReference, SkippedEntry
from mse_tui.engine.group_cache import GroupCache
from mse_tui.engine.group_records import last_accepted
from mse_tui.engine.groups import Guard, TaskGroups
from mse_tui.engine.housekeeping import Ages, prune
from mse_tui.engine.standing import SILENT_SECONDS, Standing
from mse_tui.home import Home
from mse_tui.reasons import Problem, Reason
from mse_tui.store import queries
from mse_tui.store.database import close_database, open_database
from mse_tui.store.groups import ExecutionGroup, GroupAnswer
from mse_tui.store.models import Audit, Execution, Site
from mse_tui.terms import GroupKind, Light
from tests.engine.fakes import (
    FakeClock,
    FakeDirectory,
    FakeFeature,
    make_definition,
    make_schedule,
    make_site,
    make_task,
)
from tests.engine.group_histories import History, claim_of, execution_of
from tests.engine.test_executions import lights, new_task, run

DOWN = Problem(Reason.DIRECTORY_UNREACHABLE, "No domain controller answers.")
GONE = Problem(Reason.GROUP_NOT_FOUND, "No object has this GUID.")
SIX = ("anna", "berta", "carl", "dora", "emil", "fritz")


@pytest.fixture
def directory(bench):
    return FakeDirectory(bench.clock, *SIX)


class TestATaskAndItsGroup:
    """With an engine, from the schedule to the log."""

    def test_it_stays_the_same_group_when_it_is_renamed(self, bench, directory):
        task = new_task(bench, "CN=Sales,DC=example,DC=com")
        with bench.engine(directory=directory):
            assert run(bench, task).light == Light.GREEN
            row = bench.task(task)
            assert (row.group_kind, row.group_key, row.group_name) == ("active_directory", "guid-sales", "Sales")
            directory.group = directory.group.__class__("guid-sales", "Vertrieb")
            bench.engines[0]._groups.forget(GroupReference("", GroupKind.ACTIVE_DIRECTORY, "guid-sales"))
            assert run(bench, task).light == Light.GREEN
        assert [(one.kind, one.key) for one in directory.asked] == [("", ""), ("active_directory", "guid-sales")]
        row = bench.task(task)
        assert (row.group, row.group_name) == ("CN=Sales,DC=example,DC=com", "Vertrieb")
        assert directory.closed

    def test_a_deleted_group_is_an_error_that_names_group_and_task_whatever_is_kept(self, bench, directory):
        task = new_task(bench, "CN=Sales,DC=example,DC=com", "Sales nightly")
        with bench.engine(directory=directory):
            run(bench, task)
            directory.problem = GONE
            bench.engines[0]._groups.forget(GroupReference("", GroupKind.ACTIVE_DIRECTORY, "guid-sales"))
            execution = run(bench, task)
        assert (execution.light, execution.reason, execution.processed) == (Light.RED, Reason.GROUP_NOT_FOUND, 0)
        assert "'Sales'" in execution.message
        assert "'Sales nightly'" in execution.message

    def test_who_joined_and_left_is_recorded(self, bench, directory):
        bench.feature = FakeFeature(destructive=True)
        task = new_task(bench)
        with bench.engine(directory=directory):
            first = run(bench, task)
            directory.names = ("anna", "berta", "carl", "dora", "gerd")
            second = run(bench, task)
        assert queries.execution_group(first.id).before is None
        found = queries.execution_detail(second.id).group
        assert (found.mailboxes, found.before) == (5, 6)
        assert found.joined == ("gerd@example.com",)
        assert found.departed == ("emil@example.com", "fritz@example.com")
        members = queries.group_members(task.id)
        assert [member.name for member in members.included] == ["Anna", "Berta", "Carl", "Dora", "Gerd"]

    def test_a_group_of_less_than_half_stops_until_a_person_confirms_this_very_answer(self, bench, directory):
        bench.feature = FakeFeature(destructive=True)
        task = new_task(bench)
        with bench.engine(directory=directory):
            run(bench, task)
            bench.feature.processed.clear()
            directory.names = ("anna", "berta")
            stopped = run(bench, task)
            assert (stopped.light, stopped.reason) == (Light.RED, Reason.GROUP_SHRUNK)
            assert queries.execution_group(stopped.id).departed == tuple(f"{name}@example.com" for name in SIX[2:])
            assert bench.feature.processed == []
            assert confirm_group(task.id, queries.doubted_group(task.id).answer_id) == 2
            directory.names = ("anna",)
            assert run(bench, task).reason == Reason.GROUP_SHRUNK
            assert bench.feature.processed == []
            directory.names = ("anna", "berta")
            assert run(bench, task).light == Light.GREEN
        assert len(bench.feature.processed) == 2
        assert Audit.get(Audit.action == "confirm group").subject == task.description
        assert ExecutionGroup.select().order_by(ExecutionGroup.execution.desc()).get().confirmed_by

    def test_an_empty_group_can_be_confirmed_and_then_nothing_is_processed(self, bench, directory):
        directory.names = ()
        directory.skipped = [SkippedEntry(f"{n}", Reason.CONTACT, f"{n} is a contact.") for n in range(9)]
        task = new_task(bench)
        with bench.engine(directory=directory):
            stopped = run(bench, task)
            assert stopped.reason == Reason.GROUP_EMPTY
            assert stopped.message.count("is a contact") == 5
            confirm_group(task.id)
            confirmed = run(bench, task)
        assert (confirmed.light, confirmed.mailboxes) == (Light.GREEN, 0)
        assert confirmed.message.startswith("The group is empty, as ")

    def test_the_last_good_answer_serves_while_the_directory_is_down(self, bench, directory):
        task = new_task(bench)
        with bench.engine(directory=directory):
            run(bench, task)
        GroupAnswer.update(resolved=bench.clock.now() - timedelta(hours=7)).execute()
        directory.problem = DOWN
        bench.home.cache.joinpath("groups", "cache.db").unlink()
        with bench.engine(directory=directory):
            execution = run(bench, task)
        assert (execution.light, execution.reason, execution.processed) == (Light.ORANGE, Reason.GROUP_STALE, 6)
        assert "No domain controller answers." in execution.message
        assert "7 hours old" in execution.message
        assert queries.execution_group(execution.id).stale

    def test_a_destructive_task_touches_nothing_while_the_directory_is_down_though_an_answer_is_kept(
        self, bench, directory
    ):
        task = new_task(bench)
        with bench.engine(directory=directory):
            run(bench, task)
            bench.feature.processed.clear()
            bench.feature.destructive = True
            directory.problem = DOWN
            execution = run(bench, task)
        assert (execution.light, execution.reason) == (Light.RED, Reason.DIRECTORY_UNREACHABLE)
        assert bench.feature.processed == []

    def test_an_account_that_fell_since_is_skipped_without_colour(self, bench, directory):
        fallen = SkippedEntry("berta@example.com", Reason.NOT_LICENSED, "Berta has no licence.")
        directory.fallen["berta@example.com"] = fallen
        task = new_task(bench)
        with bench.engine(directory=directory):
            execution = run(bench, task)
        assert execution.light == Light.GREEN
        assert lights(bench, execution)[1] == ("berta@example.com", Light.NONE, Reason.NOT_LICENSED)
        assert bench.exchange.calls["identity", "berta@example.com"] == 0

    @pytest.mark.parametrize("destructive", [False, True])
    def test_a_directory_that_falls_silent_midway_spares_the_mailboxes_of_destructive_tasks(
        self, bench, directory, destructive
    ):
        bench.feature = FakeFeature(destructive=destructive)
        directory.standing_problem = DOWN
        task = new_task(bench)
        with bench.engine(directory=directory):
            execution = run(bench, task)
        assert {light for _, light, _ in lights(bench, execution)} == {Light.RED if destructive else Light.ORANGE}
        assert len(bench.feature.processed) == (0 if destructive else 6)
        assert len(directory.standing_asked) == 1, "a silent directory is not waited for at each mailbox"

    def test_the_site_says_which_directories_its_engine_can_ask(self, bench, directory):
        with bench.engine(directory=directory):
            assert Site.get_by_id(bench.site.id).directories == "active_directory"


def test_a_confirmation_is_of_what_was_seen(store):
    site, clock = make_site(), FakeClock()
    task = make_task(site, make_schedule(), make_definition())
    directory = FakeDirectory(clock, *SIX)
    groups = TaskGroups(GroupCache(store.cache / "groups", directory, now=clock.now), Guard(), clock)
    with pytest.raises(Problem, match="no confirmation"):
        confirm_group(task.id)
    for names in (SIX, ("anna",), ("berta",)):
        directory.names = names
        execution = execution_of(task)
        try:
            groups.resolve(claim_of(task, execution), destructive=True)
        except Problem as problem:
            Execution.update(reason=problem.reason).where(Execution.id == execution.id).execute()
    first = GroupAnswer.select().where(GroupAnswer.mailboxes == 1).order_by(GroupAnswer.id).get()
    with pytest.raises(Problem, match="changed since"):
        confirm_group(task.id, first.id)


ANSWERS = st.one_of(
    st.sets(st.sampled_from(SIX)).map(lambda names: tuple(sorted(names))),
    st.sampled_from([DOWN, GONE, Problem(Reason.TIMEOUT, "Too slow."), Problem(Reason.PASSWORD_REFUSED, "Refused.")]),
)
STEPS = st.lists(
    st.tuples(ANSWERS, st.booleans(), st.booleans(), st.sampled_from([1, 30, 90])), min_size=1, max_size=12
)


@example(
    steps=[(("anna",), False, False, 1), ((), True, False, 1), ((), False, False, 1)], percent=0, asks_when_empty=False
)
@given(steps=STEPS, percent=st.sampled_from([0, 50, 100]), asks_when_empty=st.booleans())
def test_no_history_of_answers_and_failures_gives_a_shortened_list(tmp_path_factory, steps, percent, asks_when_empty):
    """Each step: what the directory says, whether the task is destructive, whether a person confirms before, minutes.

    A run may process the directory's answer of now; for others than destructive tasks one of the last hour, or the
    last accepted one while the directory can't be asked; and nothing small before it is confirmed.
    """
    home = Home.open(tmp_path_factory.mktemp("history") / "home")
    open_database(home.database)
    try:
        history = History(home, Guard(asks_when_empty, percent))
        for answer, destructive, confirms, minutes in steps:
            history.clock.pass_time(60 * minutes)
            if confirms:
                history.confirm()
            history.run(answer, destructive)
        history.cache.close()
    finally:
        close_database()


def test_joined_and_left_of_an_execution_that_stopped_are_kept_too(store):
    clock = FakeClock()
    task = make_task(make_site(), make_schedule(), make_definition())
    directory = FakeDirectory(clock, *SIX)
    groups = TaskGroups(GroupCache(store.cache / "groups", directory, now=clock.now), Guard(), clock)
    groups.resolve(claim_of(task, execution_of(task)), destructive=True)
    directory.names = ("gerd",)
    with pytest.raises(Problem):
        groups.resolve(claim_of(task, stopped := execution_of(task)), destructive=True)
    row = ExecutionGroup.get_by_id(stopped.id)
    assert json.loads(row.joined) == ["gerd@example.com"]
    assert len(json.loads(row.departed)) == 6


def test_a_directory_that_came_back_is_asked_again(bench):
    clock = FakeClock()
    directory = FakeDirectory(clock)
    standing = Standing(directory, clock)
    directory.standing_problem = DOWN
    for _ in range(3):
        with pytest.raises(Problem):
            standing.of("anna@example.com")
    assert len(directory.standing_asked) == 1
    directory.standing_problem = None
    clock.pass_time(SILENT_SECONDS)
    assert standing.of("anna@example.com") is None


def test_what_is_wrong_with_one_account_silences_no_other(bench):
    clock = FakeClock()
    directory = FakeDirectory(clock)
    directory.standing_problem = Problem(Reason.RESPONSE_BROKEN, "This account is described incompletely.")
    standing = Standing(directory, clock)
    for _ in range(2):
        with pytest.raises(Problem):
            standing.of("anna@example.com")
    assert len(directory.standing_asked) == 2


def test_answers_go_with_the_executions_that_went_by_them_but_for_the_last_good_one(store):
    clock = FakeClock()
    task = make_task(make_site(), make_schedule(), make_definition())
    directory = FakeDirectory(clock)
    groups = TaskGroups(GroupCache(store.cache / "groups", directory, now=clock.now), Guard(), clock)
    for names in (("anna", "berta"), ("anna",), ("anna", "carl")):
        directory.names = names
        clock.pass_time(60)
        groups.resolve(claim_of(task, execution_of(task)), destructive=True)
    ages = Ages(timedelta(days=400), timedelta(days=400))
    assert prune(ages, clock.now()) == 0
    ExecutionGroup.delete().execute()
    assert prune(ages, clock.now()) == 2
    assert GroupAnswer.get().mailboxes == 2
    assert [member.name for member in last_accepted(task.id).membership.included] == ["Anna", "Carl"]
