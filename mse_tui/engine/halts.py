"""The site's memory of refused passwords: after one refusal nobody tries that account again by himself."""

from mse_tui.store import database
from mse_tui.store.models import HaltedAccount


class DatabaseHalts:
    """`AccountHalts` in the site's database, so that restarts and other processes remember too."""

    def halted(self, key: str) -> str | None:
        """What the refusal said, or None while the account may be tried."""
        row = HaltedAccount.get_or_none(HaltedAccount.key == key)
        return None if row is None else str(row.message)

    def halt(self, key: str, account: str, message: str) -> None:
        """Remember a refusal; the first one stands."""
        with database.writing():
            HaltedAccount.insert(
                key=key, account=account, since=database.now(), message=message
            ).on_conflict_ignore().execute()


def clear_halts() -> list[str]:
    """A person says that the passwords are right: the accounts that were halted may be tried again."""
    with database.writing():
        accounts = [row.account for row in HaltedAccount.select()]
        HaltedAccount.delete().execute()
    return accounts
