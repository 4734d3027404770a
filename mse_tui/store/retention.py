"""The tables of retention: settings, stamps, holds, approvals, what was purged, and what managed folders did."""

from peewee import (
    AutoField,
    BigIntegerField,
    BlobField,
    BooleanField,
    CharField,
    CompositeKey,
    ForeignKeyField,
    IntegerField,
    TextField,
)

from mse_tui.store.models import ArchiveMailbox, Message, Row, UtcField


class RetentionSetting(Row):
    """How long the archive keeps: of the whole archive (mailbox NULL), or of one mailbox, which then decides."""

    id = AutoField()
    mailbox = ForeignKeyField(ArchiveMailbox, null=True, unique=True, on_delete="RESTRICT")
    minimum_days = IntegerField(null=True)
    """Nothing is purged earlier; NULL: as the archive, or 0."""
    maximum_days = IntegerField(null=True)
    """No folder policy may keep longer; NULL: as the archive, or without limit."""
    default_days = IntegerField(null=True)
    """When what no folder policy speaks of is purged; NULL: as the archive, or never."""
    quarantine_days = IntegerField(null=True)
    """Days between the two stages of a purge; NULL: as the archive, or `archive.retention.QUARANTINE_DAYS`."""
    revision = IntegerField(default=1)
    created = UtcField()
    created_by = CharField()
    modified = UtcField()
    modified_by = CharField()


class RetentionStamp(Row):
    """A folder-based retention stamp: what a task's policy says of a message in a mailbox. Kept as history.

    Task and definition are plain numbers: a stamp outlives both.
    """

    id = AutoField()
    mailbox = ForeignKeyField(ArchiveMailbox, backref="stamps", on_delete="RESTRICT")
    message = ForeignKeyField(Message, backref="stamps", on_delete="RESTRICT", index=False)
    task = IntegerField()
    definition = IntegerField()
    definition_name = TextField()
    content = CharField()
    """Digest of the definition's content that said so; what an approval is bound to."""
    policy = TextField()
    """In words, with the folder that it is of."""
    stamped = UtcField()
    expire_view = UtcField(null=True)
    """From then on the message is not in its owner's view; NULL: it stays."""
    purge = UtcField(null=True)
    """From then on the archive may let it go; NULL: this policy does not speak of it."""
    original_purge = UtcField(null=True)
    """The purge date without any stamp, at the time of stamping; NULL: never."""
    ended = UtcField(null=True)
    """Replaced by a newer stamp of the same task, or withdrawn; NULL: it holds."""


RetentionStamp.add_index(
    RetentionStamp.message,
    RetentionStamp.mailbox,
    RetentionStamp.task,
    unique=True,
    where=RetentionStamp.ended.is_null(),
    name="retention_stamp_current",
)
RetentionStamp.add_index(RetentionStamp.message, RetentionStamp.mailbox, name="retention_stamp_history")
RetentionStamp.add_index(
    RetentionStamp.purge,
    RetentionStamp.id,
    where=RetentionStamp.ended.is_null(),
    name="retention_stamp_due",
)
RetentionStamp.add_index(
    RetentionStamp.mailbox,
    RetentionStamp.task,
    where=RetentionStamp.ended.is_null(),
    name="retention_stamp_task",
)


class Hold(Row):
    """A litigation hold: nothing that it covers is deleted, purged, or hidden while it is in force."""

    id = AutoField()
    name = TextField()
    """The matter, for people."""
    scope = CharField()
    """archive, mailbox, search or message"""
    mailbox = ForeignKeyField(ArchiveMailbox, null=True, on_delete="RESTRICT")
    message = ForeignKeyField(Message, null=True, on_delete="SET NULL")
    search = TextField(default="")
    """JSON of archive.holds.HoldSearch; '' for the other scopes."""
    placed = UtcField()
    placed_by = CharField()
    lifted = UtcField(null=True, index=True)
    lifted_by = CharField(default="")


