"""exchangelib, unmodified, against the practice organisation."""

from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from itertools import count

import pytest
from exchangelib import (
    DELEGATE,
    IMPERSONATION,
    Account,
    Build,
    CalendarItem,
    Configuration,
    EWSDate,
    EWSDateTime,
    EWSTimeZone,
    ExtendedProperty,
    FileAttachment,
    HTMLBody,
    ItemAttachment,
    Mailbox,
    Message,
    Version,
)
from exchangelib.errors import (
    ErrorAccessDenied,
    ErrorIrresolvableConflict,
    ErrorItemNotFound,
    ErrorNonExistentMailbox,
)
from exchangelib.fields import MONDAY
from exchangelib.folders import Contacts, Folder
from exchangelib.items import SOFT_DELETE, Contact, Task
from exchangelib.protocol import BaseProtocol
from exchangelib.recurrence import Recurrence, WeeklyPattern
from exchangelib.transport import NOAUTH
from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter

from mse_tui.sandbox.ews.service import EwsService
from mse_tui.sandbox.ews.soap import Caller
from mse_tui.sandbox.mailstore import MailStore
from mse_tui.sandbox.records import MailboxRecord
from tests.sandbox.conftest import render

_hosts = count()


class Stubbed(ExtendedProperty):
    distinguished_property_set_id = "PublicStrings"
    property_name = "Stubbed"
    property_type = "String"


class MessageFlags(ExtendedProperty):
    property_tag = 0x0E07
    property_type = "Integer"


def adapter_to(service: EwsService, caller: Caller) -> type[HTTPAdapter]:
    class Adapter(HTTPAdapter):
        def send(self, request: PreparedRequest, **_: object) -> Response:
            reply = service.handle(request.body, caller)
            response = Response()
            response.status_code = reply.status
            response.headers.update(reply.headers)
            response.raw = BytesIO(reply.body)
            response.url, response.request = request.url, request
            return response

    return Adapter


def account_of(address: str, access: str = DELEGATE) -> Account:
    config = Configuration(
        service_endpoint=f"https://practice{next(_hosts)}.example.com/EWS/Exchange.asmx",
        auth_type=NOAUTH,
        version=Version(Build(15, 1, 2507, 35), "Exchange2016"),
    )
    return Account(address, config=config, autodiscover=False, access_type=access)


@pytest.fixture
def bound(mail: MailStore, bert: MailboxRecord, monkeypatch: pytest.MonkeyPatch) -> MailStore:
    service = EwsService(mail)
    monkeypatch.setattr(BaseProtocol, "HTTP_ADAPTER_CLS", adapter_to(service, Caller("bert@example.com", True)))
    return mail


@pytest.fixture
def account(bound: MailStore) -> Account:
    return account_of("bert@example.com")


@pytest.fixture
def registered() -> Iterator[None]:
    Message.register("stubbed", Stubbed)
    Message.register("message_flags", MessageFlags)
    yield
    Message.deregister("stubbed")
    Message.deregister("message_flags")


def test_the_folder_tree(account: Account) -> None:
    names = {folder.name for folder in account.msg_folder_root.walk()}
    assert {"Inbox", "Sent Items", "Calendar", "Contacts"} <= names
    assert account.inbox.total_count == 10
    assert account.archive_inbox.name == "Inbox"
    assert account.recoverable_items_deletions.name == "Deletions"
    assert account.root.tois.name == "Top of Information Store"
    child = Folder(parent=account.inbox, name="Projekte")
    child.save()
    assert (account.inbox / "Projekte").id == child.id
    child.name = "Projects"
    child.save(update_fields=["name"])
    child.move(account.sent)
    account.root.clear_cache()
    assert [each.name for each in account.sent.children] == ["Projects"]
    child.delete()
    account.root.clear_cache()
    assert list(account.sent.children) == []


def test_sync_hierarchy(account: Account) -> None:
    root = account.msg_folder_root
    first = list(root.sync_hierarchy())
    assert "Inbox" in {folder.name for change, folder in first if change == "create"}
    Folder(parent=account.inbox, name="New").save()
    assert [(change, folder.name) for change, folder in root.sync_hierarchy()] == [("create", "New")]


