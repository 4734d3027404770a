"""Each fault of the server in turn: the right light and reason, a sound archive, and the next run completes."""

import time
from typing import Any

import pytest

from mse_tui.actions.sites import retry_accounts
from mse_tui.archive.verify import verify
from mse_tui.reasons import Reason
from mse_tui.sandbox.faults import FaultKind
from mse_tui.terms import Light
from tests.journeys.conftest import SiteUnderTest
from tests.support.wire_oracle import WireOracle

pytestmark = pytest.mark.slow

PASSING: list[tuple[FaultKind, dict[str, Any]]] = [
    (FaultKind.SERVER_BUSY, {"count": 3, "milliseconds": 200}),
    (FaultKind.TOO_MANY_REQUESTS, {"count": 2, "retry_after": 1}),
    (FaultKind.TOO_MANY_REQUESTS, {"count": 2}),
    (FaultKind.UNAVAILABLE, {"count": 2, "retry_after": 1}),
    (FaultKind.UNAVAILABLE, {"count": 2}),
    (FaultKind.RESET, {"count": 2}),
    (FaultKind.HALF_RESPONSE, {"count": 2, "operation": "GetItem"}),
    (FaultKind.HALF_RESPONSE, {"count": 2, "operation": "SyncFolderItems"}),
    (FaultKind.HALF_WITHOUT_LENGTH, {"count": 2, "operation": "GetItem"}),
    (FaultKind.HALF_WITHOUT_LENGTH, {"count": 2, "operation": "SyncFolderItems"}),
    (FaultKind.HALF_WITHOUT_LENGTH, {"count": 2, "operation": "SyncFolderHierarchy"}),
    (FaultKind.SLOW_BYTES, {"count": 3, "bytes_per_second": 60_000}),
    (FaultKind.INVALID_SYNC_STATE, {"count": 2}),
    (FaultKind.LATENCY, {"milliseconds": 20}),
    (FaultKind.VARYING_MIME, {}),
]

LASTING: list[tuple[FaultKind, dict[str, Any], tuple[Reason, ...]]] = [
    (FaultKind.SERVER_BUSY, {"milliseconds": 500}, (Reason.THROTTLED,)),
    (FaultKind.TOO_MANY_REQUESTS, {"retry_after": 7}, (Reason.THROTTLED,)),
    (FaultKind.UNAVAILABLE, {}, (Reason.THROTTLED, Reason.SERVER_UNREACHABLE, Reason.SERVER_ERROR)),
    (FaultKind.FORBIDDEN, {}, (Reason.ACCESS_DENIED,)),
    (FaultKind.RESET, {}, (Reason.SERVER_UNREACHABLE,)),
    (FaultKind.HALF_WITHOUT_LENGTH, {"operation": "SyncFolderItems"}, (Reason.RESPONSE_BROKEN,)),
    (
        FaultKind.HALF_RESPONSE,
        {"operation": "SyncFolderHierarchy", "skip": 0},
        (Reason.RESPONSE_BROKEN, Reason.SERVER_UNREACHABLE),
    ),
]


@pytest.mark.parametrize(("kind", "settings"), PASSING, ids=str)
def test_a_passing_fault_costs_time_only(site: SiteUnderTest, kind: FaultKind, settings: dict[str, Any]) -> None:
    address = site.server.addresses[0]
    truth = WireOracle(site.server, address).content()
    task = site.task("Replicate", [address])
    site.configure(retry_seconds=30)
    with site.engine():
        if kind is FaultKind.INVALID_SYNC_STATE:
            site.run(task)
        site.server.faults.inject(kind, **settings)
        (result,) = site.run(task)
        assert result.execution.light is Light.GREEN, result
        assert site.server.faults.struck(kind) > 0
        if kind is FaultKind.VARYING_MIME:
            assert {path: len(rows) for path, rows in site.archived(address).items()} == {
                path: len(rows) for path, rows in truth.items()
            }
        else:
            assert site.archived(address) == truth
    assert verify(site.packs(), read_data=True).ok


@pytest.mark.parametrize(("kind", "settings", "reasons"), LASTING, ids=str)
def test_a_lasting_fault_fails_the_mailbox_and_the_next_execution_completes(
    site: SiteUnderTest, kind: FaultKind, settings: dict[str, Any], reasons: tuple[Reason, ...]
) -> None:
    address = site.server.addresses[0]
    truth = WireOracle(site.server, address).content()
    task = site.task("Replicate", [address])
    with site.engine():
        site.server.faults.inject(kind, **{"skip": 6, **settings})
        (failed,) = site.run(task)
        assert failed.execution.light is Light.RED
        assert {result.reason for result in failed.results} <= {str(reason) for reason in reasons}, failed
        assert verify(site.packs(), read_data=True).ok
        site.server.faults.clear()
        time.sleep(settings.get("retry_after", 0))
        (recovered,) = site.run(task)
        assert recovered.execution.light is Light.GREEN, recovered
        assert site.archived(address) == truth


