"""Searching the archive: what the words of a message say is found, and nothing that is not there or may not be seen."""

import os
import sqlite3
import weakref
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mse_tui.access.grants import FolderKey, give
from mse_tui.access.sight import ADMINISTRATOR, sight_of
from mse_tui.archive import indexing as module
from mse_tui.archive import search_index as index_module
from mse_tui.archive.burial import Buried, bury
from mse_tui.archive.gist import Gist
from mse_tui.archive.indexing import GRACE, Indexing, IndexReport, freshness, settled
from mse_tui.archive.packs import Packs
from mse_tui.archive.search import Hit, Page, Place, Search, search
from mse_tui.archive.search_index import Entry, Interrupted, SearchIndex, open_index
from mse_tui.archive.search_query import Query, parse
from mse_tui.archive.search_sources import SOURCES
from mse_tui.archive.search_words import folded
from mse_tui.archive.snippets import snippet
from mse_tui.archive.views import View
from mse_tui.home import Home
from mse_tui.reasons import Problem, Reason
from mse_tui.store.database import now, writing
from mse_tui.store.models import ArchiveFolder, ArchiveMailbox, FolderPlace, Message, Placement, from_micros
from tests.archive.conftest import ArchivedMailbox, sha

BEGAN = datetime(2026, 3, 1, 12, tzinfo=UTC)


def mail(subject: str = "Figures", text: str = "", *, sender: str = "Bo <bo@contoso.example>",
         to: str = "Ann <ann@contoso.example>", cc: str = "", attachments: tuple[str, ...] = (),
         html: bool = False) -> bytes:  # fmt: skip
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = subject, sender, to
    if cc:
        message["Cc"] = cc
    message.set_content(text, subtype="html" if html else "plain")
    for name in attachments:
        message.add_attachment(b"\0secretcontent", maintype="application", subtype="pdf", filename=name)
    return message.as_bytes()


class Archive:
    """Mailboxes with messages, their index, and searches in it."""

    def __init__(self, home: Home, packs: Packs, keep) -> None:
        self.path = home.search_index
        self.packs = packs
        self._keep = keep
        self.ann = ArchivedMailbox("ann@contoso.example")
        self.inbox = self.ann.folder("Inbox", self.ann.root)
        self.day = 0.0
        """Days since now, by the index's clock."""

    def put(self, content: bytes, folder: ArchiveFolder | None = None, *, days: float = 0, **fields) -> Placement:
        message = Message.get_or_none(Message.sha256 == sha(content))
        if message is None:
            self._keep(content, messages=False)
            message = Message.create(sha256=sha(content), size=len(content), **fields)
        return self.ann.place(folder or self.inbox, message, received=BEGAN + timedelta(days=days))

    def put_all(self, *contents: bytes) -> None:
        """At once, which is quicker."""
        self._keep(*contents, messages=False)
        with writing():
            for content in contents:
                message = Message.create(sha256=sha(content), size=len(content))
                self.ann.place(self.inbox, message, received=BEGAN)

    def indexing(self, **options) -> Indexing:
        return Indexing(self.packs, self.path, clock=lambda: now() + timedelta(days=self.day), **options)

    def index(self, above: int | None = None) -> IndexReport:
        return self.indexing().run(above)

    def page(self, text: str, *, person: str = "", **options) -> Page:
        query = parse(text)
        sights = {
            row.id: sight_of(person, row.id) if person else ADMINISTRATOR
            for row in ArchiveMailbox.select()
            if query.mailbox in ("", row.address)
        }
        return search(self.path, self.packs, Search(query, sights, **options))

    def hits(self, text: str, **options) -> list[Hit]:
        return list(self.page(text, **options).hits)

    def found(self, text: str, **options) -> list[str]:
        return [hit.subject for hit in self.hits(text, **options)]

    def count(self, text: str, **options) -> int:
        return len(self.hits(text, **options))

    def purge(self, message_id: int) -> None:
        with writing():
            bury(Buried(message_id, None, "test", BEGAN, BEGAN))

    def raw(self) -> bytes:
        """Everything that is on disk of the index."""
        files = [self.path, self.path.with_name(self.path.name + "-wal")]
        return b"".join(each.read_bytes() for each in files if each.exists())


