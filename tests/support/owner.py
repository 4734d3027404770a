"""A mailbox of its own on the practice organisation's server, filled and changed behind the back of who reads it."""

import email.message
import email.policy
import itertools
from datetime import UTC, datetime, timedelta

from mse_tui.sandbox.mime import spec_from_mime

BEGAN = datetime(2024, 1, 1, tzinfo=UTC)
_numbers = itertools.count(1)


class Owner:
    """A mailbox of its own for one test, with some messages in its Inbox."""

    def __init__(self, server, *, online_archive=False):
        name = f"owner{next(_numbers)}"
        self.server, self.store = server, server.store
        self.mailbox = self.store.add_mailbox(f"{name}@example.test", name, online_archive=online_archive)
        self.address = self.mailbox.address

    def folder(self, name):
        return self.store.distinguished_folder(self.mailbox.id, name).id

    def only_item(self, name="inbox"):
        """The id of the one item in a folder."""
        (item,) = [row["id"] for row in self.store.items(self.folder(name))]
        return item

    def add(self, number, *, size=0, attachments=(), pictures=(), folder="inbox", html=False, **state):
        message = email.message.EmailMessage(policy=email.policy.SMTP)
        message["Subject"], message["From"], message["To"] = f"Message {number}", "Anna <anna@x.test>", "b@x.test"
        message["Message-ID"] = f"<{number}@x.test>"
        message["Date"] = BEGAN + timedelta(days=number)
        text = "Hello. " + "x" * size
        message.set_content(f"<p>{text}</p>" if html else text, subtype="html" if html else "plain")
        for name, content in attachments:
            message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
        for name, content in pictures:
            message.add_attachment(
                content, maintype="image", subtype="png", filename=name, disposition="inline", cid=f"<{name}>"
            )
        received = BEGAN + timedelta(days=number)
        return self.store.add_item(
            self.folder(folder), spec_from_mime(message.as_bytes(), **{"received": received, "is_read": True, **state})
        )
