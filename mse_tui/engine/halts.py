"""The site's memory of refused passwords: after one refusal nobody tries that account again by himself."""

from mse_tui.store import database
from mse_tui.store.models import HaltedAccount


class DatabaseHalts:
    """`AccountHalts` in the site's database, so that restarts and other processes remember too.

    A refusal is a trouble from when it is met until the service accepts another account, or the same with another
    password. It is remembered beyond that, and is a trouble again where somebody still goes by the old configuration.
    """

    def halted(self, key: str) -> str | None:
        """What the refusal said, or None while the account may be tried."""
        row = HaltedAccount.get_or_none(HaltedAccount.key == key)
        if row is None:
            return None
        if row.ended is not None and not database.is_only_read():
            with database.writing():
                HaltedAccount.update(ended=None).where(HaltedAccount.key == key).execute()
        return str(row.message)

    def halt(self, key: str, service: str, account: str, message: str) -> None:
        """Remember a refusal; the first one stands."""
        with database.writing():
            HaltedAccount.insert(
                key=key, service=service, account=account, since=database.now(), message=message
            ).on_conflict_ignore().execute()

    def succeeded(self, key: str, service: str) -> None:
        """What the service refused under other keys is no trouble any more; it is still not tried."""
        others = (HaltedAccount.key != key, HaltedAccount.service == service, HaltedAccount.ended.is_null())
        if database.is_only_read() or not HaltedAccount.select().where(*others).exists():
            return
        with database.writing():
            HaltedAccount.update(ended=database.now()).where(*others).execute()


def clear_halts() -> list[str]:
    """A person says that the passwords are right: the accounts that were halted may be tried again."""
    with database.writing():
        accounts = [row.account for row in HaltedAccount.select().order_by(HaltedAccount.since)]
        HaltedAccount.delete().execute()
    return list(dict.fromkeys(accounts))
