"""How fast archived messages are indexed and found, beside looking through their decoded text with LIKE.

python -m tests.benchmarks.search. Prints rates, sizes, the median and the 95th percentile of several kinds of queries
with their ratios, and asserts nothing: times depend on the machine. They are of CPU, which is what both sides spend.
"""

import argparse
import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from email.message import EmailMessage
from itertools import accumulate, islice
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

from mse_tui.access.sight import ADMINISTRATOR, sight_of
from mse_tui.archive.gist import gist_of
from mse_tui.archive.indexing import Indexing
from mse_tui.archive.packs import Packs, seal
from mse_tui.archive.search import Search, search
from mse_tui.archive.search_index import size_of
from mse_tui.archive.search_query import parse
from mse_tui.home import Home
from mse_tui.store.database import close_database, open_database, writing
from mse_tui.store.models import ArchiveFolder, ArchiveMailbox, FolderPlace, Message, Placement, to_micros

SEED = 7
VOCABULARY = 60_000
WORDS = 180
"""Of a message's text."""
ATTACHMENT = 20_000
"""Bytes that every fifth message has attached."""
_BEGAN, _YEARS = datetime(2019, 1, 1, tzinfo=UTC), 6
_TOGETHER = 1000


class Mail:
    """Messages whose words are as unevenly common as those of a language."""

    def __init__(self) -> None:
        self._random = random.Random(SEED)
        syllables = [c + v for c in "bdfgklmnprstvz" for v in "aeiou"]
        self.words = ["".join(self._random.choices(syllables, k=self._random.randint(1, 4))) + str(n % 7 or "")
                      for n in range(VOCABULARY)]  # fmt: skip
        self._weights = list(accumulate(1 / (rank + 2) for rank in range(VOCABULARY)))

    def text(self, words: int) -> str:
        return " ".join(self._random.choices(self.words, cum_weights=self._weights, k=words))

    def messages(self) -> Iterator[bytes]:
        number = 0
        while True:
            message = EmailMessage()
            message["Subject"] = self.text(6)
            message["From"] = f"{self.text(2)} <person{self._random.randrange(500)}@contoso.example>"
            message["To"] = f"{self.text(2)} <person{self._random.randrange(500)}@contoso.example>"
            message["Message-ID"] = f"<{number}@contoso.example>"
            message.set_content(self.text(WORDS))
            if number % 5 == 0:
                content = self._random.randbytes(ATTACHMENT)
                name = f"{self.text(1)}.pdf"
                message.add_attachment(content, maintype="application", subtype="pdf", filename=name)
            yield message.as_bytes()
            number += 1


def fill(packs: Packs, mail: Mail, messages: int, mailboxes: int) -> int:
    """An archive of so many messages in the Inboxes of so many mailboxes; the bytes of all."""
    inboxes = [_mailbox(number) for number in range(mailboxes)]
    chance = random.Random(SEED)
    total = 0
    source = mail.messages()
    for start in range(0, messages, _TOGETHER):
        contents = list(islice(source, min(_TOGETHER, messages - start)))
        with packs.writer() as writer:
            stored = [writer.add(content) for content in contents]
            sealed = writer.finish()
        assert sealed is not None
        with writing():
            seal(sealed)
            for content, one in zip(contents, stored, strict=True):
                received = to_micros(_BEGAN) + chance.randrange(_YEARS * 365 * 86_400) * 1_000_000
                row = Message.create(sha256=one.sha256, size=len(content))
                Placement.insert(
                    folder=chance.choice(inboxes), remote_id=str(row.id), message=row, change_key="", opened=1,
                    item_class="IPM.Note", received=received,
                ).execute()  # fmt: skip
                total += len(content)
    return total


def _mailbox(number: int) -> ArchiveFolder:
    mailbox = ArchiveMailbox.create(guid=f"guid-{number}", address=f"person{number}@contoso.example")
    inbox = ArchiveFolder.create(mailbox=mailbox, area="primary", remote_id=f"inbox-{number}", folder_class="IPF.Note")
    FolderPlace.create(folder=inbox, parent=None, name="Inbox", opened=1)
    return inbox


def decoded(packs: Packs, path: Path) -> sqlite3.Connection:
    """The baseline: each message's text in a table, to be looked through."""
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE decoded (id INTEGER PRIMARY KEY, received INTEGER, text TEXT)")
    rows = Message.select(Message.id, Message.sha256, Placement.received).join(Placement).tuples().iterator()
    for id, sha256, received in rows:
        with packs.open(bytes(sha256)) as content:
            gist = gist_of(content)
        text = "\n".join((gist.subject, gist.sender, gist.recipients, gist.body, gist.attachments))
        connection.execute("INSERT INTO decoded VALUES (?, ?, ?)", (id, to_micros(received), text))
    connection.commit()
    return connection


