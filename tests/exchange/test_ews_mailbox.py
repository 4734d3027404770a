"""Reading a mailbox over EWS: what rows come out, and that nothing cut off or wrong ever does."""

import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from mse_tui.exchange.editing import ItemQuery
from mse_tui.exchange.ews import connect
from mse_tui.exchange.mailbox import Cancelled, SyncStateInvalid
from mse_tui.exchange.rows import Area, Content, ItemFailure
from mse_tui.exchange.wire import ahead_of
from mse_tui.reasons import Problem, Reason
from tests.exchange.canned import (
    Answer,
    Canned,
    Halts,
    Waits,
    content_server,
    entries,
    error,
    fault,
    item,
    mime_message,
    opened,
    settings,
    success,
    sync_page,
)


def contents_of(answers):
    return {
        answer.remote_id: answer.stream.read() if isinstance(answer, Content) else answer.reason for answer in answers
    }


@pytest.mark.parametrize(
    ("code", "untold"), [("ErrorFolderNotFound", None), ("ErrorMailboxMoveInProgress", Reason.MAILBOX_MOVING)]
)
def test_an_online_archive_that_cannot_be_opened_now_is_not_taken_for_none(halts, code, untold):
    root = success("GetFolder", "<m:Folders><t:Folder><t:FolderId Id='R'/></t:Folder></m:Folders>")

    def answer(asked):
        if asked.operation == "GetFolder":
            return Answer(body=entries("GetFolder", root, error("GetFolder", code)))
        return Answer(body=entries("ResolveNames", error("ResolveNames", "ErrorNameResolutionNoResults")))

    with Canned(answer) as server, opened(connect(settings(server.url), halts)) as mailbox:
        identity = mailbox.identity()
    assert not identity.has_online_archive
    if untold is None:
        assert identity.areas == [Area.PRIMARY]
        return
    with pytest.raises(Problem) as caught:
        _ = identity.areas
    assert caught.value.reason is untold


@pytest.mark.parametrize(("hours", "ahead"), [(0, 0), (-3, 3), (48, -48)])
def test_how_far_the_clock_is_ahead_of_the_servers_is_known_from_its_answers(halts, hours, ahead):
    def answer(_):
        date = format_datetime(datetime.now(UTC) + timedelta(hours=hours), usegmt=True)
        return Answer(body=sync_page(""), date=date)

    with Canned(answer) as server, opened(connect(settings(server.url), halts)) as mailbox:
        assert mailbox.editing.clock_ahead() is None
        mailbox.item_changes("folder", None)
        assert mailbox.editing.clock_ahead() == pytest.approx(ahead * 3600, abs=30)


@pytest.mark.parametrize("date", ["", "yesterday"])
def test_a_server_that_does_not_tell_the_time_is_not_compared(date):
    assert ahead_of(date) is None


