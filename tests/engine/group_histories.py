"""Histories of a group: what the directory said and who confirmed what, beside a model of what a run may process."""

from datetime import timedelta
from types import SimpleNamespace

from mse_tui.actions.groups import confirm_group
from mse_tui.directory.directory import GroupReference
from mse_tui.engine.group_cache import GroupCache
from mse_tui.engine.groups import TaskGroups
from mse_tui.reasons import Problem, Reason
from mse_tui.store import queries
from mse_tui.store.models import Execution, Task
from mse_tui.terms import GroupKind
from tests.engine.fakes import NOON, FakeClock, FakeDirectory, make_definition, make_schedule, make_site, make_task

DOUBTS = (Reason.GROUP_SHRUNK, Reason.GROUP_EMPTY)


class History:
    """One task whose group is resolved again and again. `names` in the model: sorted, without the domain."""

    def __init__(self, home, guard):
        self.guard = guard
        self.clock = FakeClock()
        self.task = make_task(make_site(), make_schedule(), make_definition(), group="CN=Sales,DC=example,DC=com")
        self.directory = FakeDirectory(self.clock)
        self.cache = GroupCache(home.cache / "groups", self.directory, now=self.clock.now)
        self.groups = TaskGroups(self.cache, guard, self.clock)
        self.accepted = None
        self.doubted = None
        self.confirmed = set()

    def confirm(self):
        """A person says that the doubted answer is right, where there is one."""
        if (found := queries.doubted_group(self.task.id)) is not None:
            confirm_group(self.task.id, found.answer_id)
            self.confirmed.add(self.doubted)

    def run(self, answer, destructive):
        """The directory gives this answer (names, or a Problem) to an execution; what comes out is checked."""
        self.directory.problem = answer if isinstance(answer, Problem) else None
        self.directory.names = () if self.directory.problem else answer
        asked = len(self.directory.asked)
        execution = execution_of(self.task)
        try:
            found = self.groups.resolve(claim_of(self.task, execution), destructive=destructive)
        except Problem as problem:
            Execution.update(reason=problem.reason).where(Execution.id == execution.id).execute()
            self._check_refusal(problem)
            return
        processed = names_of(found.membership.included)
        if found.stale:
            assert not destructive
            assert answer.reason is not Reason.GROUP_NOT_FOUND
            assert processed == self.accepted
            return
        if destructive or len(self.directory.asked) > asked:
            assert processed == tuple(sorted(answer))
        else:
            assert self.clock.now() - found.membership.resolved_at < timedelta(hours=1)
            assert processed == self.accepted
        self._check_guard(processed)
        self.accepted = processed
        self.confirmed.discard(processed)

    def _check_refusal(self, problem):
        if problem.reason in DOUBTS:
            self.doubted = names_of(queries.group_members(self.task.id).included)
            assert self.doubted not in self.confirmed
            assert self.doubted != self.accepted
        else:
            assert problem.reason == self.directory.problem.reason

    def _check_guard(self, processed):
        shrunk = self.accepted is not None and len(processed) * 100 < len(self.accepted) * self.guard.shrunk_percent
        small = shrunk if processed else self.guard.empty
        assert processed == self.accepted or processed in self.confirmed or not small


def execution_of(task):
    return Execution.create(task=task, trigger="schedule", started=NOON, definition="{}")


def claim_of(task, execution):
    row = Task.get_by_id(task.id)
    group = GroupReference(row.group, GroupKind(row.group_kind), row.group_key, row.group_name)
    return SimpleNamespace(task_id=task.id, description=row.description, group=group, execution_id=execution.id)


def names_of(members):
    return tuple(sorted(member.address.partition("@")[0] for member in members))