def milliseconds(actions: list[Callable[[], object]]) -> tuple[float, float]:
    """Median and 95th percentile."""
    taken = []
    for action in actions:
        began = time.process_time()
        action()
        taken.append(1000 * (time.process_time() - began))
    return median(taken), quantiles(taken, n=20)[-1]


def kinds(mail: Mail, queries: int) -> dict[str, list[list[str]]]:
    """Kinds of queries, each as lists of words that must all be there."""
    chance = random.Random(SEED + 1)

    def some(first: int, last: int, words: int) -> list[list[str]]:
        return [[mail.words[chance.randrange(first, last)] for _ in range(words)] for _ in range(queries)]

    return {
        "one common word": some(0, 50, 1),
        "one rare word": some(20_000, 60_000, 1),
        "two words": some(50, 2000, 2),
        "a common and a rare word": [
            [*common, *rare] for common, rare in zip(some(0, 50, 1), some(20_000, 60_000, 1), strict=True)
        ],
    }


def measure(work: Path, messages: int, mailboxes: int, queries: int) -> None:
    """Fill, index, search."""
    home = Home.open(work / "home")
    open_database(home.database)
    packs, mail = Packs(home.archive), Mail()
    total = fill(packs, mail, messages, mailboxes)
    began = time.process_time()
    report = Indexing(packs, home.search_index).run()
    seconds = time.process_time() - began
    size = size_of(home.search_index)
    print(f"{report.indexed:,} messages of {mailboxes} mailboxes, {total / 1e6:,.0f} MB of MIME")
    print(
        f"indexed at {report.indexed / seconds:,.0f} messages a second of CPU; the index takes {size / 1e6:,.1f} MB",
        flush=True,
    )
    with closing(decoded(packs, work / "decoded.db")) as baseline:
        (text,) = baseline.execute("SELECT SUM(LENGTH(text)) FROM decoded").fetchone()
        print(f"{size / total:.0%} of the MIME, {size / text:.0%} of the text in it\n")
        everybody = {row.id: ADMINISTRATOR for row in ArchiveMailbox.select()}
        for name, wanted in kinds(mail, queries).items():
            _compare(name, wanted, home, packs, everybody, baseline)
    owner = ArchiveMailbox.get()
    own = {owner.id: sight_of(owner.address, owner.id)}
    p50, p95 = milliseconds(
        [_searching(home, packs, Search(parse(mail.words[number]), own)) for number in range(queries)]
    )
    print(f"{'a common word, by one person':<30} {p50:>10.1f} ms {p95:>10.1f} ms")
    close_database()


def _compare(name: str, wanted: list[list[str]], home: Home, packs: Packs, sights: dict, baseline) -> None:
    searches = [_searching(home, packs, Search(parse(" ".join(words)), sights)) for words in wanted]
    p50, p95 = milliseconds(searches)
    scans = [_scanning(baseline, words) for words in wanted[:20]]
    scan50, scan95 = milliseconds(scans)
    print(f"{name:<30} {p50:>10.1f} ms {p95:>10.1f} ms   LIKE {scan50:>10.1f} ms {scan95:>10.1f} ms"
          f"   {scan50 / p50:>8.1f} times, {scan95 / p95:>8.1f} times", flush=True)  # fmt: skip


def _searching(home: Home, packs: Packs, wanted: Search) -> Callable[[], object]:
    """A page of hits with their snippets, as a person gets it."""
    return lambda: search(home.search_index, packs, wanted)


def _scanning(baseline: sqlite3.Connection, words: list[str]) -> Callable[[], object]:
    condition = " AND ".join("text LIKE ?" for _ in words)
    sql = f"SELECT id, text FROM decoded WHERE {condition} ORDER BY received DESC LIMIT 50"
    return lambda: baseline.execute(sql, [f"%{word}%" for word in words]).fetchall()


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m tests.benchmarks.search", description=__doc__)
    options.add_argument("--messages", type=int, default=100_000)
    options.add_argument("--mailboxes", type=int, default=50)
    options.add_argument("--queries", type=int, default=100, help="of each kind")
    given = options.parse_args()
    with TemporaryDirectory(prefix="mse-tui-bench-") as work:
        print(f"{'':<30} {'median':>13} {'95 %':>13}")
        measure(Path(work), given.messages, given.mailboxes, given.queries)


if __name__ == "__main__":
    main()
