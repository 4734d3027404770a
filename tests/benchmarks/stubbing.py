"""How fast attachments become stubs, and with how many requests an item, beside a bare requests + lxml loop.

The bare loop sends the same kinds of calls in the same batches and checks, keeps and renders nothing. Both work on
mailboxes of equal content, which the product has archived before. Run as: python -m tests.benchmarks.stubbing
"""

import argparse
import json
import os
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from mse_tui.archive.packs import Packs
from mse_tui.exchange.ews import connect
from mse_tui.home import Home
from mse_tui.sandbox.mime import spec_from_mime
from mse_tui.sandbox.server import SandboxServer
from mse_tui.store.database import close_database, open_database
from tests.benchmarks.bare_loop import BareLoop, M, Outcome, T, measured
from tests.benchmarks.organisation import Organisation
from tests.exchange.canned import PASSWORD_VARIABLE, Halts, opened, settings
from tests.features.managing import Management
from tests.features.replicating import Replication, make_task

IN_FLIGHT = 2
BATCH = 20
PAGE = b"<html><body>In the archive</body></html>" * 40
_ATTACHMENT = bytes(range(256)) * 120
_FIND = """<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape>
<m:IndexedPageItemView MaxEntriesReturned="1000" Offset="{offset}" BasePoint="Beginning"/>
<m:ParentFolderIds><t:DistinguishedFolderId Id="inbox"/></m:ParentFolderIds></m:FindItem>"""
_DETAILS = """<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>
<t:FieldURI FieldURI="item:Attachments"/><t:FieldURI FieldURI="item:Body"/></t:AdditionalProperties></m:ItemShape>
<m:ItemIds>{ids}</m:ItemIds></m:GetItem>"""
_CHANGE = """<t:ItemChange><t:ItemId Id="{id}" ChangeKey="{key}"/><t:Updates><t:SetItemField>
<t:FieldURI FieldURI="item:Body"/><t:Message><t:Body BodyType="Text">In the archive</t:Body></t:Message>
</t:SetItemField></t:Updates></t:ItemChange>"""
_UPDATE = """<m:UpdateItem ConflictResolution="NeverOverwrite" MessageDisposition="SaveOnly">
<m:ItemChanges>{changes}</m:ItemChanges></m:UpdateItem>"""
_ATTACH = """<m:CreateAttachment><m:ParentItemId Id="{id}"/><m:Attachments><t:FileAttachment><t:Name>a.html</t:Name>
<t:ContentType>text/html</t:ContentType><t:Content>{content}</t:Content></t:FileAttachment></m:Attachments>
</m:CreateAttachment>"""
_DETACH = "<m:DeleteAttachment><m:AttachmentIds>{ids}</m:AttachmentIds></m:DeleteAttachment>"


def bare(organisation: Organisation, address: str) -> Outcome:
    """The calls alone."""
    loop = BareLoop(organisation.url, organisation.user, organisation.password, address)
    began, ids, last = time.perf_counter(), [], False
    while not last:
        page = loop.post(_FIND.format(offset=len(ids)))
        ids += [each.get("Id") for each in page.iter(f"{T}ItemId")]
        last = page.find(f".//{M}RootFolder").get("IncludesLastItemInRange") == "true"
    content = b64encode(PAGE).decode()
    with ThreadPoolExecutor(IN_FLIGHT) as threads:
        for start in range(0, len(ids), BATCH):
            part = "".join(f'<t:ItemId Id="{each}"/>' for each in ids[start : start + BATCH])
            items = loop.post(_DETAILS.format(ids=part))
            keys = [(each.get("Id"), each.get("ChangeKey")) for each in items.iter(f"{T}ItemId")]
            attached = [each.get("Id") for each in items.iter(f"{T}AttachmentId")]
            loop.post(_UPDATE.format(changes="".join(_CHANGE.format(id=each, key=key) for each, key in keys)))
            list(threads.map(lambda each: loop.post(_ATTACH.format(id=each[0], content=content)), keys))
            loop.post(_DETACH.format(ids="".join(f'<t:AttachmentId Id="{each}"/>' for each in attached)))
            loop.post(_DETAILS.format(ids=part))
    return measured(began, len(ids), 0)


