"""What the tests of task types share."""

from tests.support.one_mailbox import mailbox, owner, packs, replicate, server

__all__ = ["mailbox", "owner", "packs", "replicate", "server"]
