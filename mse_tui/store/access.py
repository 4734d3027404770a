"""The tables of who may open which archive: grants as they are, and every change of them."""

from peewee import AutoField, BooleanField, CharField, ForeignKeyField, TextField

from mse_tui.store.models import ArchiveMailbox, Row, UtcField


class AccessGrant(Row):
    """Somebody may see a mailbox's archive or a folder of it; or, where it denies, may not."""

    id = AutoField()
    mailbox = ForeignKeyField(ArchiveMailbox, backref="grants", on_delete="RESTRICT", index=False)
    person = CharField(index=True)
    """Primary SMTP address, lower case."""
    area = CharField(default="")
    remote_id = TextField(default="")
    """Of the folder; area and remote id are '' for the whole archive."""
    below = BooleanField(default=False)
    """The folder's subfolders too."""
    folder = TextField(default="")
    """The folder's path when it was granted; for showing only."""
    right = CharField()
    denies = BooleanField(default=False)
    origin = CharField()
    source = CharField(default="")
    """What a synced one was read from; '' for a manual one."""
    via = TextField(default="")
    """The group through which the person has it: its address, else its name; '' where the person was named."""
    since = UtcField()
    granted_by = TextField()
    """Who granted it; of a synced one the task."""


AccessGrant.add_index(
    AccessGrant.mailbox, AccessGrant.person, AccessGrant.area, AccessGrant.remote_id, AccessGrant.denies,
    AccessGrant.origin, AccessGrant.source, AccessGrant.via,
    unique=True, name="access_grant_once",
)  # fmt: skip


class AccessChange(Row):
    """One grant that came, went or changed; or would have, in a dry run. It stands on its own, as a log does."""

    id = AutoField()
    moment = UtcField(index=True)
    mailbox = CharField(index=True)
    """Address."""
    what = CharField()
    """granted, revoked or changed"""
    dry_run = BooleanField(default=False)
    person = CharField()
    folder = TextField(default="")
    """The folder's path; '' for the whole archive."""
    right = CharField()
    before = CharField(default="")
    """The right before, where it changed."""
    denies = BooleanField(default=False)
    origin = CharField()
    source = CharField(default="")
    via = TextField(default="")
    who = TextField()


ACCESS_MODELS: tuple[type[Row], ...] = (AccessGrant, AccessChange)