def product(organisation: Organisation, address: str, work: Path) -> tuple[Outcome, int]:
    """Storage management; what it was to archive is there already. The outcome, and its requests."""
    os.environ[PASSWORD_VARIABLE] = organisation.password
    home = Home.open(work / "home")
    open_database(home.database)
    packs = Packs(home.archive)
    wanted = settings(organisation.url, user=organisation.user, requests_in_flight=IN_FLIGHT, timeout_seconds=60)
    with opened(connect(wanted, Halts()), address) as mailbox:
        Replication(mailbox, packs, make_task()).run()
        organisation.requests()
        began = time.perf_counter()
        journal = Management(mailbox, packs).run(min_attachment_kib=8)
        outcome = measured(began, journal.counts["stubbed"], journal.counts["bytes_freed"])
    close_database()
    return outcome, organisation.requests()


@contextmanager
def organisation(directory: Path, items: int) -> Iterator[tuple[Organisation, list[str]]]:
    """Serve two mailboxes of so many equal messages, in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.stubbing", "--serve", str(directory), "--items", str(items)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            values = json.loads(process.stdout.readline())
            addresses = values.pop("addresses")
            yield Organisation(**values), addresses
        finally:
            process.terminate()


def serve(directory: Path, items: int) -> None:
    """The practice organisation; prints how to reach it."""
    with SandboxServer(directory, people=1, messages=1) as server:
        addresses = []
        for name in ("bare", "product"):
            mailbox = server.store.add_mailbox(f"{name}@example.test", name)
            inbox = server.store.distinguished_folder(mailbox.id, "inbox")
            server.store.add_items(inbox.id, (_message(name, number) for number in range(items)))
            addresses.append(mailbox.address)
        user, password = server.service_account
        reached = Organisation(
            server.url, user, password, addresses[0], f"{server.origin}/admin", server.admin_token, os.getpid()
        )
        print(json.dumps({**reached.__dict__, "addresses": addresses}), flush=True)
        sys.stdin.read()


def _message(name: str, number: int):
    content = b64encode(_ATTACHMENT + str(number).encode()).decode()
    lines = "\r\n".join(content[start : start + 76] for start in range(0, len(content), 76))
    mime = (
        f"Subject: Message {number}\r\nFrom: a@x.test\r\nTo: b@x.test\r\nMessage-ID: <{name}{number}@x.test>\r\n"
        "Date: Mon, 01 Jan 2024 00:00:00 +0000\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nHello\r\n'
        "--b\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=a.bin\r\n"
        f"Content-Transfer-Encoding: base64\r\n\r\n{lines}\r\n--b--\r\n"
    )
    return spec_from_mime(mime.encode(), is_read=True)


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(prog="python -m tests.benchmarks.stubbing", description=__doc__)
    options.add_argument("--items", type=int, default=10_000)
    options.add_argument("--serve", type=Path)
    given = options.parse_args()
    if given.serve is not None:
        serve(given.serve, given.items)
        return
    with TemporaryDirectory(prefix="mse-tui-bench-") as work, organisation(Path(work) / "org", given.items) as served:
        reached, (first, second) = served
        reached.requests()
        plain = bare(reached, first)
        asked = reached.requests()
        outcome, requests = product(reached, second, Path(work))
    for name, row, number in (("bare calls", plain, asked), ("mse-tui", outcome, requests)):
        print(
            f"{name:<12} {row.items:>8,} items {row.seconds:>8.1f} s {row.items / row.seconds:>8,.0f} items/s"
            f" {number / max(1, row.items):>6.2f} requests an item"
        )
    print(f"mse-tui: {(outcome.items / outcome.seconds) / (plain.items / plain.seconds):.0%} of the bare calls' rate")


if __name__ == "__main__":
    main()
