"""A small mailbox in a mail store, and clients for it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mse_tui.sandbox.ews.service import EwsService
from mse_tui.sandbox.ews.soap import Caller
from mse_tui.sandbox.mailstore import MailStore
from mse_tui.sandbox.records import ItemSpec, MailboxRecord, Person
from tests.conftest import REPOSITORY
from tests.sandbox.ews_rig import Check, Rig, schema_check

START = datetime(2024, 3, 1, 8, 0, tzinfo=UTC)


def render(seed: str) -> bytes:
    """A message for a body seed."""
    return (
        f"Received: from a by b; Fri, 01 Mar 2024 08:00:00 +0000\r\nFrom: Anna <anna@example.com>\r\n"
        f"To: Bert <bert@example.com>\r\nSubject: Message {seed}\r\nMessage-ID: <{seed}@example.com>\r\n"
        "MIME-Version: 1.0\r\n"
        f'Content-Type: multipart/mixed; boundary="b{seed}x"\r\n\r\n'
        f"--b{seed}x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nBody of {seed}\r\n"
        f"--b{seed}x\r\nContent-Type: application/pdf; name=r.pdf\r\n"
        "Content-Disposition: attachment; filename=r.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nUERGIQ==\r\n"
        f"--b{seed}x--\r\n"
    ).encode()


def message(number: int) -> ItemSpec:
    """The n-th of the generated messages."""
    return ItemSpec(
        subject=f"Message {number}",
        sender=Person("Anna", "anna@example.com"),
        to=[Person("Bert", "bert@example.com")],
        received=START + timedelta(minutes=number),
        sent=START + timedelta(minutes=number),
        message_id=f"<{number}@example.com>",
        size=len(render(str(number))),
        body_seed=str(number),
        has_attachments=True,
    )


@pytest.fixture(scope="session")
def schemas() -> list[Check]:
    """Both schemas; without the material beside the repository the tests run, only unvalidated."""
    shared = REPOSITORY.parent / "shared"
    if not (shared / "ews-xsd").is_dir():
        return []
    return [schema_check(shared, "exchange2016"), schema_check(shared, "exchange2013sp1")]


@pytest.fixture
def mail(tmp_path: Path) -> Iterator[MailStore]:
    with MailStore(tmp_path / "mail.db", render) as opened:
        yield opened


@pytest.fixture
def bert(mail: MailStore) -> MailboxRecord:
    """A mailbox with ten messages in its inbox and an online archive."""
    mailbox = mail.add_mailbox("bert@example.com", "Bert", aliases=["b@example.com"], online_archive=True)
    inbox = mail.distinguished_folder(mailbox.id, "inbox")
    assert inbox is not None
    mail.add_items(inbox.id, (message(number) for number in range(10)))
    return mailbox


@pytest.fixture
def rig(mail: MailStore, bert: MailboxRecord, schemas: list[Check]) -> Rig:
    """Bert himself, at the mailbox."""
    return Rig(EwsService(mail), Caller("bert@example.com"), schemas)