def test_a_page_of_changes_becomes_rows(halts):
    extra = (
        "<t:Sensitivity>Private</t:Sensitivity><t:DateTimeReceived>2024-03-01T10:00:00Z</t:DateTimeReceived>"
        "<t:DateTimeSent>2024-03-01T11:59:59+02:00</t:DateTimeSent><t:Size>4711</t:Size><t:Categories><t:String>Red"
        "</t:String><t:String>Blue</t:String></t:Categories><t:Importance>High</t:Importance>"
        "<t:HasAttachments>true</t:HasAttachments><t:DisplayTo>Bob</t:DisplayTo>"
        "<t:Flag><t:FlagStatus>Flagged</t:FlagStatus></t:Flag>"
        "<t:ExtendedProperty><t:ExtendedFieldURI PropertyTag='0x5d02' PropertyType='String'/>"
        "<t:Value>eve@example.com</t:Value></t:ExtendedProperty>"
        "<t:From><t:Mailbox><t:Name>Eve</t:Name><t:EmailAddress>/O=X/CN=EVE</t:EmailAddress></t:Mailbox></t:From>"
        "<t:InternetMessageId>&lt;1@x&gt;</t:InternetMessageId><t:IsRead>false</t:IsRead>"
    )
    page = sync_page(
        item("A", "Grüße &amp; mehr", extra)
        + "<t:Update><t:Contact><t:ItemId Id='B' ChangeKey='k'/><t:ItemClass>IPM.Contact</t:ItemClass></t:Contact>"
        "</t:Update><t:Delete><t:ItemId Id='C' ChangeKey='k'/></t:Delete>"
        "<t:ReadFlagChange><t:ItemId Id='D' ChangeKey='k2'/><t:IsRead>true</t:IsRead></t:ReadFlagChange>",
        state="next",
        last=False,
    )
    with Canned(lambda _: Answer(body=page)) as server, opened(connect(settings(server.url), halts)) as mailbox:
        changes = mailbox.item_changes("folder", "before")
    first, second = changes.changed
    assert (first.remote_id, first.change_key, first.subject) == ("A", "ck-A", "Grüße & mehr")
    assert first.received == datetime(2024, 3, 1, 10, tzinfo=UTC)
    assert first.sent == datetime(2024, 3, 1, 9, 59, 59, tzinfo=UTC) and first.sent.tzinfo is UTC
    assert (first.size, first.sensitivity, first.categories) == (4711, "Private", ("Red", "Blue"))
    assert (first.sender, first.message_id, first.flag) == ("eve@example.com", "<1@x>", "Flagged")
    assert (first.is_read, first.importance, first.has_attachments) == (False, "High", True)
    assert (second.item_class, second.sensitivity, second.flag) == ("IPM.Contact", "Normal", "NotFlagged")
    assert changes.removed == ("C",) and changes.read_flags == (("D", "k2", True),)
    assert (changes.state, changes.last) == ("next", False)
    asked = server.asked[0]
    assert asked.headers["X-AnchorMailbox"] == "ann@example.com"
    assert b"<t:PrimarySmtpAddress>ann@example.com</t:PrimarySmtpAddress>" in asked.body
    assert b"<m:SyncState>before</m:SyncState>" in asked.body


def test_without_impersonation_distinguished_folders_name_the_mailbox(halts):
    folder = success("GetFolder", "<m:Folders><t:Folder><t:FolderId Id='R'/></t:Folder></m:Folders>")
    with (
        Canned(lambda _: Answer(body=entries("GetFolder", folder))) as server,
        opened(connect(settings(server.url, impersonation=False), halts)) as mailbox,
    ):
        assert mailbox.root(Area.PRIMARY).remote_id == "R"
    assert b"ExchangeImpersonation" not in server.asked[0].body
    assert b"<t:EmailAddress>ann@example.com</t:EmailAddress>" in server.asked[0].body