@pytest.mark.parametrize("code", ["ErrorItemCorrupt", "ErrorMimeContentConversionFailed"])
def test_a_poison_item_is_listed_and_the_rest_goes_on(site: SiteUnderTest, code: str) -> None:
    address = site.server.addresses[0]
    oracle = WireOracle(site.server, address)
    truth = oracle.content()
    poisoned = next(ids[0] for folder in oracle.folders() if (ids := oracle.item_ids(folder)))
    task = site.task("Replicate", [address])
    with site.engine():
        site.server.faults.inject(FaultKind.POISON, item=poisoned, code=code)
        for _ in range(2):
            (result,) = site.run(task)
            assert result.execution.light is Light.ORANGE
            assert [failure.reason for failure in result.results[0].failures] == [
                str(Reason.ITEM_CORRUPT if code == "ErrorItemCorrupt" else Reason.ITEM_CONVERSION_FAILED)
            ]
            assert sum(map(len, site.archived(address).values())) == sum(map(len, truth.values())) - 1
        site.server.faults.clear()
        (cured,) = site.run(task)
        assert cured.execution.light is Light.GREEN
        assert site.archived(address) == truth


def test_a_refused_password_is_tried_once_for_the_whole_site(site: SiteUnderTest) -> None:
    first, second = site.server.addresses[:2]
    tasks = [site.task("One", [first, second]), site.task("Two", [second]), site.task("Three", [first])]
    site.configure(password="wrong")
    before = site.server.statistics.refused
    with site.engine():
        for result in site.run(*tasks):
            assert result.execution.light is Light.RED
            assert result.execution.reason in (Reason.PASSWORD_REFUSED, Reason.ACCOUNT_HALTED)
    with site.engine():
        (again,) = site.run(tasks[0])
        assert again.execution.reason == Reason.ACCOUNT_HALTED
    assert site.server.statistics.refused - before == 1
    site.configure()
    with site.engine():
        (cured,) = site.run(tasks[0])
        assert cured.execution.light is Light.GREEN


def test_a_refusal_in_the_midst_halts_the_account_until_a_person_says_that_it_is_right(site: SiteUnderTest) -> None:
    first, second = site.server.addresses[:2]
    truth = WireOracle(site.server, first).content()
    task = site.task("Replicate", [first, second])
    with site.engine():
        site.server.faults.inject(FaultKind.UNAUTHORIZED, skip=6)
        (refused,) = site.run(task)
        assert (refused.execution.light, refused.execution.reason) == (Light.RED, Reason.PASSWORD_REFUSED)
        assert [result.address for result in refused.results] == [first]
        (halted,) = site.run(task)
        assert halted.execution.reason == Reason.ACCOUNT_HALTED
        assert site.server.faults.struck(FaultKind.UNAUTHORIZED) == 1
        assert verify(site.packs(), read_data=True).ok
        site.server.faults.clear()
        retry_accounts()
        (recovered,) = site.run(task)
        assert recovered.execution.light is Light.GREEN
        assert site.archived(first) == truth


@pytest.mark.parametrize(
    ("state", "light", "reason"),
    [
        ({"error": "ErrorMailboxMoveInProgress"}, Light.RED, Reason.MAILBOX_MOVING),
        ({"error": "ErrorNonExistentMailbox"}, Light.RED, Reason.MAILBOX_NOT_FOUND),
        ({"error": "ErrorImpersonateUserDenied"}, Light.RED, Reason.IMPERSONATION_DENIED),
        ({"disabled": True}, Light.NONE, Reason.MAILBOX_DISABLED),
    ],
    ids=str,
)
def test_a_mailbox_that_cannot_be_opened_is_told_and_the_others_go_on(
    site: SiteUnderTest, state: dict[str, Any], light: Light, reason: Reason
) -> None:
    addresses = site.server.addresses[:3]
    store = site.server.store
    closed = next(mailbox for mailbox in store.mailboxes() if mailbox.address == addresses[1])
    task = site.task("Replicate", addresses)
    with site.engine():
        site.run(task)  # whoever is in the group is known from here on
        store.set_mailbox(closed.id, **state)
        (result,) = site.run(task)
        assert [(row.light, row.reason) for row in result.results] == [
            (Light.GREEN, ""), (light, str(reason)), (Light.GREEN, "")
        ]  # fmt: skip
        assert result.execution.light is (Light.GREEN if light is Light.NONE else light)
        store.set_mailbox(closed.id, error="", disabled=False)
        (recovered,) = site.run(task)
        assert recovered.execution.light is Light.GREEN
        assert all(row.light is Light.GREEN for row in recovered.results)


def test_varying_mime_stores_no_second_copy_at_a_full_resync(site: SiteUnderTest) -> None:
    address = site.server.addresses[0]
    task = site.task("Replicate", [address])
    with site.engine():
        site.server.faults.inject(FaultKind.VARYING_MIME)
        site.run(task)
        first = site.archived(address)
        site.resync(task)
        (result,) = site.run(task)
        assert result.execution.light is Light.GREEN
        assert site.archived(address) == first