@pytest.fixture
def archive(store: Home, packs: Packs, keep) -> Archive:
    return Archive(store, packs, keep)


# --- what is found


def test_words_are_found_wherever_they_stand_in_a_message(archive: Archive) -> None:
    archive.put(mail("Quarterly report", "the ferry to Bergen", sender="Bo Åkerman <bo@fjord.example>",
                     to="Ann <ann@contoso.example>", cc="Deniz Çelik <deniz@fjord.example>",
                     attachments=("budget 2026.pdf",)), subject="Quarterly report")  # fmt: skip
    archive.put(mail("Other", "nothing to see", to="Eve <eve@contoso.example>"), subject="Other")
    archive.index()
    for words in (
        "quarterly", "REPORT", "ferry bergen", "bergen quarterly budget", '"ferry to bergen"', "ferr*", '"the ferr"*',
        "akerman", "bo@fjord.example", "subject:report", "from:åkerman", "from:bo@fjord.example", "to:ann",
        "to:deniz", "cc:deniz", "body:bergen", "attachment:budget", 'attachment:"budget 2026.pdf"', "“ferry to bergen”",
    ):  # fmt: skip
        assert archive.found(words) == ["Quarterly report"], words
    for words in (
        "ferry oslo", '"bergen ferry"', "subject:ferry", "from:ann", "to:bo", "body:quarterly", "attachment:ferry",
        "secretcontent", "fer", "quarterly nothing",
    ):  # fmt: skip
        assert archive.found(words) == [], words


def test_words_in_any_script_however_they_are_written(archive: Archive) -> None:
    archive.put(mail("Grüße aus der Straße", "Fußgängerübergang"), subject="German")
    archive.put(mail("会議の資料", "東京で会議を行います。ガラス"), subject="Japanese")
    archive.put(mail("مُحَمَّد", "السَّلامُ عَلَيْكُم"), subject="Arabic")
    archive.put(mail("Ελληνικά", "Καλημέρα κόσμε"), subject="Greek")
    archive.put(mail("ภาษาไทย", "สวัสดีชาวโลก"), subject="Thai")
    archive.put(mail("회의는", "서울에서 만나요"), subject="Korean")
    archive.index()
    for words, subject in (
        ("grusse STRASSE", "German"), ("Grüße", "German"), ("fussgangerubergang", "German"), ("会議", "Japanese"),
        ("資料", "Japanese"), ("東京 会議", "Japanese"), ("会*", "Japanese"), ("محمد", "Arabic"), ("السلام", "Arabic"),
        ("καλημερα", "Greek"), ("ΚΌΣΜΕ", "Greek"), ("สวัสดี", "Thai"), ("회의", "Korean"), ("서울", "Korean"),
    ):  # fmt: skip
        assert archive.found(words) == [subject], words
    for words in ("議会", "東議", "カラス", "สีวัสด"):
        assert archive.found(words) == [], words


def test_a_body_of_html_is_found_by_what_a_reader_sees(archive: Archive) -> None:
    archive.put(mail("HTML", "<style>hiddenrule</style><p>A <b>bold</b> word &amp; an&#228;mie</p>", html=True))
    archive.index()
    assert archive.count("bold word anamie") == 1
    assert archive.count("hiddenrule") == 0


def test_a_message_of_which_only_metadata_were_archived_is_found_by_them(archive: Archive) -> None:
    archive.ann.place(archive.inbox, Message.create(size=1, subject="Bare offer", sender="bo@x.example"))
    archive.index()
    (hit,) = archive.hits("offer from:bo")
    assert (hit.sha256, hit.snippet) == ("", "")


def test_a_broken_message_is_found_by_what_can_be_read_of_it(archive: Archive) -> None:
    raw = b'Subject: =?utf-8?q?Tr=C3=BCmmer?=\r\nContent-Type: multipart/mixed; boundary="x\r\n\r\n--x\r\n\xff\xfe junk'
    archive.put(raw, subject="Trümmer")
    archive.put(b"", subject="Empty one")
    archive.put(b"\0" * 5000, subject="Zeros")
    assert archive.index().indexed == 3
    assert [archive.found(words) for words in ("trummer", "empty", "zeros")] == [["Trümmer"], ["Empty one"], ["Zeros"]]