@pytest.mark.parametrize("without_length", [False, True])
def test_a_page_that_is_cut_off_is_never_used(halts, without_length):
    page = sync_page("".join(item(str(n)) for n in range(20))).encode()
    cuts = [200, len(page) // 2, len(page) - 5, None]

    def answer(_):
        return Answer(body=page, cut=cuts.pop(0), without_length=without_length)

    with Canned(answer) as server, opened(connect(settings(server.url), halts)) as mailbox:
        changes = mailbox.item_changes("folder", None)
    assert [row.remote_id for row in changes.changed] == [str(n) for n in range(20)]
    assert len(server.asked) == 4


def test_a_page_that_stays_cut_off_is_a_problem(halts):
    page = sync_page(item("A")).encode()
    with (
        Canned(lambda _: Answer(body=page, cut=len(page) - 3)) as server,
        opened(connect(settings(server.url), halts)) as mailbox,
        pytest.raises(Problem) as caught,
    ):
        mailbox.item_changes("folder", None)
    assert caught.value.reason is Reason.RESPONSE_BROKEN
    assert {b"512<" in asked.body for asked in server.asked} == {True, False}


def test_a_page_without_a_state_is_never_used(halts):
    page = sync_page(item("A")).replace("<m:SyncState>state-1</m:SyncState>", "<m:SyncState/>")
    with (
        Canned(lambda _: Answer(body=page)) as server,
        opened(connect(settings(server.url), halts)) as mailbox,
        pytest.raises(Problem) as caught,
    ):
        mailbox.item_changes("folder", None)
    assert caught.value.reason is Reason.RESPONSE_BROKEN


@pytest.mark.parametrize(
    "extra",
    ["<t:Size>much</t:Size>", "<t:DateTimeSent>today</t:DateTimeSent>",
     "<t:DateTimeSent>0001-01-01T00:00:00+02:00</t:DateTimeSent>"],
)  # fmt: skip
def test_a_value_that_is_none_makes_a_broken_answer(halts, extra):
    with (
        Canned(lambda _: Answer(body=sync_page(item("A", extra=extra)))) as server,
        opened(connect(settings(server.url), halts)) as mailbox,
        pytest.raises(Problem) as caught,
    ):
        mailbox.item_changes("folder", None)
    assert caught.value.reason is Reason.RESPONSE_BROKEN


def test_pages_of_changes_that_lead_no_further_are_not_asked_for_for_ever(halts):
    with (
        Canned(lambda _: Answer(body=sync_page(item("A"), state="here", last=False))) as server,
        opened(connect(settings(server.url), halts)) as mailbox,
        pytest.raises(Problem) as caught,
    ):
        assert mailbox.item_changes("folder", None).state == "here"
        mailbox.item_changes("folder", "here")
    assert caught.value.reason is Reason.RESPONSE_BROKEN


@pytest.mark.parametrize("offset", ["", 'IndexedPagingOffset="0"', 'IndexedPagingOffset="none"'])
def test_pages_of_found_items_that_lead_no_further_are_not_asked_for_for_ever(halts, offset):
    found = "<t:Message><t:ItemId Id='A' ChangeKey='k'/></t:Message>"
    root = f"<m:RootFolder {offset} IncludesLastItemInRange='false'><t:Items>{found}</t:Items></m:RootFolder>"
    page = entries("FindItem", success("FindItem", root))
    for read in (lambda editing: editing.find("F", ItemQuery()), lambda editing: editing.find_in(["F"], ItemQuery())):
        with (
            Canned(lambda _: Answer(body=page)) as server,
            opened(connect(settings(server.url), halts)) as mailbox,
            pytest.raises(Problem) as caught,
        ):
            for pages, _ in enumerate(read(mailbox.editing)):
                assert pages < 5, "without an end"
        assert caught.value.reason is Reason.RESPONSE_BROKEN


def test_a_full_disk_is_not_taken_for_a_broken_connection(halts, monkeypatch):
    monkeypatch.setattr(
        "mse_tui.exchange.ews_stream.tempfile.SpooledTemporaryFile",
        lambda max_size: open("/dev/full", "w+b", buffering=0),  # noqa: SIM115, PTH123 (closed by who reads)
    )
    contents = {"A": b"x" * 2_000}
    with (
        Canned(content_server(contents)) as server,
        opened(connect(settings(server.url), halts)) as mailbox,
        pytest.raises(Problem) as caught,
    ):
        list(mailbox.fetch([("A", 20 * 1024 * 1024)]))
    assert caught.value.reason is Reason.DISK_FULL and "No space left" in caught.value.happened
    assert len(server.asked) == 1


def test_characters_that_xml_cannot_hold_do_not_break_a_page(halts):
    page = sync_page(item("A", "bell &#x7; and &#11; and \x01 end"))
    with Canned(lambda _: Answer(body=page)) as server, opened(connect(settings(server.url), halts)) as mailbox:
        (row,) = mailbox.item_changes("folder", None).changed
    assert row.subject == "bell \ufffd and \ufffd and \ufffd end"


def test_an_invalid_sync_state_is_told_apart(halts):
    message = error("SyncFolderItems", "ErrorInvalidSyncStateData")
    with (
        Canned(lambda _: Answer(body=entries("SyncFolderItems", message))) as server,
        opened(connect(settings(server.url), halts)) as mailbox,
        pytest.raises(SyncStateInvalid),
    ):
        mailbox.item_changes("folder", "old")
    assert len(server.asked) == 1


@pytest.mark.parametrize("code", ["ErrorItemNotFound", "ErrorSyncFolderNotFound", "ErrorFolderNotFound"])
def test_a_folder_that_is_gone(halts, code):
    with (
        Canned(lambda _: Answer(body=entries("SyncFolderItems", error("SyncFolderItems", code)))) as server,
        opened(connect(settings(server.url), halts)) as mailbox,
        pytest.raises(Problem) as caught,
    ):
        mailbox.item_changes("folder", None)
    assert caught.value.reason is Reason.FOLDER_NOT_FOUND


def test_a_mailbox_without_rights_may_look_as_if_it_had_no_folders(halts):
    with (
        Canned(lambda _: Answer(body=entries("GetFolder", error("GetFolder", "ErrorItemNotFound")))) as server,
        opened(connect(settings(server.url, impersonation=False), halts)) as mailbox,
        pytest.raises(Problem) as caught,
    ):
        mailbox.root(Area.PRIMARY)
    assert caught.value.reason is Reason.ACCESS_DENIED


def test_contents_come_in_order_byte_for_byte(halts):
    contents = {f"i{n}": bytes([n % 256]) * (n * 37 % 5000) + b"\r\n\x00end" for n in range(450)}
    with (
        Canned(content_server(contents)) as server,
        opened(connect(settings(server.url, requests_in_flight=3), halts)) as mailbox,
    ):
        answers = list(mailbox.fetch([(name, 3000) for name in contents]))
    assert [answer.remote_id for answer in answers] == list(contents)
    assert contents_of(answers) == contents
    assert all(answer.size == len(contents[answer.remote_id]) for answer in answers)
    assert answers[7].change_key == "ck-i7"
    assert len(server.asked) == 5
    assert server.connections <= 3, "connections are kept over a mailbox run"


def test_batches_are_bounded_by_bytes(halts):
    contents = {f"i{n}": b"x" * 10 for n in range(12)}
    with Canned(content_server(contents)) as server, opened(connect(settings(server.url), halts)) as mailbox:
        list(mailbox.fetch([(name, 1024 * 1024) for name in contents]))
    assert sorted(len(asked.ids) for asked in server.asked) == [4, 4, 4]


def test_requests_are_kept_in_flight_but_not_more_than_asked_for(halts):
    under_way, most, lock = set(), [0], threading.Lock()

    def answer(asked):
        with lock:
            under_way.add(id(asked))
            most[0] = max(most[0], len(under_way))
        time.sleep(0.05)
        with lock:
            under_way.discard(id(asked))
        return Answer(body=entries("GetItem", *(mime_message(one, b"x") for one in asked.ids)))

    with Canned(answer) as server, opened(connect(settings(server.url, requests_in_flight=2), halts)) as mailbox:
        list(mailbox.fetch([(f"i{n}", 4 * 1024 * 1024) for n in range(8)]))
    assert most[0] == 2


def test_reading_ahead_is_bounded(halts):
    contents = {f"i{n}": b"x" for n in range(40)}
    with (
        Canned(content_server(contents)) as server,
        opened(connect(settings(server.url, requests_in_flight=2), halts)) as mailbox,
    ):
        stream = mailbox.fetch([(name, 4 * 1024 * 1024) for name in contents])
        next(stream)
        time.sleep(0.3)
        assert len(server.asked) <= 4
        stream.close()


def test_one_bad_item_does_not_cost_the_others(halts):
    contents = {f"i{n}": b"data %d" % n for n in range(10)}
    refused = {
        "i2": "ErrorItemCorrupt",
        "i5": "ErrorMimeContentConversionFailed",
        "i7": "ErrorItemNotFound",
        "i8": "ErrorAccessDenied",
    }
    with Canned(content_server(contents, refused)) as server, opened(connect(settings(server.url), halts)) as mailbox:
        answers = contents_of(mailbox.fetch([(name, 100) for name in contents]))
    assert answers["i2"] is Reason.ITEM_CORRUPT
    assert answers["i5"] is Reason.ITEM_CONVERSION_FAILED
    assert answers["i7"] is Reason.ITEM_NOT_FOUND
    assert answers["i8"] is Reason.ACCESS_DENIED
    assert answers["i9"] == b"data 9"
    assert len(server.asked) == 1


def test_a_mailbox_wide_error_in_an_item_ends_the_fetch(halts):
    answer = content_server({"a": b"1"}, {"b": "ErrorMailboxMoveInProgress"})
    with (
        Canned(answer) as server,
        opened(connect(settings(server.url), halts)) as mailbox,
        pytest.raises(Problem) as caught,
    ):
        list(mailbox.fetch([("a", 1), ("b", 1)]))
    assert caught.value.reason is Reason.MAILBOX_MOVING


def test_items_put_off_by_a_busy_server_are_asked_for_again_alone(halts):
    contents = {f"i{n}": b"data %d" % n for n in range(6)}
    turns = [{"i3": "ErrorServerBusy", "i4": "ErrorBatchProcessingStopped"}, {}]

    def answer(asked):
        return content_server(contents, turns.pop(0))(asked)

    with Canned(answer) as server, opened(connect(settings(server.url), halts)) as mailbox:
        answers = contents_of(mailbox.fetch([(name, 100) for name in contents]))
    assert answers == contents
    assert [asked.ids for asked in server.asked] == [list(contents), ["i3", "i4"]]


def test_an_item_whose_answer_never_parses_is_found_by_splitting(halts):
    contents = {f"i{n}": b"data %d" % n for n in range(16)}

    def answer(asked):
        good = content_server(contents)(asked)
        if "i11" in asked.ids:
            good.body = good.body.replace("ck-i11", "ck\x01<broken")
        return good

    with (
        Canned(answer) as server,
        opened(connect(settings(server.url, retry_seconds=60), halts)) as mailbox,
    ):
        answers = contents_of(mailbox.fetch([(name, 100) for name in contents]))
    assert answers.pop("i11") is Reason.RESPONSE_BROKEN
    del contents["i11"]
    assert answers == contents


def test_when_nothing_parses_it_is_not_called_the_items_fault(halts):
    with (
        Canned(lambda _: Answer(body="<html>sign in</html>")) as server,
        opened(connect(settings(server.url, retry_seconds=1), halts)) as mailbox,
        pytest.raises(Problem) as caught,
    ):
        list(mailbox.fetch([(f"i{n}", 100) for n in range(8)]))
    assert caught.value.reason is Reason.RESPONSE_BROKEN


def test_an_answer_with_fewer_items_than_asked_for_is_never_used(halts):
    contents = {f"i{n}": b"data %d" % n for n in range(4)}
    shortened = [True, False]

    def answer(asked):
        if shortened.pop(0):
            asked.body = asked.body.replace(b'<t:ItemId Id="i2"/>', b"")
        return content_server(contents)(asked)

    with Canned(answer) as server, opened(connect(settings(server.url), halts)) as mailbox:
        assert contents_of(mailbox.fetch([(name, 100) for name in contents])) == contents


def test_large_items_are_spooled_and_exact(halts):
    data = b"".join(b"line %07d\r\n" % n for n in range(1_000_000))
    contents = {"small": b"s", "large": data}
    with Canned(content_server(contents)) as server, opened(connect(settings(server.url), halts)) as mailbox:
        small, large = mailbox.fetch([("small", 1), ("large", len(data))])
        assert large.size == len(data) and large.change_key == "ck-large"
        assert large.stream.tell() == 0
        assert large.stream.read() == data
        assert large.stream._rolled, "it lies on disk, not in memory"
        large.stream.close()
    assert small.stream.read() == b"s"


@pytest.mark.parametrize("cut", [400, 9_000_000, -10])
def test_a_large_item_that_is_cut_off_is_never_used(halts, cut):
    data = b"x" * 11_000_000
    attempts = []

    def answer(asked):
        attempts.append(asked)
        whole = entries("GetItem", mime_message("large", data)).encode()
        return Answer(body=whole, cut=cut % len(whole) if len(attempts) == 1 else None)

    with Canned(answer) as server, opened(connect(settings(server.url), halts)) as mailbox:
        (large,) = mailbox.fetch([("large", len(data))])
        assert large.stream.read() == data
    assert len(attempts) == 2


def test_items_beyond_the_sites_limit_are_not_fetched(halts):
    with (
        Canned(content_server({"liar": b"x" * 5000})) as server,
        opened(connect(settings(server.url, max_item_bytes=20 * 1024 * 1024), halts)) as mailbox,
    ):
        (answer,) = mailbox.fetch([("big", 21 * 1024 * 1024)])
    assert isinstance(answer, ItemFailure) and answer.reason is Reason.ITEM_TOO_LARGE
    assert server.asked == []


def test_content_that_is_not_base64_is_never_used(halts):
    turns = ["AAA*", "AAAA=AAA", "AAA", "QUJD"]

    def answer(asked):
        body = entries("GetItem", mime_message("a", b"")).replace('"UTF-8"></t', f'"UTF-8">{turns.pop(0)}</t')
        return Answer(body=body)

    with Canned(answer) as server, opened(connect(settings(server.url), halts)) as mailbox:
        (content,) = mailbox.fetch([("a", 10)])
        assert content.stream.read() == b"ABC"
    assert turns == [] and len(server.asked) == 4


def test_base64_in_lines_is_read(halts):
    body = entries("GetItem", mime_message("a", b"")).replace('"UTF-8"></t', '"UTF-8">QU\n JDREVG\r\n</t')
    with Canned(lambda _: Answer(body=body)) as server, opened(connect(settings(server.url), halts)) as mailbox:
        (content,) = mailbox.fetch([("a", 10)])
        (large,) = mailbox.fetch([("a", 11_000_000)])
        assert content.stream.read() == large.stream.read() == b"ABCDEF"
    assert len(server.asked) == 2


def test_rows_of_chosen_items(halts):
    def answer(asked):
        row = success(
            "GetItem",
            "<m:Items><t:Message><t:ItemId Id='a' ChangeKey='k'/><t:Subject>Hi</t:Subject></t:Message></m:Items>",
        )
        return Answer(body=entries("GetItem", row, error("GetItem", "ErrorItemNotFound")))

    with Canned(answer) as server, opened(connect(settings(server.url), halts)) as mailbox:
        first, second = mailbox.headers(["a", "b"])
    assert first.subject == "Hi"
    assert second == ItemFailure("b", Reason.ITEM_NOT_FOUND, "The server said ErrorItemNotFound: It went wrong.")


def resolution(address, *others):
    listed = "".join(
        f"<t:Entry Key='EmailAddress{place}'>smtp:{one}</t:Entry>" for place, one in enumerate((address, *others), 1)
    )
    return (
        f"<t:Resolution><t:Mailbox><t:Name>N</t:Name><t:EmailAddress>{address}</t:EmailAddress><t:MailboxType>Mailbox"
        f"</t:MailboxType></t:Mailbox><t:Contact><t:EmailAddresses>{listed}</t:EmailAddresses></t:Contact>"
        "</t:Resolution>"
    )


def resolving(plain, whole):
    """A directory that finds `plain` for what begins like an address, `whole` for the smtp: form."""

    def answer(asked):
        found = whole if b">smtp:" in asked.body else plain
        if not found:
            return Answer(body=entries("ResolveNames", error("ResolveNames", "ErrorNameResolutionNoResults")))
        inner = f"<m:ResolutionSet TotalItemsInView='1' IncludesLastItemInRange='true'>{found}</m:ResolutionSet>"
        return Answer(body=entries("ResolveNames", success("ResolveNames", inner)))

    return answer


def test_somebody_whose_address_only_begins_alike_is_not_meant(halts):
    near = resolution("ann@example.com")
    with Canned(resolving(near, near)) as server, pytest.raises(Problem) as caught:
        connect(settings(server.url), halts).resolve("ann@example.co")
    assert caught.value.reason is Reason.MAILBOX_NOT_FOUND


def test_an_alias_beyond_those_listed(halts):
    person = resolution("ann@example.com", "a@example.com", "b@example.com")
    with Canned(resolving("", person)) as server:
        assert connect(settings(server.url), halts).resolve("z@example.com").address == "ann@example.com"


def test_a_service_account_without_a_mailbox_asks_in_the_mailboxs_name(halts):
    def answer(asked):
        if b"ExchangeImpersonation" not in asked.body:
            return Answer(body=entries("ResolveNames", error("ResolveNames", "ErrorNameResolutionNoMailbox")))
        return resolving(resolution("ann@example.com"), "")(asked)

    with Canned(answer) as server:
        assert connect(settings(server.url), halts).resolve("ann@example.com").address == "ann@example.com"


def test_stop_ends_a_back_off_at_once(halts):
    cancel, waits = threading.Event(), Waits()
    with (
        Canned(lambda _: Answer(status=500, body=fault("ErrorServerBusy", back_off=60_000))) as server,
        opened(connect(settings(server.url, retry_seconds=600), halts), cancel=cancel, on_wait=waits) as mailbox,
    ):
        threading.Timer(0.4, cancel.set).start()
        began = time.monotonic()
        with pytest.raises(Cancelled):
            mailbox.item_changes("folder", None)
        assert time.monotonic() - began < 2
    until, why = waits.told[0]
    assert (until - datetime.now(UTC)).total_seconds() > 50 and "ErrorServerBusy" in why
    assert waits.told[-1] == (None, "")


def test_stop_ends_a_request_under_way(halts):
    cancel = threading.Event()
    with (
        Canned(lambda _: Answer(body=sync_page(""), delay=30)) as server,
        opened(connect(settings(server.url, timeout_seconds=60), halts), cancel=cancel) as mailbox,
    ):
        threading.Timer(0.3, cancel.set).start()
        began = time.monotonic()
        with pytest.raises(Cancelled):
            mailbox.item_changes("folder", None)
        with pytest.raises(Cancelled):
            list(mailbox.fetch([("a", 1)]))
        assert time.monotonic() - began < 3


def test_the_folder_tree_is_read_by_explicit_id(halts):
    def folder(remote_id, name, parent="ROOT", tag="Folder", folder_class="IPF.Note"):
        return (
            f"<t:{tag}><t:FolderId Id='{remote_id}' ChangeKey='k'/><t:ParentFolderId Id='{parent}'/>"
            f"<t:FolderClass>{folder_class}</t:FolderClass><t:DisplayName>{name}</t:DisplayName>"
            f"<t:TotalCount>3</t:TotalCount></t:{tag}>"
        )

    def answer(asked):
        if asked.operation == "GetFolder":
            names = [part.split(b'"')[0].decode() for part in asked.body.split(b'DistinguishedFolderId Id="')[1:]]
            messages = []
            for name in names:
                known = {"msgfolderroot": "ROOT", "inbox": "IN"}.get(name)
                messages.append(
                    success("GetFolder", f"<m:Folders>{folder(known, name)}</m:Folders>")
                    if known
                    else error("GetFolder", "ErrorFolderNotFound")
                )
            return Answer(body=entries("GetFolder", *messages))
        changed = "".join(
            f"<t:Create>{one}</t:Create>"
            for one in (folder("IN", "Posteingang"), folder("S", "Suche", tag="SearchFolder"), folder("P", "P", "IN"))
        )
        return Answer(
            body=entries(
                "SyncFolderHierarchy",
                success(
                    "SyncFolderHierarchy",
                    "<m:SyncState>h1</m:SyncState><m:IncludesLastFolderInRange>true</m:IncludesLastFolderInRange>"
                    f"<m:Changes>{changed}<t:Delete><t:FolderId Id='GONE' ChangeKey='k'/></t:Delete></m:Changes>",
                ),
            )
        )

    with Canned(answer) as server, opened(connect(settings(server.url), halts)) as mailbox:
        root = mailbox.root(Area.PRIMARY)
        changes = mailbox.folder_changes(Area.PRIMARY, None)
        mailbox.folder_changes(Area.PRIMARY, changes.state)
    assert (root.remote_id, root.parent_id) == ("ROOT", "")
    assert [(row.remote_id, row.parent_id, row.distinguished) for row in changes.changed] == [
        ("IN", "ROOT", "inbox"),
        ("P", "IN", ""),
    ]
    assert changes.removed == ("GONE",) and changes.state == "h1" and changes.last
    sync = next(asked for asked in server.asked if asked.operation == "SyncFolderHierarchy")
    assert b'<m:SyncFolderId><t:FolderId Id="ROOT"/></m:SyncFolderId>' in sync.body
    assert server.operations == ["GetFolder", "SyncFolderHierarchy", "GetFolder", "SyncFolderHierarchy"]


def test_every_request_is_valid(halts, shared):
    import sys

    sys.path.insert(0, str(shared / "ews-xsd"))
    try:
        from validate import Ews
    finally:
        sys.path.pop(0)
    with Canned(lambda _: Answer(body="nonsense")) as server:
        for version in ("Exchange2010_SP2", "Exchange2013_SP1", "Exchange2016"):
            for impersonation in (True, False):
                changes = {"version": version, "impersonation": impersonation, "retry_seconds": 0}
                exchange = connect(settings(server.url, **changes), Halts())
                with opened(exchange) as mailbox:
                    for ask in (
                        mailbox.identity,
                        lambda: mailbox.item_changes("AAA", "s"),
                        lambda: mailbox.root(Area.ARCHIVE),
                        lambda: mailbox.headers(["a"]),
                        lambda: list(mailbox.fetch([("a", 1)])),
                        lambda exchange=exchange: exchange.resolve("bob@example.com"),
                        lambda: mailbox._distinguished(Area.PRIMARY),
                        lambda: mailbox._distinguished(Area.ARCHIVE),
                    ):
                        try:
                            ask()
                        except Problem as problem:
                            assert problem.reason is Reason.RESPONSE_BROKEN
    checks = [Ews("exchange2013sp1"), Ews("exchange2016")]
    seen = set(server.operations)
    assert seen == {"GetFolder", "SyncFolderItems", "GetItem", "ResolveNames"}
    for asked in server.asked:
        for check in checks:
            assert check.check(asked.body) == []
