"""Generated messages: the same for the same seed, valid, and agreeing with their envelopes."""

import re
import time
from collections import Counter
from datetime import timedelta
from email import message_from_bytes, policy
from email.utils import getaddresses, parsedate_to_datetime
from itertools import islice

import pytest

from mse_tui.sandbox.calendars import appointments, company_events, parse_events
from mse_tui.sandbox.company import company
from mse_tui.sandbox.content import Letters, render
from mse_tui.sandbox.letter_mime import encoded_words
from mse_tui.sandbox.population import Extent, sample_messages

PEOPLE = range(6)
"""One person of each language."""


@pytest.fixture(scope="module")
def letters():
    """Some hundred messages for a person of each language."""
    made = Letters(11)
    return [letter for person in PEOPLE for letter in made.of_employee(person, 400)]


def decoded(data):
    return message_from_bytes(data, policy=policy.default)


def test_the_same_seed_makes_the_same_messages():
    first = list(islice(Letters(3).of_employee(2, 100), 50))
    assert first == list(islice(Letters(3).of_employee(2, 100), 50))
    assert first != list(islice(Letters(4).of_employee(2, 100), 50))


def test_a_body_depends_on_nothing_but_its_seed(letters):
    seeds = [letter.spec.body_seed for letter in letters[::40]]
    at_once = [render(seed) for seed in seeds]
    assert at_once == [Letters(11).render(seed) for seed in seeds]
    assert at_once == [render(seed) for seed in reversed(seeds)][::-1]


@pytest.mark.parametrize("seed", ["", "7", "L2|1|2|3", "L1|x|y|z"])
def test_a_foreign_body_seed_is_refused(seed):
    with pytest.raises(ValueError, match="not a body seed"):
        render(seed)


def test_headers_agree_with_the_envelope(letters):
    for letter in letters[::7]:
        spec = letter.spec
        message = decoded(render(spec.body_seed))
        assert str(message["Subject"]) == spec.subject
        assert str(message["Message-ID"]) == spec.message_id
        assert parsedate_to_datetime(str(message["Date"])) == spec.sent
        assert parsedate_to_datetime(str(message["Received"]).rpartition(";")[2].strip()) == spec.received
        for header, people in (("From", [spec.sender]), ("To", spec.to), ("Cc", spec.cc)):
            found = getaddresses([str(value) for value in message.get_all(header, [])])
            assert found == [tuple(person) for person in people], header
        assert str(message.get("In-Reply-To", "")) == spec.in_reply_to
        assert str(message.get("References", "")).split() == spec.references.split()
        assert str(message.get("Importance", "Normal")) == spec.importance
        private = str(message.get("Sensitivity", "Normal")).replace("Company-", "")
        assert private == spec.sensitivity
        attached = [part for part in message.walk() if part.get_filename() not in (None, "smime.p7s")]
        assert bool(attached) == spec.has_attachments


def test_mime_is_valid(letters):
    for letter in letters[::5]:
        data = render(letter.spec.body_seed)
        assert not re.search(rb"(?<!\r)\n|\r(?!\n)", data), "bare CR or LF"
        assert max(map(len, data.split(b"\r\n"))) <= 998
        message = decoded(data)
        for part in message.walk():
            assert part.defects == [], (letter.spec.body_seed, part.defects)
            assert part["Content-Type"].defects == ()
            if part.get_content_maintype() == "text":
                text = part.get_payload(decode=True).decode(part.get_content_charset())
                assert len(text) > 20
                if part["Content-Transfer-Encoding"] == "7bit":
                    assert part.get_payload(decode=True).isascii() or part.get_content_charset() == "iso-2022-jp"


def test_every_language_encoding_and_kind_occurs(letters):
    charsets, encodings, types = Counter(), Counter(), Counter()
    for letter in letters:
        for part in decoded(render(letter.spec.body_seed)).walk():
            types[part.get_content_type()] += 1
            if part.get_content_maintype() == "text":
                charsets[part.get_content_charset()] += 1
                encodings[str(part["Content-Transfer-Encoding"])] += 1
    assert {"us-ascii", "utf-8", "iso-8859-1", "iso-8859-2", "iso-8859-8", "iso-2022-jp"} <= charsets.keys()
    assert {"7bit", "quoted-printable", "base64"} <= encodings.keys()
    assert {"multipart/alternative", "multipart/mixed", "multipart/signed", "text/calendar"} <= types.keys()
    assert {"application/pdf", "image/png"} <= types.keys()
    specs = [letter.spec for letter in letters]
    assert {spec.flag for spec in specs} == {"NotFlagged", "Flagged", "Complete"}
    assert {spec.sensitivity for spec in specs} >= {"Normal", "Private", "Personal"}
    assert {spec.importance for spec in specs} == {"Normal", "High", "Low"}
    assert {spec.item_class for spec in specs} >= {"IPM.Note", "IPM.Schedule.Meeting.Request"}
    assert any(spec.categories for spec in specs)
    assert {spec.is_read for spec in specs} == {True, False}