def test_what_a_big_message_says_is_found_and_its_attachments_names(archive: Archive) -> None:
    message = EmailMessage()
    message["Subject"] = "Big"
    message.set_content("needle in a haystack")
    message.add_attachment(os.urandom(3 << 20), maintype="application", subtype="zip", filename="holiday pictures.zip")
    message.add_attachment(b"x", maintype="application", subtype="zip", filename="last.zip")
    archive.put(message.as_bytes(), subject="Big")
    archive.index()
    assert archive.count("needle attachment:holiday attachment:last.zip") == 1


# --- where it lies, and in which order


def test_newest_first_page_by_page_each_once(archive: Archive) -> None:
    for number in range(30):
        archive.put(mail(f"Week {number}", "figures"), days=number * 7 % 30 / 100, subject=f"Week {number}")
    same_second = mail("Together", "figures")
    bob = ArchivedMailbox("bob@contoso.example")
    bob.place(bob.root, archive.put(same_second, subject="Together").message, received=BEGAN)
    archive.index()
    everything = archive.hits("figures")
    assert len(everything) == 32
    assert [hit.received for hit in everything] == sorted((hit.received for hit in everything), reverse=True)
    paged: list[Hit] = []
    after: Place | None = None
    while True:
        page = archive.page("figures", after=after, limit=3)
        paged += page.hits
        assert len(page.hits) <= 3
        if (after := page.more) is None:
            break
    assert paged == everything


def test_many_messages_of_one_second_are_all_found(archive: Archive) -> None:
    archive.put_all(*(mail(f"Burst {number}", "storm") for number in range(150)))
    archive.index()
    assert len({hit.placement_id for hit in archive.hits("storm", limit=1000)}) == 150


def test_entering_messages_of_one_second_takes_no_longer_the_more_there_are(store: Home, monkeypatch) -> None:
    asked: list[int] = []
    one = SearchIndex._one
    monkeypatch.setattr(SearchIndex, "_one", lambda *words: asked.append(1) or one(*words))
    took = []
    for start in range(0, 3000, 500):
        entries = [Entry(number, b"f", BEGAN, Gist("x"), True) for number in range(start, start + 500)]
        with open_index(store.search_index) as index:
            asked.clear()
            assert index.put(entries, BEGAN) == 500
            took.append(len(asked))
    assert took[-1] < 1.5 * took[0]


def test_a_hit_says_where_the_message_lies_now_or_lay_last(archive: Archive) -> None:
    first = archive.put(mail("Moved", "wanderer"), subject="Moved")
    archive.index()
    below = archive.ann.folder("Åpen", archive.ann.folder("Projects", archive.ann.root))
    Placement.update(closed=5).where(Placement.id == first.id).execute()
    archive.ann.place(below, first.message, opened=5, received=BEGAN)
    (hit,) = archive.hits("wanderer")
    assert (hit.folder, hit.address, hit.closed, hit.received) == (
        "Projects/Åpen", "ann@contoso.example", None, BEGAN,
    )  # fmt: skip
    FolderPlace.update(closed=9).where(FolderPlace.folder == below).execute()
    FolderPlace.create(folder=below, parent=archive.inbox, name="Renamed", opened=9)
    assert archive.hits("wanderer")[0].folder == "Inbox/Renamed"
    Placement.update(closed=12).where(Placement.closed.is_null()).execute()
    assert archive.hits("wanderer")[0].closed == from_micros(12)
    assert archive.hits("wanderer", view=View.live()) == []
    assert archive.hits("wanderer", view=View.as_of(from_micros(3)))[0].folder == "Inbox"


