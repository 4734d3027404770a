"""Which archive is a mailbox's."""

from mse_tui.store.models import ArchiveMailbox

NEVER_ARCHIVED = 0
"""The number of a mailbox that the archive does not know."""


def archive_of(guid: str, address: str, display_name: str) -> int:
    """The number of a mailbox's archive, opened if it is new; address and name are brought up to date.

    Inside a transaction that writes.
    """
    ArchiveMailbox.insert(guid=guid, address=address, display_name=display_name).on_conflict(
        conflict_target=[ArchiveMailbox.guid], preserve=[ArchiveMailbox.address, ArchiveMailbox.display_name]
    ).execute()
    return int(ArchiveMailbox.get(ArchiveMailbox.guid == guid).id)


def find_archive(guid: str) -> int:
    """The number of a mailbox's archive; NEVER_ARCHIVED where it has none yet."""
    found = ArchiveMailbox.get_or_none(ArchiveMailbox.guid == guid)
    return NEVER_ARCHIVED if found is None else int(found.id)