class PurgeApproval(Row):
    """A second person's approval of what lets content go, bound to the digest of what was approved."""

    id = AutoField()
    subject = CharField(index=True)
    """'definition 3', 'archive' or 'mailbox 5'"""
    content = CharField()
    """Digest of the content that was approved."""
    shown = TextField()
    """JSON of that content, as the approver saw it."""
    approved = UtcField()
    approved_by = CharField()
    voided = UtcField(null=True)
    voided_because = TextField(default="")


class Quarantine(Row):
    """First stage of a purge: the message is due, and waits for its end, or for a hold."""

    message = ForeignKeyField(Message, primary_key=True, on_delete="RESTRICT")
    since = UtcField()
    until = UtcField(index=True)
    because = TextField()
    """What decided, in words."""
    canonical = BlobField(null=True)
    """The message's canonical digest, for its tombstones; NULL for one without content."""


class PurgeRecord(Row):
    """That a message was purged: when, from where, by which policy. Nothing of what it said."""

    id = AutoField()
    sha256 = BlobField(null=True, index=True)
    size = BigIntegerField()
    received = UtcField(null=True)
    mailboxes = TextField()
    """JSON list of addresses."""
    because = TextField()
    quarantined = UtcField()
    purged = UtcField(index=True)


class Tombstone(Row):
    """A purged message in a mailbox that held it: it is never stored again for that mailbox."""

    id = AutoField()
    mailbox = ForeignKeyField(ArchiveMailbox, on_delete="RESTRICT", index=False)
    record = ForeignKeyField(PurgeRecord, on_delete="RESTRICT")
    sha256 = BlobField(null=True)
    canonical = BlobField(null=True)
    envelope = BlobField()
    """Digest of message id, subject, sender and time sent."""


Tombstone.add_index(Tombstone.mailbox, Tombstone.sha256, name="tombstone_content")
Tombstone.add_index(Tombstone.mailbox, Tombstone.envelope, name="tombstone_envelope")


class TombstoneItem(Row):
    """An item on the server that is known to be a purged message, so that it need not be fetched to see it."""

    mailbox = ForeignKeyField(ArchiveMailbox, on_delete="RESTRICT", index=False)
    remote_id = TextField()
    change_key = TextField()
    tombstone = ForeignKeyField(Tombstone, on_delete="RESTRICT", index=False)

    class Meta:
        primary_key = CompositeKey("mailbox", "remote_id")
        without_rowid = True


class ManagedFolder(Row):
    """A folder that a definition created in a mailbox; known by its identity, whatever its user calls it."""

    id = AutoField()
    mailbox = ForeignKeyField(ArchiveMailbox, on_delete="RESTRICT", index=False)
    definition = IntegerField()
    name = TextField()
    """As the definition calls it, folded."""
    remote_id = TextField()
    created = UtcField()
    recreated = BooleanField(default=False)
    """Its user deleted it once, and it was created again; the next time it is left deleted."""
    abandoned = BooleanField(default=False)
    """Its user deleted it again; it is left so."""

    class Meta:
        indexes = ((("mailbox", "definition", "name"), True),)


class Expiry(Row):
    """An item that a managed folders task took out of a mailbox, or was about to when it was interrupted.

    planned (committed before the server is asked) -> deleted | kept; deleted -> restored
    """

    id = AutoField()
    task = IntegerField()
    definition = IntegerField()
    definition_name = TextField()
    mailbox = ForeignKeyField(ArchiveMailbox, on_delete="RESTRICT", index=False)
    message = ForeignKeyField(Message, null=True, on_delete="SET NULL")
    """NULL once it was purged."""
    folder = TextField()
    """Path, for people."""
    remote_id = TextField()
    change_key = TextField()
    how = CharField()
    state = CharField()
    planned = UtcField()
    settled = UtcField(null=True)


Expiry.add_index(Expiry.mailbox, Expiry.task, where=Expiry.state == "planned", name="expiry_planned")
Expiry.add_index(Expiry.mailbox, Expiry.id, name="expiry_mailbox")


RETENTION_MODELS: tuple[type[Row], ...] = (
    RetentionSetting, RetentionStamp, Hold, PurgeApproval, Quarantine, PurgeRecord, Tombstone, TombstoneItem,
    ManagedFolder, Expiry,
)  # fmt: skip
