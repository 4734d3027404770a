"""The limit to measure against: requests and lxml, no archive, nothing written.

Lists every folder of one mailbox, pages through SyncFolderItems and fetches each item's MIME, with the same number of
content requests in flight as the product; the MIME is decoded and thrown away.
"""

import argparse
import binascii
import json
import resource
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from threading import local

import requests
from lxml import etree

T = "{http://schemas.microsoft.com/exchange/services/2006/types}"
M = "{http://schemas.microsoft.com/exchange/services/2006/messages}"
ENVELOPE = """<?xml version="1.0" encoding="utf-8"?>
<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"
 xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"
 xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages">
<s:Header><t:RequestServerVersion Version="Exchange2016"/><t:ExchangeImpersonation><t:ConnectingSID>
<t:PrimarySmtpAddress>{address}</t:PrimarySmtpAddress></t:ConnectingSID></t:ExchangeImpersonation></s:Header>
<s:Body>{body}</s:Body></s:Envelope>"""
FIND_FOLDERS = """<m:FindFolder Traversal="Deep"><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape>
<m:ParentFolderIds><t:DistinguishedFolderId Id="msgfolderroot"/></m:ParentFolderIds></m:FindFolder>"""
SYNC_ITEMS = """<m:SyncFolderItems><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>
<t:FieldURI FieldURI="item:Size"/></t:AdditionalProperties></m:ItemShape>
<m:SyncFolderId><t:FolderId Id="{folder}"/></m:SyncFolderId>{state}
<m:MaxChangesReturned>512</m:MaxChangesReturned></m:SyncFolderItems>"""
GET_ITEMS = """<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape>
<t:IncludeMimeContent>true</t:IncludeMimeContent></m:ItemShape><m:ItemIds>{ids}</m:ItemIds></m:GetItem>"""
BATCH_ITEMS, BATCH_BYTES = 100, 4 << 20


@dataclass
class Outcome:
    """What one loop did, in this process."""

    items: int
    bytes: int
    seconds: float
    cpu_seconds: float
    peak_mb: float


def measured(started: float, items: int, size: int) -> Outcome:
    """The outcome of a loop that began at `started` (time.perf_counter)."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return Outcome(
        items,
        size,
        time.perf_counter() - started,
        usage.ru_utime + usage.ru_stime,
        peak_mb(),
    )


def peak_mb(process: int | str = "self") -> float:
    """The most that a process has had in memory; where the system tells it, without what its parent had."""
    status = Path(f"/proc/{process}/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM")) / 1024


class BareLoop:
    def __init__(self, url: str, user: str, password: str, address: str) -> None:
        self.url, self.auth, self.address = url, (user, password), address
        self.sessions = local()

    def post(self, body: str) -> etree._Element:
        session = getattr(self.sessions, "session", None)
        if session is None:
            session = self.sessions.session = requests.Session()
            session.auth = self.auth
            session.headers["Content-Type"] = "text/xml; charset=utf-8"
        answer = session.post(self.url, data=ENVELOPE.format(address=self.address, body=body).encode(), timeout=60)
        answer.raise_for_status()
        return etree.fromstring(answer.content, etree.XMLParser(huge_tree=True))

    def folders(self) -> list[str]:
        return [found.get("Id") for found in self.post(FIND_FOLDERS).iter(f"{T}FolderId")]

    def listed(self, folder: str) -> Iterator[tuple[str, int]]:
        state = ""
        while True:
            page = self.post(SYNC_ITEMS.format(folder=folder, state=state))
            for change in page.iter(f"{T}Create"):
                yield change.find(f".//{T}ItemId").get("Id"), int(change.findtext(f".//{T}Size") or 0)
            if page.findtext(f".//{M}IncludesLastItemInRange") == "true":
                return
            state = f"<m:SyncState>{page.findtext(f'.//{M}SyncState')}</m:SyncState>"

    def fetch(self, ids: list[str]) -> tuple[int, int]:
        page = self.post(GET_ITEMS.format(ids="".join(f'<t:ItemId Id="{one}"/>' for one in ids)))
        sizes = [len(binascii.a2b_base64(mime.text)) for mime in page.iter(f"{T}MimeContent")]
        return len(sizes), sum(sizes)

    def batches(self) -> Iterator[list[str]]:
        for folder in self.folders():
            batch: list[str] = []
            size = 0
            for one, bytes_ in self.listed(folder):
                batch.append(one)
                size += bytes_
                if len(batch) == BATCH_ITEMS or size >= BATCH_BYTES:
                    yield batch
                    batch, size = [], 0
            if batch:
                yield batch

    def run(self, in_flight: int) -> Outcome:
        started = time.perf_counter()
        items = size = 0
        with ThreadPoolExecutor(in_flight) as pool:
            batches = self.batches()
            waiting: list[Future[tuple[int, int]]] = []
            while True:
                waiting += [pool.submit(self.fetch, batch) for batch in islice(batches, in_flight + 1 - len(waiting))]
                if not waiting:
                    return measured(started, items, size)
                got, bytes_ = waiting.pop(0).result()
                items, size = items + got, size + bytes_


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--in-flight", type=int, default=2)
    for name in ("url", "user", "password", "address"):
        options.add_argument(f"--{name}", required=True)
    given = options.parse_args()
    loop = BareLoop(given.url, given.user, given.password, given.address)
    json.dump(asdict(loop.run(given.in_flight)), sys.stdout)


if __name__ == "__main__":
    main()