def test_sync_items_and_content(account: Account, bound: MailStore) -> None:
    synced = list(account.inbox.sync_items())
    assert [change for change, _ in synced] == ["create"] * 10
    by_subject = {item.subject: item for _, item in synced}
    items = list(account.fetch(by_subject.values(), only_fields=["mime_content", "subject"]))
    assert {item.subject: item.mime_content for item in items} == {
        f"Message {number}": render(str(number)) for number in range(10)
    }
    target = bound.items(bound.distinguished_folder(1, "inbox").id)
    bound.set_read([target[0]["id"]], read=True)
    bound.delete_item(target[1]["id"])
    assert sorted(change for change, *_ in account.inbox.sync_items()) == ["delete", "read_flag_change"]


def test_every_field_of_a_message(account: Account) -> None:
    item = account.inbox.all().order_by("datetime_received")[0]
    assert item.subject == "Message 0"
    assert item.sender.email_address == "anna@example.com"
    assert item.to_recipients[0].email_address == "bert@example.com"
    assert item.text_body.strip() == "Body of 0"
    assert item.message_id == "<0@example.com>"
    assert item.headers[0].name == "Received"
    (attachment,) = item.attachments
    assert (attachment.name, attachment.content) == ("r.pdf", b"PDF!")


def test_querying(account: Account) -> None:
    assert account.inbox.filter(subject="Message 3").count() == 1
    assert account.inbox.filter(subject__icontains="AGE 4").get().subject == "Message 4"
    assert account.inbox.filter(is_read=True).count() == 0
    newest = account.inbox.all().only("subject").order_by("-datetime_received")[:3]
    assert [item.subject for item in newest] == ["Message 9", "Message 8", "Message 7"]
    assert next(iter(account.inbox.all().values_list("subject", flat=True).order_by("subject"))) == "Message 0"


def test_create_save_move_copy_delete(account: Account, registered: None) -> None:
    message = Message(
        account=account,
        folder=account.inbox,
        subject="Grüße",
        body=HTMLBody("<p>Hallo</p>"),
        to_recipients=[Mailbox(email_address="x@y.org")],
        categories=["Blue"],
        stubbed="yes",
        message_flags=1,
        is_read=True,
    )
    message.save()
    again = account.inbox.get(id=message.id, changekey=message.changekey)
    assert (again.subject, again.body, again.stubbed, again.is_draft) == ("Grüße", "<p>Hallo</p>", "yes", False)
    old_key = again.changekey
    again.subject = "Grüße 2"
    again.save(update_fields=["subject"])
    assert again.changekey != old_key
    message.subject = "stale"
    with pytest.raises(ErrorIrresolvableConflict):
        message.save(update_fields=["subject"], conflict_resolution="NeverOverwrite")
    old_id = again.id
    again.move(account.drafts)
    assert again.id != old_id
    copied_id, _ = again.copy(account.sent)
    assert account.sent.get(subject="Grüße 2").id == copied_id
    again.move_to_trash()
    assert account.trash.get(subject="Grüße 2").body == "<p>Hallo</p>"
    account.sent.get(subject="Grüße 2").soft_delete()
    assert account.recoverable_items_deletions.all().count() == 1
    gone = account.trash.get(subject="Grüße 2")
    gone_id = gone.id
    gone.delete()
    (answer,) = account.fetch([(gone_id, None)])
    assert isinstance(answer, ErrorItemNotFound)


def test_mime_content_round_trip(account: Account) -> None:
    mime = b"From: a@b.org\r\nTo: c@d.org\r\nSubject: raw\r\n\r\nThe body\r\n"
    message = Message(account=account, folder=account.inbox, mime_content=mime)
    message.save()
    assert account.inbox.get(id=message.id, changekey=message.changekey).mime_content == mime


def test_attachments(account: Account) -> None:
    message = Message(account=account, folder=account.inbox, subject="With", body="text")
    message.attach(FileAttachment(name="a.bin", content=b"\x00\x01"))
    message.save()
    message.attach(FileAttachment(name="b.txt", content=b"two", content_id="cid1", is_inline=True))
    inner = Message(account=account, subject="Inner", body="inside")
    message.attach(ItemAttachment(name="Inner", item=inner))
    found = {each.name: each for each in account.inbox.get(subject="With").attachments}
    assert set(found) == {"a.bin", "b.txt", "Inner"}
    assert found["a.bin"].content == b"\x00\x01"
    assert found["b.txt"].content_id == "cid1"
    assert found["Inner"].item.subject == "Inner"
    again = account.inbox.get(subject="With")
    again.detach([each for each in again.attachments if each.name == "a.bin"])
    left = {each.name: each for each in account.inbox.get(subject="With").attachments}
    assert set(left) == {"b.txt", "Inner"}
    with left["b.txt"].fp as stream:
        assert stream.read() == b"two"


