"""How commands find whose mailbox is meant: asked of the site's engine, or here while none runs."""

from typing import TYPE_CHECKING

from mse_tui.cli.session import Session

if TYPE_CHECKING:
    from mse_tui.actions.naming import Ask
    from mse_tui.archive.views import MailboxView

MAILBOX_NAMED = "address, user principal name or distinguished name"
GROUP_NAMED = "A group's address, distinguished name, GUID or name"


def archived_mailbox(session: Session, text: str, person: str | None = None) -> "MailboxView":
    """As `actions.naming.archived_mailbox`."""
    from mse_tui.actions import naming

    session.site()
    return naming.archived_mailbox(text, person, _asking(session))


def mailbox_address(session: Session, text: str) -> str:
    """As `actions.naming.mailbox_address`."""
    from mse_tui.actions import naming

    session.site()
    return naming.mailbox_address(text, _asking(session))


def who_looks(session: Session, text: str | None) -> str | None:
    """As `actions.naming.who_looks`; None where nobody is named."""
    from mse_tui.actions import naming

    session.site()
    return None if text is None else naming.who_looks(text, _asking(session))


def member_address(session: Session, text: str, task_id: int) -> str:
    """As `actions.naming.member_address`."""
    from mse_tui.actions import naming

    session.site()
    return naming.member_address(text, task_id, _asking(session))


def _asking(session: Session) -> "Ask":
    def ask(text: str) -> str:
        from mse_tui.cli import questions

        return str(questions.ask(session, "find_mailbox", {"text": text})["address"])

    return ask