def test_threads_refer_to_messages_that_are_there(letters):
    known = {letter.spec.message_id for letter in letters}
    answers = [letter.spec for letter in letters if letter.spec.in_reply_to]
    assert len(answers) > len(letters) / 4
    assert all(spec.in_reply_to in known for spec in answers)
    assert all(spec.subject.startswith("RE: ") for spec in answers)


def test_what_goes_to_everybody_is_the_same_in_each_mailbox():
    ids = [
        {letter.spec.message_id: render(letter.spec.body_seed) for letter in Letters(5).of_employee(person, 400)}
        for person in (0, 1)
    ]
    shared = ids[0].keys() & ids[1].keys()
    assert len(shared) > 2
    assert all(ids[0][key] == ids[1][key] for key in shared)


@pytest.mark.parametrize("mean", [4_000, 30_000])
def test_sizes_have_the_mean_that_was_asked_for_and_a_long_tail(mean):
    specs = [letter.spec for letter in Letters(2, mean).of_employee(0, 6_000)]
    sizes = [len(render(spec.body_seed)) for spec in specs]
    assert 0.85 * mean < sum(sizes) / len(sizes) < 1.2 * mean
    assert max(sizes) > 15 * mean
    assert sorted(sizes)[len(sizes) // 2] < 0.75 * mean
    told = sum(spec.size for spec in specs) / len(specs)
    assert 0.9 * mean < told < 1.1 * mean


def test_a_body_is_made_quickly():
    seeds = [letter.spec.body_seed for letter in Letters(2).of_employee(0, 2_000)]
    for seed in seeds:
        render(seed)
    begun = time.process_time()
    for seed in seeds:
        render(seed)
    assert (time.process_time() - begun) / len(seeds) < 0.001


def test_header_words_are_short_and_whole():
    for text in ("Grüße", "光学エンジニア" * 9, "עברית " * 20, "plain", "Łukasz 😀" * 12):
        words = encoded_words(text)
        assert all(len(word) <= 75 for word in words.split("\r\n "))
        assert str(decoded(f"Subject: {words}\r\n\r\n".encode())["Subject"]) == text


def test_the_company_is_consistent():
    firm = company()
    addresses = [one.address for one in firm.employees(60)] + [one.address for one in firm.other_mailboxes()]
    addresses += [group.address for group in firm.groups()]
    assert len(set(addresses)) == len(addresses)
    assert len(firm.listed) >= 25
    known = set(addresses)
    assert all(member in known for group in firm.groups() for member in group.members)
    assert {one.language for one in firm.listed} == set(firm.languages)
    assert any(one.disabled for one in firm.other_mailboxes())
    assert {one.kind for one in firm.other_mailboxes()} == {"user", "shared", "room", "equipment"}


@pytest.mark.parametrize("people", [1, 2, 7, 40])
def test_shares_add_up(people):
    shares = Extent(people, 1_003).shares()
    assert (len(shares), sum(shares)) == (people, 1_003)
    assert shares == sorted(shares, reverse=True) or people > 7


def test_an_impossible_extent_is_refused():
    for values in ({"people": 0}, {"messages": -1}, {"mean_bytes": 10}):
        with pytest.raises(ValueError, match="at least one person"):
            Extent(**values)


def test_sample_messages_are_as_mail_is():
    samples = list(sample_messages())
    assert len(samples) >= 5
    assert all(b"\r\n\r\n" in data for data in samples)


def test_calendars_hold_series_with_exceptions():
    series = {event.values["UID"]: event for event in company_events()}
    assert len(series["weekly@nordlicht.example"].exceptions) == 2
    specs = list(appointments(company().employee(0), company().languages["en"], 1))
    weekly = next(spec for spec in specs if spec.subject == "Montagsrunde")
    assert list(weekly.overrides.values()).count(None) == 2
    assert len(weekly.overrides) == 4
    assert weekly.end - weekly.start == timedelta(minutes=45)
    assert "WeeklyRecurrence" in weekly.properties["calendar:Recurrence"]
    assert {spec.sensitivity for spec in specs} == {"Normal", "Private"}


def test_events_are_unfolded_and_unescaped():
    text = (
        "BEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:20260101\r\nDTEND;VALUE=DATE:20260102\r\n"
        "SUMMARY:One\\, \r\n two\r\nEND:VEVENT\r\n"
    )
    (event,) = parse_events(text)
    assert event.values["SUMMARY"] == "One, two"
    assert event.all_day