def test_bulk_operations(account: Account) -> None:
    made = account.bulk_create(
        folder=account.inbox, items=[Message(subject=f"Bulk {number}", body="b") for number in range(5)]
    )
    assert len(made) == 5
    moved = account.bulk_move(made, to_folder=account.junk)
    account.bulk_update([(message, ("subject",)) for message in account.junk.all()])
    assert account.junk.all().count() == 5
    account.bulk_delete(moved, delete_type=SOFT_DELETE)
    assert account.junk.all().count() == 0
    account.inbox.filter(subject__startswith="Message").delete()
    assert account.inbox.all().count() == 0


def test_contacts_and_tasks(account: Account) -> None:
    from exchangelib.indexed_properties import EmailAddress, PhysicalAddress

    contact = Contact(
        account=account,
        folder=account.contacts,
        display_name="Eva Öst",
        given_name="Eva",
        surname="Öst",
        email_addresses=[EmailAddress(email="eva@x.org", label="EmailAddress1")],
        physical_addresses=[PhysicalAddress(label="Home", street="A 1", city="B")],
    )
    contact.save()
    assert isinstance(account.contacts, Contacts)
    again = account.contacts.get(id=contact.id, changekey=contact.changekey)
    assert (again.given_name, again.email_addresses[0].email) == ("Eva", "eva@x.org")
    again.given_name = "Ewa"
    again.save(update_fields=["given_name"])
    assert [item.given_name for item in account.contacts.all()] == ["Ewa"]
    assert [change for change, _ in account.contacts.sync_items()] == ["create"]
    task = Task(account=account, folder=account.tasks, subject="Do it")
    task.save()
    assert account.tasks.get(subject="Do it").percent_complete == 0


def test_who_is_refused(bound: MailStore) -> None:
    bound.add_mailbox("anna@example.com", "Anna")
    assert account_of("anna@example.com", IMPERSONATION).inbox.total_count == 0
    with pytest.raises(ErrorAccessDenied):
        assert account_of("anna@example.com").inbox.total_count
    with pytest.raises(ErrorNonExistentMailbox):
        assert account_of("nobody@example.com", IMPERSONATION).inbox.total_count


def test_calendar_items_with_recurrence(account: Account) -> None:
    zone = EWSTimeZone("Europe/Berlin")
    start = EWSDateTime(2024, 3, 25, 9, 0, tzinfo=zone)
    item = CalendarItem(
        account=account,
        folder=account.calendar,
        subject="Jour fixe",
        body="Agenda",
        start=start,
        end=start + timedelta(hours=1),
        location="Room 4",
        required_attendees=["anna@example.com"],
        recurrence=Recurrence(
            pattern=WeeklyPattern(interval=1, weekdays=[MONDAY]), start=EWSDate(2024, 3, 25), number=3
        ),
    )
    item.save()
    item.attach(FileAttachment(name="agenda.txt", content=b"points"))
    master = account.calendar.get(id=item.id)
    assert master.type == "RecurringMaster"
    assert master.start == start
    assert master.recurrence.boundary.number == 3
    assert master.attachments[0].content == b"points"
    between = account.calendar.view(start=start - timedelta(days=1), end=start + timedelta(days=60))
    assert [each.start.astimezone(zone).hour for each in between] == [9, 9, 9]
    second = master.occurrence(index=2)
    second.refresh()
    second.subject = "Changed"
    second.save(update_fields=["subject"])
    master.occurrence(index=3).refresh()
    account.calendar.get(id=item.id).occurrence(index=3).delete()
    master = account.calendar.get(id=item.id)
    assert [each.original_start for each in master.modified_occurrences] == [start + timedelta(days=7)]
    assert [each.start for each in master.deleted_occurrences] == [start + timedelta(days=14)]
    assert [each.subject for each in account.calendar.view(start=start, end=start + timedelta(days=60))] == [
        "Jour fixe",
        "Changed",
    ]
    assert [change for change, _ in account.calendar.sync_items()] == ["create"]


def test_walking_all_stores(account: Account) -> None:
    assert {"Recoverable Items", "Inbox", "Finder"} <= {folder.name for folder in account.root.walk()}
    assert {"Inbox", "Deleted Items"} <= {folder.name for folder in account.archive_msg_folder_root.walk()}
    account.inbox.wipe()
    assert account.inbox.all().count() == 0