def test_folders_mailboxes_and_dates_narrow(archive: Archive) -> None:
    projects = archive.ann.folder("Old projects", archive.inbox)
    below = archive.ann.folder("Bergen", projects)
    for number, folder in enumerate((archive.inbox, projects, below)):
        archive.put(mail(f"In {number}", "word"), folder, days=number, subject=f"In {number}")
    bob = ArchivedMailbox("bob@contoso.example")
    bob.place(bob.root, Message.get(Message.subject == "In 2"), received=BEGAN + timedelta(days=2))
    archive.index()
    assert archive.found("word in:Inbox mailbox:ann@contoso.example") == ["In 2", "In 1", "In 0"]
    assert archive.found('word in:"old projects"') == ["In 2", "In 1"]
    assert archive.found('word in:"inbox/OLD projects/bergen"') == ["In 2"]
    assert archive.found("word in:projects") == []
    assert archive.found("word mailbox:bob@contoso.example") == ["In 2"]
    assert archive.found("word after:2026-03-03") == ["In 2", "In 2"]
    assert archive.found("word before:2026-03-02") == ["In 0"]
    assert archive.found("word after:2026-03-02 before:2026-03-03") == ["In 1"]
    assert archive.found("after:2026 in:bergen") == ["In 2"]


def test_history_that_a_reset_hides_is_not_found(archive: Archive) -> None:
    gone = archive.put(mail("Early", "word"), subject="Early")
    Placement.update(closed=5).where(Placement.id == gone.id).execute()
    archive.index()
    assert archive.found("word") == ["Early"]
    ArchiveMailbox.update(full_from=from_micros(9)).execute()
    assert archive.found("word") == []


# --- the words around


def test_a_page_keeps_no_text_of_what_it_found(archive: Archive, monkeypatch) -> None:
    archive.put_all(*(mail(f"Ferry {number}", "the text") for number in range(5)))
    archive.index()
    kept: list[weakref.ref[Text]] = []

    def text(_hit: Hit, _packs: Packs) -> str:
        assert not [one for one in kept if one() is not None]
        kept.append(weakref.ref(found := Text("the text")))
        return found

    monkeypatch.setattr(Hit, "text", text)
    assert [hit.snippet for hit in archive.hits("ferry")] == ["the text"] * 5
    assert len(kept) == 5


class Text(str):
    """One that can be seen to be let go."""


def test_a_snippet_shows_what_was_found(archive: Archive) -> None:
    text = "Dear Ann,\n\n" + "so many words before it " * 20 + "the Ferry sails\nat noon " + "and more after it " * 20
    archive.put(mail("Long", text))
    archive.index()
    shown = archive.hits("ferry")[0].snippet
    assert "the Ferry sails at noon" in shown and shown.startswith("…") and shown.endswith("…") and len(shown) < 200
    assert archive.hits("subject:long")[0].snippet.startswith("Dear Ann, so many")
    assert archive.hits('"at noon" after:2020')[0].snippet.count("noon") == 1


@pytest.mark.parametrize(
    ("text", "words", "shown"),
    [
        ("x " * 100 + "Straße 7", "strasse", "Straße 7"),
        ("あ" * 300 + "東京の会議", "会議", "会議"),
        ("x " * 100 + "the ferryman, the ferry", "ferry", "the ferry"),
        ("x " * 100 + "bo.akerman@x.example", "bo-akerman*", "bo.akerman@x"),
        ("", "word", ""),
    ],
)
def test_a_snippet_finds_the_place_in_any_script(text: str, words: str, shown: str) -> None:
    assert shown in snippet(text, parse(words).terms)


@given(text=st.text(), words=st.text(max_size=30))
def test_a_snippet_of_anything(text: str, words: str) -> None:
    assert "\n" not in snippet(text, parse(words[:30].replace(":", " ")).terms)


# --- what a person may type


QUERIES = st.one_of(
    st.text(max_size=80),
    st.text(alphabet="ab\"*:()^+-{}' \0\t,.;NEARORANDNOT", max_size=60),
    st.lists(st.sampled_from(['"', "*", "subject:", "from:", "in:", "before:", "AND", "NOT", "NEAR(", "x", "会", "^"]),
             max_size=12).map("".join),
)  # fmt: skip


@given(text=QUERIES)
def test_whatever_is_typed_is_answered_or_refused_in_words(store: Home, text: str) -> None:
    path = store.search_index
    try:
        query = parse(text)
    except Problem as problem:
        assert problem.reason is Reason.INVALID
        return
    with open_index(path) as index:
        assert index.matches(query, 1 << 62, 10) == []


