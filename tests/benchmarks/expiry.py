"""How fast Exchange delete by policy is, beside the same listing and deleting without a look at the archive.

python -m tests.benchmarks.expiry; prints a table, requests for each message and the ratio, asserts nothing.
"""

import argparse
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mse_tui.archive.packs import Packs
from mse_tui.exchange.editing import Disposal, ItemQuery
from mse_tui.exchange.ews import connect
from mse_tui.exchange.rows import Area
from mse_tui.home import Home
from mse_tui.store.database import close_database, open_database
from tests.benchmarks.organisation import Organisation, organisation
from tests.exchange.canned import PASSWORD_VARIABLE, Halts, opened, settings
from tests.features.replicating import Replication, make_task
from tests.features.retaining import Managing, definition, policy

_EVERYTHING = definition(default_policy=policy(delete=0, unread=True))
_AT_ONCE = 100


@contextmanager
def reached(served: Organisation) -> Iterator[Any]:
    """The measured mailbox."""
    os.environ[PASSWORD_VARIABLE] = served.password
    with opened(
        connect(settings(served.url, user=served.user, timeout_seconds=60), Halts()), served.address
    ) as mailbox:
        yield mailbox


def delete_all(mailbox: Any) -> int:
    """List every mail folder and delete what is listed; how many those were."""
    deleted = 0
    for folder in mailbox.folder_changes(Area.PRIMARY, None).changed:
        if folder.folder_class.startswith("IPF.Note"):
            query = ItemQuery(received_before=datetime.now(UTC))
            ids = [row.remote_id for page in mailbox.editing.find(folder.remote_id, query) for row in page]
            for start in range(0, len(ids), _AT_ONCE):
                deleted += len(mailbox.editing.delete(ids[start : start + _AT_ONCE], Disposal.SOFT))
    return deleted


def row(name: str, items: int, seconds: float, requests: int) -> float:
    """One line of the table; the rate."""
    print(
        f"{name:<34} {items:>8,} messages {seconds:>8.2f} s {items / seconds:>8,.0f} messages/s {requests:>7} requests"
        f" {requests / max(1, items):>8.4f} a message",
        flush=True,
    )
    return items / seconds


def measure(work: Path, messages: int, latency: int) -> None:
    """One size at one latency, each on an organisation of its own."""
    print(f"\n{messages:,} messages, {latency} ms a call")
    with organisation(work / f"bare-{latency}", messages) as served, reached(served) as mailbox:
        served.set_latency(latency)
        served.requests()
        began = time.monotonic()
        bare = row("list and delete, nothing confirmed", delete_all(mailbox), time.monotonic() - began,
                   served.requests())  # fmt: skip
    home = Home.open(work / f"home-{latency}")
    open_database(home.database)
    with organisation(work / f"org-{latency}", messages) as served, reached(served) as mailbox:
        packs = Packs(home.archive)
        Replication(mailbox, packs, make_task()).run()
        served.set_latency(latency)
        served.requests()
        began = time.monotonic()
        counts = Managing(mailbox, packs).run(_EVERYTHING).counts
        confirmed = row("mse-tui, each message confirmed", counts["items_deleted"], time.monotonic() - began,
                        served.requests())  # fmt: skip
        print(f"left: {counts['items_due'] - counts['items_deleted']} of {counts['items_due']} due")
    close_database()
    print(f"{confirmed / bare:.0%} of the rate without confirmation")


def main() -> None:
    options: Any = argparse.ArgumentParser(prog="python -m tests.benchmarks.expiry", description=__doc__)
    options.add_argument("--messages", type=int, default=10_000)
    options.add_argument("--latency", type=int, nargs="+", default=[0, 20], help="milliseconds a call")
    given = options.parse_args()
    with TemporaryDirectory(prefix="mse-tui-bench-") as work:
        for latency in given.latency:
            measure(Path(work), given.messages, latency)


if __name__ == "__main__":
    main()
