"""Mailboxes of the practice organisation and what is kept beside them."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from mse_tui.sandbox.database import Database, take_numbers
from mse_tui.sandbox.records import ARCHIVE_FOLDERS, PRIMARY_FOLDERS, MailboxRecord

_FULL_ACCESS = "full-access"


class Mailboxes(Database):
    """Who has a mailbox, under which addresses, and who else may open it."""

    def add_mailbox(  # noqa: PLR0913 (each is a property of a mailbox)
        self,
        address: str,
        name: str,
        *,
        aliases: Sequence[str] = (),
        kind: str = "user",
        disabled: bool = False,
        error: str = "",
        online_archive: bool = False,
        guid: str | None = None,
        folder_names: Mapping[str, str] | None = None,
    ) -> MailboxRecord:
        """Add a mailbox with its standard folders.

        `folder_names` gives standard folders other display names, by distinguished name (a mailbox in another
        language). `error` is an EWS response code that each request for the mailbox is to get.
        """
        names = folder_names or {}
        with self.writing() as connection:
            mailbox = connection.execute(
                "INSERT INTO mailbox (guid, address, name, kind, disabled, error, online_archive, epoch)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, 1)",
                (guid or str(uuid4()), address.lower(), name, kind, disabled, error, online_archive),
            ).lastrowid
            assert mailbox is not None
            connection.executemany(
                "INSERT INTO alias (address, mailbox) VALUES (?, ?)",
                [(other.lower(), mailbox) for other in {address, *aliases}],
            )
            _add_standard_folders(connection, mailbox, names, archive=online_archive)
        found = self.mailbox(address)
        assert found is not None
        return found

    def mailbox(self, address: str) -> MailboxRecord | None:
        """The mailbox with this primary address or alias, in any case of letters."""
        with self.reading() as connection:
            row = connection.execute(
                "SELECT mailbox.* FROM mailbox JOIN alias ON alias.mailbox = mailbox.id WHERE alias.address = ?",
                (address.lower(),),
            ).fetchone()
        return _mailbox(row) if row else None

    def mailbox_by_guid(self, guid: str) -> MailboxRecord | None:
        """The mailbox with this GUID."""
        with self.reading() as connection:
            row = connection.execute("SELECT * FROM mailbox WHERE guid = ?", (guid,)).fetchone()
        return _mailbox(row) if row else None

    def mailboxes(self) -> list[MailboxRecord]:
        """All mailboxes, in the order they were added."""
        with self.reading() as connection:
            return [_mailbox(row) for row in connection.execute("SELECT * FROM mailbox ORDER BY id")]

    def addresses(self, mailbox_id: int) -> list[str]:
        """Every address of a mailbox, the primary one among them."""
        with self.reading() as connection:
            rows = connection.execute("SELECT address FROM alias WHERE mailbox = ? ORDER BY address", (mailbox_id,))
            return [row[0] for row in rows]

    def set_mailbox(self, mailbox_id: int, *, disabled: bool | None = None, error: str | None = None) -> None:
        """Enable or disable a mailbox's account, or set ('' clears) the EWS error that its requests get."""
        with self.writing() as connection:
            if disabled is not None:
                connection.execute("UPDATE mailbox SET disabled = ? WHERE id = ?", (disabled, mailbox_id))
            if error is not None:
                connection.execute("UPDATE mailbox SET error = ? WHERE id = ?", (error, mailbox_id))

    def invalidate_sync_states(self, mailbox_id: int) -> None:
        """Make every sync state that was given out for this mailbox invalid, for good."""
        with self.writing() as connection:
            connection.execute("UPDATE mailbox SET epoch = epoch + 1 WHERE id = ?", (mailbox_id,))

    def setting(self, mailbox_id: int, key: str) -> Any:
        """What `put_setting` stored for this mailbox (0: for the organisation), or None."""
        with self.reading() as connection:
            row = connection.execute(
                "SELECT value FROM setting WHERE mailbox = ? AND key = ?", (mailbox_id, key)
            ).fetchone()
        return json.loads(row[0]) if row else None

    def put_setting(self, mailbox_id: int, key: str, value: Any) -> None:
        """Keep a JSON value with a mailbox (0: with the organisation)."""
        with self.writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO setting (mailbox, key, value) VALUES (?, ?, ?)",
                (mailbox_id, key, json.dumps(value)),
            )

    def grant_full_access(self, mailbox_id: int, trustee: str) -> None:
        """Let another address open this mailbox without impersonation."""
        with self.writing():
            trustees = set(self.setting(mailbox_id, _FULL_ACCESS) or ()) | {trustee.lower()}
            self.put_setting(mailbox_id, _FULL_ACCESS, sorted(trustees))

    def full_access(self, mailbox_id: int) -> frozenset[str]:
        """The addresses that may open this mailbox without impersonation."""
        return frozenset(self.setting(mailbox_id, _FULL_ACCESS) or ())


def _mailbox(row: sqlite3.Row) -> MailboxRecord:
    return MailboxRecord(
        id=row["id"],
        guid=row["guid"],
        address=row["address"],
        name=row["name"],
        kind=row["kind"],
        disabled=bool(row["disabled"]),
        error=row["error"],
        online_archive=bool(row["online_archive"]),
        epoch=row["epoch"],
    )


def _add_standard_folders(
    connection: sqlite3.Connection, mailbox: int, names: Mapping[str, str], *, archive: bool
) -> None:
    ids: dict[str, int] = {"": 0}
    for area, folders in (("primary", PRIMARY_FOLDERS), ("archive", ARCHIVE_FOLDERS if archive else ())):
        for folder in folders:
            number = take_numbers(connection)
            row = connection.execute(
                "INSERT INTO folder (mailbox, parent, name, distinguished, folder_class, area, added, changed)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    mailbox,
                    ids[folder.parent],
                    names.get(folder.distinguished, folder.name),
                    folder.distinguished,
                    folder.folder_class,
                    area,
                    number,
                    number,
                ),
            )
            assert row.lastrowid is not None
            ids[folder.distinguished] = row.lastrowid