@given(text=st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert folded(folded(text)).split() == folded(text).split()


@given(text=st.text(min_size=1, max_size=40), before=st.text(max_size=20), after=st.text(max_size=20))
def test_what_stands_in_a_text_is_found_by_it(store: Home, text: str, before: str, after: str) -> None:
    """Whatever a person copies out of a message finds that message."""
    query = Query(parse('"' + text.replace('"', " ") + '"').terms)
    if not query.terms:
        return
    path = store.path / "found.db"
    with open_index(path) as index:
        index.clear()
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("INSERT INTO entry VALUES (1, 1, x'', 1)")
            connection.execute("INSERT INTO word (rowid, body) VALUES (1, ?)", (folded(f"{before} {text} {after}"),))
        assert [match.id for match in index.matches(query, 2, 10)] == [1]


@pytest.mark.parametrize(
    "text", ["x" * 1001, "x " * 51, "before:yesterday", "after:2026-13", "after:0001-01-01", "from: ann", "in:"]
)
def test_what_can_t_be_looked_for_is_refused_in_words(text: str) -> None:
    with pytest.raises(Problem) as caught:
        parse(text)
    assert caught.value.reason is Reason.INVALID


# --- who may see what


def test_a_person_finds_what_they_may_see(archive: Archive) -> None:
    secret = archive.ann.folder("Board", archive.ann.root)
    archive.put(mail("Open", "word"), subject="Open")
    archive.put(mail("Board", "word"), secret, subject="Board")
    private = archive.put(mail("Private", "word"), subject="Private")
    Placement.update(sensitivity="Private").where(Placement.id == private.id).execute()
    moved = archive.put(mail("Moved away", "word"), subject="Moved away")
    Placement.update(closed=5).where(Placement.id == moved.id).execute()
    archive.ann.place(secret, moved.message, opened=5, received=BEGAN)
    archive.index()
    give(archive.ann.row.id, "bob@contoso.example", who="t", folder=FolderKey("primary", archive.inbox.remote_id),
         path="Inbox")  # fmt: skip
    give(archive.ann.row.id, "carl@contoso.example", who="t")
    assert set(archive.found("word")) == {"Open", "Board", "Private", "Moved away"}
    assert set(archive.found("word", person="ann@contoso.example")) == {"Open", "Board", "Private", "Moved away"}
    assert archive.found("word", person="bob@contoso.example") == ["Open"]
    assert set(archive.found("word", person="carl@contoso.example")) == {"Open", "Board", "Moved away"}
    assert archive.found("word", person="eve@contoso.example") == []
    assert "Board" not in str(archive.hits("word", person="bob@contoso.example"))


# --- keeping up


def test_each_round_takes_what_came_since(archive: Archive) -> None:
    archive.put(mail("One", "word"))
    assert archive.index() == IndexReport(indexed=1, reached=1 << 62, finished=True)
    assert archive.index().indexed == 0
    archive.put(mail("Two", "word"))
    state = freshness(archive.path)
    assert (state.messages, state.waiting) == (1, 1)
    assert state.up_to == from_micros(1)
    assert archive.index().indexed == 1
    state = freshness(archive.path)
    assert (state.messages, state.waiting, state.up_to) == (2, 0, None)
    assert archive.count("word") == 2


def test_a_round_ends_when_it_is_told_and_the_next_goes_on(archive: Archive) -> None:
    archive.put_all(*(mail(f"Message {number}", "word") for number in range(20)))
    asked = iter([False] * 7)
    report = archive.indexing(ending=lambda: next(asked, True)).run()
    assert 0 < report.indexed < 20 and not report.finished
    assert archive.count("word") == report.indexed
    assert report.indexed + archive.index().indexed == 20
    assert archive.count("word") == 20


def test_content_that_comes_later_is_found_too(archive: Archive) -> None:
    """Metadata first, then the definition wants content: the same message under another number."""
    bare = archive.ann.place(archive.inbox, Message.create(size=1, subject="Offer"))
    archive.index()
    content = archive.put(mail("Offer", "the small print"), subject="Offer")
    Placement.update(message=content.message).where(Placement.id == bare.id).execute()
    Placement.delete().where(Placement.id == content.id).execute()
    Message.delete().where(Message.id == bare.message_id).execute()
    archive.index()
    assert [hit.placement_id for hit in archive.hits("offer")] == [bare.id]
    assert archive.count("print") == 1


def test_a_number_that_is_given_anew_is_not_mistaken_for_the_one_before(archive: Archive) -> None:
    archive.put(mail("Stays", "word"), subject="Stays")
    purged = archive.put(mail("Purged", "forbidden"), subject="Purged").message_id
    archive.index()
    archive.purge(purged)
    later = archive.put(mail("Later", "allowed"), subject="Later").message_id
    assert later == purged
    assert archive.found("forbidden") == []
    assert freshness(archive.path).waiting == 1
    archive.index()
    assert archive.found("allowed") == ["Later"]
    assert archive.found("forbidden") == []


def test_a_message_rendered_anew_by_a_repair_is_indexed_anew(archive: Archive) -> None:
    placement = archive.put(mail("Offer", "before"))
    archive.put(mail("Last", "last"))
    archive.index()
    anew = mail("Offer", "afterwards")
    archive._keep(anew, messages=False)
    Message.update(sha256=sha(anew)).where(Message.id == placement.message_id).execute()
    assert archive.count("before") == 0
    archive.index(above=0)
    assert archive.count("afterwards") == 1 and archive.count("before") == 0


def test_damaged_content_is_found_by_what_the_ledger_shows_until_it_is_repaired(archive: Archive, flip_each) -> None:
    archive.put(mail("Damaged", "inside"), subject="Damaged")
    flip_each(archive.packs)
    report = archive.index()
    assert (report.indexed, report.unreadable) == (1, 1)
    (hit,) = archive.hits("damaged")
    assert hit.snippet == "" and archive.count("inside") == 0
    flip_each(archive.packs)
    archive.index(above=0)
    assert archive.count("inside") == 1 == archive.count("damaged")


def test_an_archive_that_is_not_there_stops_the_round(archive: Archive) -> None:
    """Else everything would be indexed without its content."""
    archive.put(mail("Word", "word"))
    archive.packs.root.rename(archive.packs.root.with_name("elsewhere"))
    with pytest.raises(Problem) as caught:
        archive.index()
    assert caught.value.reason is Reason.ARCHIVE_UNREADABLE
    assert freshness(archive.path).messages == 0


@pytest.mark.parametrize("harm", ["garbage", "cut", "gone", "version"])
def test_an_index_that_is_damaged_or_of_another_version_is_made_anew(archive: Archive, harm: str) -> None:
    archive.put_all(*(mail(f"Message {number}", "word " * 50) for number in range(50)))
    archive.index()
    if harm == "garbage":
        archive.path.write_bytes(b"no database" * 1000)
    elif harm == "cut":
        os.truncate(archive.path, 3 * 4096 + 7)
    elif harm == "gone":
        archive.path.unlink()
    else:
        with closing(sqlite3.connect(archive.path)) as connection:
            connection.execute("PRAGMA user_version = 99")
    if harm in ("garbage", "cut"):
        with pytest.raises(Problem) as caught:
            archive.page("word")
        assert caught.value.reason is Reason.SEARCH_INDEX_DAMAGED
    archive.index(above=0)
    archive.index(above=0)
    assert archive.count("word", limit=100) == 50
    assert archive.path.stat().st_mode & 0o777 == 0o600


def test_a_round_does_not_go_on_in_an_index_that_was_cleared_meanwhile(archive: Archive, monkeypatch) -> None:
    """Else what came before would be missing, and nobody would know."""
    monkeypatch.setattr(module, "_AT_A_TIME", 5)
    archive.put_all(*(mail(f"Message {number}", "word") for number in range(20)))

    def clear(done: int, _total: int) -> None:
        if done == 10:
            with open_index(archive.path) as index:
                index.clear()

    assert not archive.indexing(advance=clear).run().finished
    assert freshness(archive.path).waiting == 20
    assert archive.index().indexed == 20


def test_an_index_that_is_busy_is_not_taken_for_a_damaged_one(archive: Archive, monkeypatch) -> None:
    archive.put(mail("One", "word"))
    archive.index()
    archive.put(mail("Two", "word"))
    monkeypatch.setattr(index_module, "_BUSY_SECONDS", 0.1)
    with closing(sqlite3.connect(archive.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            archive.index()
        assert archive.count("word") == 1, "who reads does not wait"
    archive.index()
    assert archive.count("word") == 2


# --- what is purged


def test_a_purged_message_is_not_found_from_that_moment_on(archive: Archive) -> None:
    message = archive.put(mail("Purged", "forbidden"), subject="Purged").message_id
    archive.put(mail("Stays", "forbidden fruit"), subject="Stays")
    archive.index()
    archive.purge(message)
    assert archive.found("forbidden") == ["Stays"]


@pytest.mark.parametrize("at_once", [1, 5000])
def test_a_purged_message_s_words_leave_the_file(archive: Archive, monkeypatch, at_once: int) -> None:
    monkeypatch.setattr(index_module, "_UNLINKED_AT_ONCE", at_once)
    archive.put_all(*(mail(f"Keep {number}", "common words") for number in range(200)))
    archive.put(mail("Purged", "common xylophonequartet zzgeheimnis", attachments=("qqanlage.pdf",)))
    purged = archive.put(mail("Purged too", "unhörbarkeit zzgeheimnis")).message_id
    last = Message.select().order_by(Message.id.desc()).first().id
    archive.index()
    assert b"onequartet" in archive.raw() and b"ehorbarkeit" not in archive.raw()
    archive.purge(purged)
    archive.purge(last - 1)
    archive.index(above=0)
    assert freshness(archive.path).words_left == 2
    assert archive.indexing().expunge(GRACE) == 0, "nothing is so old"
    assert archive.indexing().expunge() == 2
    assert freshness(archive.path).words_left == 0
    for word in (b"onequartet", b"geheimnis", b"anlage", b"orbarkeit"):
        assert word not in archive.raw(), word
    assert archive.count("common", limit=1000) == 200
    with closing(sqlite3.connect(archive.path)) as connection:
        connection.execute("INSERT INTO word (word) VALUES ('integrity-check')")


def test_words_count_as_left_while_somebody_reads_what_was_before(archive: Archive, monkeypatch) -> None:
    purged = archive.put(mail("Purged", "xylophonequartet")).message_id
    archive.put(mail("Stays", "word"))
    archive.index()
    archive.purge(purged)
    archive.index(above=0)
    archive.day = 2
    monkeypatch.setattr(index_module, "_BUSY_SECONDS", 0.1)
    with closing(sqlite3.connect(archive.path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT COUNT(*) FROM entry").fetchone()
        assert archive.indexing().expunge() == 0
        assert freshness(archive.path).words_left == 1
    assert archive.indexing().expunge() == 1
    assert b"onequartet" not in archive.raw()


def test_a_rebuild_leaves_nothing_of_before(archive: Archive) -> None:
    message = archive.put(mail("Purged", "xylophonequartet")).message_id
    archive.index()
    archive.purge(message)
    with open_index(archive.path) as index:
        index.clear()
    assert b"onequartet" not in archive.raw()
    assert archive.index().indexed == 0


def test_ending_a_look_at_all_words_changes_nothing(archive: Archive) -> None:
    archive.put_all(
        *(mail(f"Message {number}", " ".join(f"word{number}x{each}" for each in range(100))) for number in range(300))
    )
    archive.index()
    archive.purge(5)
    archive.index(above=0)
    archive.day = 2
    with pytest.raises(Interrupted), open_index(archive.path, ending=lambda: True) as index:
        index.expunge()
    assert freshness(archive.path).words_left == 1
    assert archive.indexing().expunge() == 1
    with open_index(archive.path) as index:
        assert settled(index, SOURCES[0]) == Message.select().order_by(Message.id.desc()).first().id


def test_a_search_can_be_cancelled(archive: Archive) -> None:
    archive.put(mail("Word", "word"))
    archive.index()
    with pytest.raises(Interrupted):
        search(archive.path, archive.packs, Search(parse("word"), {archive.ann.row.id: ADMINISTRATOR}),
               cancelled=lambda: True)  # fmt: skip


def test_the_index_keeps_no_text(archive: Archive) -> None:
    archive.put(mail("Sentence", "these five words stand together"))
    archive.index()
    assert b"words stand" not in archive.raw()
