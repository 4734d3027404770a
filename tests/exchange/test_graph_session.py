"""Questions to Microsoft 365's services when the network, the service or a link is not what it should be."""

import threading
import time

import pytest

from mse_tui.exchange import graph_session
from mse_tui.exchange.graph_session import Conversation, Tenant
from mse_tui.exchange.mailbox import Cancelled
from mse_tui.reasons import Problem, Reason
from mse_tui.sandbox.cloud import endpoint
from mse_tui.sandbox.cloud.answers import Answer, json_answer
from mse_tui.sandbox.cloud.tenant import Tenant as Directory
from mse_tui.sandbox.cloud.tenant import User, stable_id
from tests.support.cloud import served


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    with served(tmp_path_factory.mktemp("cloud")) as running:
        yield running


@pytest.fixture(autouse=True)
def _as_it_was(rig):
    rig.reset()


@pytest.fixture
def talk(rig):
    """A conversation and its tenant."""
    opened = []

    def talks(cancel=None, on_wait=None, **changes):
        tenant = Tenant(rig.settings(**changes), rig.halts)
        conversation = Conversation(tenant, cancel or threading.Event(), on_wait)
        opened.extend((conversation, tenant))
        return conversation, tenant.graph

    yield talks
    for one in opened:
        one.close()


def refused(question, *arguments, **options):
    with pytest.raises(Problem) as caught:
        question(*arguments, **options)
    return caught.value


def all_rows(talked, path="/v1.0/users", **params):
    conversation, graph = talked
    return [row for page in conversation.pages(graph, path, params) for row in page.rows]


@pytest.fixture
def many(rig):
    people = [User(stable_id(f"u{n}"), f"U{n}", f"u{n}@x.example") for n in range(250)]
    rig.use(Directory.of(people))
    return [one.id for one in people]


def ids(rows):
    return [row["id"] for row in rows]


def test_every_page_is_read(talk, many):
    assert ids(all_rows(talk(), **{"$top": "40"})) == many


@pytest.mark.parametrize("kind", ["503", "429", "reset", "half-response", "half-response-without-length"])
def test_what_passes_is_asked_again(rig, talk, many, kind):
    rig.server.faults.inject(kind, operation="users", skip=1, count=2)
    assert ids(all_rows(talk(), **{"$top": "100"})) == many


def test_the_service_says_how_long_to_wait(rig, talk):
    rig.server.faults.inject("429", operation="users", count=1, retry_after=1)
    told = []
    conversation, graph = talk(on_wait=lambda until, why: told.append((until, why)))
    began = time.monotonic()
    conversation.get(graph, "/v1.0/users")
    assert time.monotonic() - began >= 1.0
    assert "429" in told[0][1] and told[-1] == (None, "")


def test_a_wait_that_is_too_long_is_not_begun(rig, talk):
    rig.server.faults.inject("429", operation="users", retry_after=3_600)
    began = time.monotonic()
    assert refused(all_rows, talk()).reason is Reason.THROTTLED
    assert time.monotonic() - began < 2


def test_one_deadline_for_all_pages(rig, talk, many):
    rig.server.faults.inject("503", operation="users", probability=0.5)
    began = time.monotonic()
    problem = None
    try:
        all_rows(talk(retry_seconds=0.5), **{"$top": "2"})
    except Problem as caught:
        problem = caught
    assert problem is not None and time.monotonic() - began < 5


def test_stopping_ends_a_request_and_a_wait_at_once(rig, talk):
    for kind, settings in (("latency", {"milliseconds": 5_000}), ("429", {"retry_after": 60})):
        rig.server.faults.clear()
        rig.server.faults.inject(kind, operation="users", **settings)
        stop = threading.Event()
        conversation, graph = talk(cancel=stop, retry_seconds=300)
        threading.Timer(0.3, stop.set).start()
        began = time.monotonic()
        with pytest.raises(Cancelled):
            conversation.get(graph, "/v1.0/users")
        assert time.monotonic() - began < 4


# --- links -----------------------------------------------------------------------------------------------------------


def test_a_link_to_another_host_is_not_followed_and_gets_no_token(rig, talk, many, monkeypatch, tmp_path):
    with served(tmp_path / "elsewhere") as elsewhere:
        monkeypatch.setattr(endpoint, "FOREIGN_ORIGIN", elsewhere.server.origin)
        rig.server.faults.inject("foreign-link", operation="users")
        problem = refused(all_rows, talk(), **{"$top": "100"})
        assert elsewhere.server.statistics.requests() == 0
    assert problem.reason is Reason.RESPONSE_BROKEN and elsewhere.server.origin.split("//")[1] in problem.happened


