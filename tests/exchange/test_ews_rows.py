"""What can be read out of ids, times and answers, whole and broken."""

import base64
import re
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mse_tui.exchange.ews_rows import (
    decode_base64,
    item_row,
    mailbox_guid,
    parse,
    parse_stream,
    resolutions,
    response_messages,
)
from mse_tui.exchange.retry import Transient
from mse_tui.reasons import Reason
from tests.exchange.canned import entries, item, success, sync_page

GUID = "0d1f3c5a-11aa-4bbb-8ccc-00112233eeff"


def folder_id(compression=0, storage=3, moniker=b"", entry=b"\0" * 46):
    moniker = moniker or GUID.encode()
    payload = bytes([storage]) + len(moniker).to_bytes(2, "little") + moniker + b"\0" + entry
    return base64.b64encode(bytes([compression]) + (packed(payload) if compression else payload)).decode()


def packed(payload: bytes) -> bytes:
    """Run-length coding as Exchange's ids have it: two equal bytes, then how many more."""
    out, position = bytearray(), 0
    while position < len(payload):
        run = 1
        while position + run < len(payload) and payload[position + run] == payload[position] and run < 257:
            run += 1
        out += payload[position : position + 1] if run == 1 else bytes([payload[position]] * 2 + [run - 2])
        position += run
    return bytes(out)


@pytest.mark.parametrize("compression", [0, 1])
@pytest.mark.parametrize("storage", [3, 6])
def test_exchanges_folder_ids_tell_the_mailbox(compression, storage):
    identity = folder_id(compression, storage)
    assert identity[:3] == ("AAM" if (compression, storage) == (0, 3) else identity[:3])
    assert mailbox_guid(identity) == GUID


def test_ids_as_exchange_wrote_them(shared):
    found = set()
    for path in filter(Path.is_file, (shared / "ews-samples").rglob("*")):
        text = path.read_text(encoding="utf-8", errors="replace")
        found |= set(re.findall(r'FolderId\s+Id="(A[AQ]M[A-Za-z0-9+/=]{100,})"', text))
    assert {mailbox_guid(one) for one in found} == {
        "859e0872-883c-4021-9b24-29dc9958697c",
        "9362c853-fa03-45d1-9d7c-ef09db45f783",
    }


@pytest.mark.parametrize(
    "other", ["", "AAA", "no base64!", folder_id(storage=0, moniker=b"ann@example.com"), folder_id(moniker=b"x" * 36)]
)
def test_other_ids_do_not(other):
    assert mailbox_guid(other) is None


def test_damaged_base64_is_never_mended():
    assert decode_base64("QUJD\r\n REVG") == b"ABCDEF"
    for damaged in ("QUJ", "QUJD*", "QQ==QUJD", "QUJDR", "ÄUJD"):
        with pytest.raises(Transient) as caught:
            decode_base64(damaged)
        assert caught.value.problem.reason is Reason.RESPONSE_BROKEN


def test_entities_and_document_types_are_refused():
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><x>&b;</x>'
    for read in (lambda: parse(bomb.encode()), lambda: parse_stream([bomb.encode()])):
        with pytest.raises(Transient):
            read()


def test_every_cut_of_an_answer_is_noticed():
    whole = sync_page(item("A")).encode()
    assert response_messages(parse(whole), "SyncFolderItems")
    for end in range(0, len(whole)):
        with pytest.raises(Transient):
            response_messages(parse(whole[:end]), "SyncFolderItems")
        with pytest.raises(Transient):
            response_messages(parse_stream([whole[:end]]), "SyncFolderItems")


def test_an_answer_to_something_else_is_refused():
    with pytest.raises(Transient):
        response_messages(parse(entries("GetItem").encode()), "SyncFolderItems")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-02-29T23:59:59Z", datetime(2024, 2, 29, 23, 59, 59, tzinfo=UTC)),
        ("2024-02-29T23:59:59.123Z", datetime(2024, 2, 29, 23, 59, 59, 123000, tzinfo=UTC)),
        ("2024-03-01T01:59:59+02:00", datetime(2024, 2, 29, 23, 59, 59, tzinfo=UTC)),
        ("2024-02-29T23:59:59", datetime(2024, 2, 29, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_times_are_utc(text, moment):
    page = sync_page(item("A", extra=f"<t:DateTimeReceived>{text}</t:DateTimeReceived>"))
    message = response_messages(parse(page.encode()), "SyncFolderItems")[0]
    row = item_row(message.find("{*}Changes/*/*"))
    assert row.received == moment and row.received.tzinfo is UTC


def test_candidates_with_their_aliases():
    inner = (
        "<m:ResolutionSet TotalItemsInView='1' IncludesLastItemInRange='true'><t:Resolution><t:Mailbox>"
        "<t:Name>Ann</t:Name><t:EmailAddress>Ann@Example.com</t:EmailAddress><t:RoutingType>SMTP</t:RoutingType>"
        "<t:MailboxType>Mailbox</t:MailboxType></t:Mailbox><t:Contact><t:DisplayName>Ann Lee</t:DisplayName>"
        "<t:EmailAddresses><t:Entry Key='EmailAddress1'>SMTP:Ann@Example.com</t:Entry>"
        "<t:Entry Key='EmailAddress2'>smtp:a.lee@example.com</t:Entry></t:EmailAddresses></t:Contact></t:Resolution>"
        "</m:ResolutionSet>"
    )
    body = entries("ResolveNames", success("ResolveNames", inner))
    (found,) = resolutions(response_messages(parse(body.encode()), "ResolveNames")[0])
    assert (found.address, found.name) == ("ann@example.com", "Ann Lee")
    assert found.aliases == {"ann@example.com", "a.lee@example.com"}


@pytest.mark.slow
def test_a_page_of_512_rows_takes_little_time():
    page = parse(sync_page("".join(item(str(n), extra="<t:Size>5</t:Size>") for n in range(512))).encode())
    elements = page.findall(".//{*}Message")
    best = min(_seconds(lambda: [item_row(element) for element in elements]) for _ in range(5))
    assert best < 0.05


def _seconds(work):
    began = time.process_time()
    work()
    return time.process_time() - began
