"""The tables of groups: what a task's group was found to be, at each execution."""

from peewee import AutoField, BooleanField, CharField, ForeignKeyField, IntegerField, TextField

from mse_tui.store.models import Execution, Row, Task, UtcField


class GroupAnswer(Row):
    """One membership that a task's group was found to have; the one accepted last is the task's last good answer."""

    id = AutoField()
    task = ForeignKeyField(Task, on_delete="CASCADE")
    digest = CharField()
    """Of the included addresses: names this very answer."""
    mailboxes = IntegerField()
    answer = TextField()
    """JSON of `directory.answers.membership_to_keep`."""
    resolved = UtcField()
    """When the directory gave it last."""
    accepted = UtcField(null=True)
    """When an execution went by it last; NULL: none did, it waits for a person."""
    confirmed = UtcField(null=True)
    """When a person said that it is right; NULL again once an execution has gone by it."""
    confirmed_by = CharField(default="")

    class Meta:
        indexes = ((("task", "digest"), True),)


class ExecutionGroup(Row):
    """The group of one execution, and what changed against the run before; also where nothing was processed."""

    execution = ForeignKeyField(Execution, primary_key=True, on_delete="CASCADE")
    answer = ForeignKeyField(GroupAnswer, null=True, on_delete="SET NULL")
    kind = CharField()
    name = TextField()
    resolved_by = TextField()
    resolved = UtcField()
    mailboxes = IntegerField()
    before = IntegerField(null=True)
    """Mailboxes at the run before; NULL at the first one."""
    joined = TextField(default="[]")
    """JSON: addresses that were not there at the run before."""
    departed = TextField(default="[]")
    """JSON: addresses that were there at the run before."""
    stale = BooleanField(default=False)
    """The directory could not be asked: this is the last good answer."""
    confirmed_by = CharField(default="")
    """Who had confirmed a group so small; '' where nobody had to."""


GROUP_MODELS = (GroupAnswer, ExecutionGroup)