@pytest.mark.parametrize("link", ["http://{host}/v1.0/users", "https://{host}.evil.example/v1.0/users", "/v1.0/users"])
def test_other_links_that_lead_astray(rig, talk, monkeypatch, link):
    host = rig.server.origin.split("//")[1]
    answer = json_answer(200, {"value": [], "@odata.nextLink": link.format(host=host)})
    monkeypatch.setattr(rig.cloud.graph, "handle", lambda *_: answer)
    assert refused(all_rows, talk()).reason is Reason.RESPONSE_BROKEN


def test_pages_that_go_round_in_a_circle(rig, talk, monkeypatch):
    answer = json_answer(200, {"value": [], "@odata.nextLink": f"{rig.server.origin}/v1.0/users?$skiptoken=1"})
    monkeypatch.setattr(rig.cloud.graph, "handle", lambda *_: answer)
    assert "circle" in refused(all_rows, talk()).happened


def test_a_redirect_is_not_followed(rig, talk, monkeypatch, tmp_path):
    with served(tmp_path / "elsewhere") as elsewhere:
        moved = Answer(302, {"location": f"{elsewhere.server.origin}/v1.0/users"}, b"")
        monkeypatch.setattr(rig.cloud.graph, "handle", lambda *_: moved)
        problem = refused(all_rows, talk())
        assert elsewhere.server.statistics.requests() == 0
    assert problem.reason is Reason.SERVER_UNREACHABLE and "never followed" in problem.happened


# --- answers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{}", b'{"value": null}', b'{"value": {}}', b"<html>", b"\xff"])
def test_an_answer_that_is_no_page_is_not_used(rig, talk, monkeypatch, body):
    monkeypatch.setattr(rig.cloud.graph, "handle", lambda *_: Answer(200, {}, body))
    assert refused(all_rows, talk(retry_seconds=0.2)).reason is Reason.RESPONSE_BROKEN


def test_an_answer_far_larger_than_asked_for(rig, talk, many, monkeypatch):
    monkeypatch.setattr(graph_session, "LARGEST_ANSWER", 10_000)
    assert refused(all_rows, talk(), **{"$top": "250"}).reason is Reason.RESPONSE_BROKEN


@pytest.mark.parametrize(
    ("status", "reason"),
    [(400, Reason.SERVER_ERROR), (403, Reason.ACCESS_DENIED), (404, Reason.NOT_FOUND), (501, Reason.SERVER_ERROR)],
)
def test_errors_say_what_the_service_said(rig, talk, monkeypatch, status, reason):
    content = {"error": {"code": "SomeCode", "message": "Something is wrong."}}
    monkeypatch.setattr(rig.cloud.graph, "handle", lambda *_: json_answer(status, content))
    problem = refused(all_rows, talk(retry_seconds=0.2))
    assert problem.reason is reason
    assert status == 501 or "SomeCode: Something is wrong." in problem.happened


# --- batches ---------------------------------------------------------------------------------------------------------


def test_a_batch_asks_many_questions_at_once_and_keeps_their_order(rig, talk, many):
    conversation, _ = talk()
    answers = conversation.batch([f"/users/{one}?$select=id" for one in [*many[:45], "nobody"]])
    assert [answer.content.get("id") for answer in answers[:45]] == many[:45]
    assert (answers[45].status, answers[45].code) == (404, "Request_ResourceNotFound")
    assert rig.asked("$batch") == 3


def test_entries_of_a_batch_that_are_throttled_are_asked_again_alone(rig, talk, many):
    rig.server.faults.inject("429", operation="user", count=5)
    conversation, _ = talk()
    answers = conversation.batch([f"/users/{one}?$select=id" for one in many[:20]])
    assert [answer.content["id"] for answer in answers] == many[:20]
    assert rig.asked("$batch") == 2


@pytest.mark.parametrize("entries", [[], ["a"], [{"id": "0"}], [{"id": "0", "status": "fine"}]])
def test_a_batch_that_comes_back_without_an_entry_or_with_none(rig, talk, monkeypatch, entries):
    monkeypatch.setattr(rig.cloud.graph, "handle", lambda *_: json_answer(200, {"responses": entries}))
    conversation, _ = talk(retry_seconds=0.2)
    assert refused(conversation.batch, ["/users/a"]).reason is Reason.RESPONSE_BROKEN
