"""The limit for calendars: requests and lxml, nothing written.

Pages through SyncFolderItems of the default calendar and fetches each appointment's properties, and those of changed
occurrences, with the same number of requests in flight and as many appointments a request as the product.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from itertools import islice

from mse_tui.exchange.ews_appointments import APPOINTMENT_FIELDS
from tests.benchmarks.bare_loop import BareLoop, M, Outcome, T, measured

BATCH = 50
FIELDS = "".join(f'<t:FieldURI FieldURI="{field}"/>' for field in APPOINTMENT_FIELDS)
GET_CALENDAR = """<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:FolderIds>
<t:DistinguishedFolderId Id="calendar"/></m:FolderIds></m:GetFolder>"""
SYNC = """<m:SyncFolderItems><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape>
<m:SyncFolderId><t:FolderId Id="{folder}"/></m:SyncFolderId>{state}
<m:MaxChangesReturned>512</m:MaxChangesReturned></m:SyncFolderItems>"""
GET_ITEMS = """<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>{fields}
</t:AdditionalProperties></m:ItemShape><m:ItemIds>{ids}</m:ItemIds></m:GetItem>"""


class BareCalendarLoop(BareLoop):
    """Reads one calendar."""

    def batches(self) -> Iterator[list[str]]:
        [folder] = [found.get("Id") for found in self.post(GET_CALENDAR).iter(f"{T}FolderId")]
        state = ""
        while True:
            page = self.post(SYNC.format(folder=folder, state=state))
            ids = [found.get("Id") for found in page.iter(f"{T}ItemId")]
            for start in range(0, len(ids), BATCH):
                yield ids[start : start + BATCH]
            if page.findtext(f".//{M}IncludesLastItemInRange") == "true":
                return
            state = f"<m:SyncState>{page.findtext(f'.//{M}SyncState')}</m:SyncState>"

    def fetch(self, ids: list[str]) -> tuple[int, int]:
        page = self._items(ids)
        changed = [found.get("Id") for found in page.iterfind(f".//{T}ModifiedOccurrences/{T}Occurrence/{T}ItemId")]
        if changed:
            self._items(changed)
        return len(ids), 0

    def _items(self, ids: list[str]):
        shown = "".join(f'<t:ItemId Id="{one}"/>' for one in ids)
        return self.post(GET_ITEMS.format(fields=FIELDS, ids=shown))

    def run(self, in_flight: int) -> Outcome:
        started, items = time.perf_counter(), 0
        with ThreadPoolExecutor(in_flight) as pool:
            batches = self.batches()
            waiting: list[Future[tuple[int, int]]] = []
            while True:
                waiting += [pool.submit(self.fetch, batch) for batch in islice(batches, in_flight + 1 - len(waiting))]
                if not waiting:
                    return measured(started, items, 0)
                items += waiting.pop(0).result()[0]


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--in-flight", type=int, default=2)
    for name in ("url", "user", "password", "address"):
        options.add_argument(f"--{name}", required=True)
    given = options.parse_args()
    loop = BareCalendarLoop(given.url, given.user, given.password, given.address)
    json.dump(asdict(loop.run(given.in_flight)), sys.stdout)


if __name__ == "__main__":
    main()
