"""Whether the mailbox that has an address now is the one that was archived: addresses are given to people anew."""

from mse_tui.archive.views import MailboxView
from mse_tui.exchange.mailbox import Mailbox
from mse_tui.reasons import Problem, Reason


def refuse_another(mailbox: Mailbox, archived: MailboxView) -> None:
    """Raises Problem mailbox-not-found unless this mailbox is the archived one."""
    if mailbox.identity().guid != archived.guid:
        raise Problem(
            Reason.MAILBOX_NOT_FOUND,
            f"{archived.address} is another mailbox now than the one that was archived under this address.",
            "Nothing was changed. Restore what was archived to a mailbox that you name.",
        )
