"""The site's Exchange organisation for one command."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mse_tui.cli.session import Session

if TYPE_CHECKING:
    from mse_tui.exchange.mailbox import Exchange


@contextmanager
def exchange_of(session: Session) -> Iterator["Exchange"]:
    """Connect as the configuration says; no request yet. All that reaches into mailboxes needs an operator.

    Raises Problem read-only, role-missing, configuration-invalid, secret-unreadable.
    """
    from mse_tui.access.roles import Role, require
    from mse_tui.engine.halts import DatabaseHalts
    from mse_tui.exchange.ews import connect

    require(Role.OPERATOR)
    exchange = connect(session.configuration().exchange, DatabaseHalts())
    try:
        yield exchange
    finally:
        exchange.close()
