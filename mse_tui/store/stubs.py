"""Tables of storage management: what was taken out of mailboxes, and the links that lead to it."""

from peewee import AutoField, BigIntegerField, BlobField, CharField, ForeignKeyField, IntegerField, TextField

from mse_tui.store.models import ArchiveFolder, ArchiveMailbox, Message, Row, Task, UtcField


class Stub(Row):
    """One item that storage management has changed or is changing; at first the journal of its change.

    States: writing (may or may not be marked yet), marked (to be completed), complete, deleting, deleted,
    restoring (the original is being put back), restored, lost (somebody took the stub or its mark away).
    """

    id = AutoField()
    key = CharField(unique=True)
    """Random; the archive id in the item's mark and header."""
    mailbox = ForeignKeyField(ArchiveMailbox, backref="stubs", on_delete="RESTRICT")
    message = ForeignKeyField(Message, backref="stubs", on_delete="RESTRICT")
    """The original."""
    folder = ForeignKeyField(ArchiveFolder, on_delete="RESTRICT")
    """Where it lay when it was changed."""
    task = ForeignKeyField(Task, null=True, on_delete="SET NULL")
    definition = TextField()
    """Name of the definition that asked for it."""
    action = CharField()
    state = CharField(index=True)
    remote_id = TextField()
    change_key = TextField()
    plan = TextField(default="[]")
    """JSON: the attachments to be taken out, as they were confirmed."""
    restore = CharField(default="")
    """Names the restore under way."""
    true_size = BigIntegerField()
    """Bytes of the item before, as the server counts them."""
    stub_size = BigIntegerField(default=0)
    began = UtcField()
    ended = UtcField(null=True)
    """When it reached the state that it is in."""

    class Meta:
        indexes = ((("mailbox", "state"), False), (("mailbox", "remote_id"), False))


class StubLink(Row):
    """A link in a stub. Its id is random and known to nobody but the stub: here is only its digest."""

    id = AutoField()
    stub = ForeignKeyField(Stub, backref="links", on_delete="CASCADE")
    digest = BlobField(unique=True)
    """SHA-256 of the link's id."""
    part = IntegerField()
    """Place of the attachment among those of the original; -1 for the whole message."""
    kind = CharField()
    """open: whoever has the link; signed in: who may read the archive."""
    created = UtcField()
    expires = UtcField(null=True)
    revoked = UtcField(null=True)
    retrievals = IntegerField(default=0)
    last_retrieved = UtcField(null=True)


STUB_MODELS: tuple[type[Row], ...] = (Stub, StubLink)
