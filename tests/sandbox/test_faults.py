"""The plan of faults: whom a fault strikes, how often, and what settings it refuses."""

import pytest

from mse_tui.sandbox.faults import Fault, FaultKind, Faults

BUSY = (FaultKind.SERVER_BUSY,)


def test_a_fault_strikes_only_in_its_scope():
    faults = Faults()
    faults.inject("server-busy", operation="GetItem", mailbox="Ada@Example.com")
    assert faults.take(BUSY, "FindItem", "ada@example.com") is None
    assert faults.take(BUSY, "GetItem", "bob@example.com") is None
    assert faults.take((FaultKind.RESET,), "GetItem", "ada@example.com") is None
    assert faults.take(BUSY, "GetItem", "ada@example.com") is not None


def test_a_counted_fault_lets_some_calls_pass_and_then_ends():
    faults = Faults()
    faults.inject("server-busy", skip=2, count=3)
    struck = [faults.take(BUSY, "GetItem") is not None for _ in range(8)]
    assert struck == [False, False, True, True, True, False, False, False]
    assert faults.listed()[0]["left"] == 0
    assert faults.struck("server-busy") == 3


def test_probability_is_repeatable():
    def run(seed):
        faults = Faults()
        faults.inject("server-busy", probability=0.3, seed=seed)
        return [faults.take(BUSY, "GetItem") is not None for _ in range(500)]

    assert run(1) == run(1) != run(2)
    assert 100 < sum(run(1)) < 200


def test_latencies_add_up():
    faults = Faults()
    faults.inject("latency", milliseconds=20)
    faults.inject("latency", milliseconds=5, operation="GetItem")
    assert (faults.latency_ms("GetItem"), faults.latency_ms("FindItem")) == (25, 20)


def test_poison_always_hits_the_same_items():
    faults = Faults()
    faults.inject("poison", probability=0.1, seed=3)
    first = [faults.poison(f"item{number}") for number in range(2000)]
    assert first == [faults.poison(f"item{number}") for number in range(2000)]
    assert 140 < sum(code == "ErrorItemCorrupt" for code in first) < 260
    faults.clear()
    faults.inject("poison", item="item7", code="ErrorMimeContentConversionFailed")
    assert faults.poison("item7") == "ErrorMimeContentConversionFailed"
    assert faults.poison("item8") is None


def test_removing_one_leaves_the_others():
    faults = Faults([Fault(FaultKind.RESET), Fault(FaultKind.FORBIDDEN)])
    assert [row["id"] for row in faults.listed()] == [1, 2]
    assert faults.remove(1)
    assert not faults.remove(1)
    assert faults.take((FaultKind.RESET,)) is None
    assert faults.take((FaultKind.FORBIDDEN,)) is not None


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"kind": "nonsense"},
        {"kind": "503", "colour": "red"},
        {"kind": "503", "probability": 2},
        {"kind": "503", "probability": "often"},
        {"kind": "poison", "code": "ErrorOther"},
        {"kind": "slow-bytes", "bytes_per_second": 0},
        {"kind": "latency", "milliseconds": -1},
    ],
)
def test_nonsense_is_refused(settings):
    with pytest.raises(ValueError, match=r"."):
        Fault.from_mapping(settings)
