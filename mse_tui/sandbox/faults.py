"""Faults on demand: what the practice organisation's server does wrong, to whom, how often."""

import random
import threading
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from hashlib import blake2b
from typing import Any


class FaultKind(StrEnum):
    """What goes wrong. The value is what the admin endpoint and the command line call it."""

    LATENCY = "latency"
    """Each call takes `milliseconds` longer."""
    SERVER_BUSY = "server-busy"
    """ErrorServerBusy with a BackOffMilliseconds of `milliseconds`."""
    TOO_MANY_REQUESTS = "429"
    """With Retry-After where `retry_after` is given."""
    UNAVAILABLE = "503"
    """With Retry-After where `retry_after` is given."""
    UNAUTHORIZED = "401"
    FORBIDDEN = "403"
    RESET = "reset"
    """The connection is reset before any answer."""
    HALF_RESPONSE = "half-response"
    """The connection ends after half of the bytes that Content-Length promised."""
    HALF_WITHOUT_LENGTH = "half-response-without-length"
    """Half of an answer that gives no length, so that only its content tells that it is cut off."""
    SLOW_BYTES = "slow-bytes"
    """The answer comes at `bytes_per_second`."""
    VARYING_MIME = "varying-mime"
    """MIME is rendered differently at every fetch: boundaries, order of headers."""
    POISON = "poison"
    """An item's content can't be had: `code` is ErrorItemCorrupt or ErrorMimeContentConversionFailed."""
    INVALID_SYNC_STATE = "invalid-sync-state"
    """ErrorInvalidSyncStateData for every sync state that is presented."""
    FOREIGN_LINK = "foreign-link"
    """Cloud: the link to the next page leads to another host."""
    LOST_ROW = "lost-row"
    """Cloud: a page comes without its last row."""


ANSWER_FAULTS = frozenset(
    {
        FaultKind.SERVER_BUSY,
        FaultKind.TOO_MANY_REQUESTS,
        FaultKind.UNAVAILABLE,
        FaultKind.UNAUTHORIZED,
        FaultKind.FORBIDDEN,
        FaultKind.RESET,
    }
)
"""Faults in place of an answer: the operation is not carried out."""

TRANSFER_FAULTS = frozenset({FaultKind.HALF_RESPONSE, FaultKind.HALF_WITHOUT_LENGTH, FaultKind.SLOW_BYTES})
"""Faults in the transfer of an answer: the operation has been carried out."""

LINK_FAULTS = frozenset({FaultKind.FOREIGN_LINK, FaultKind.LOST_ROW})
"""Faults in what a page of the cloud says, sound though it looks."""

POISON_CODES = ("ErrorItemCorrupt", "ErrorMimeContentConversionFailed")


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault and its scope. Without any scope it strikes every call, until it is removed."""

    kind: FaultKind
    operation: str | None = None
    """Only this EWS operation ('GetItem'), or this question to the cloud ('token', 'transitiveMembers')."""
    mailbox: str | None = None
    """Only calls for this address."""
    item: str | None = None
    """Poison: only this item id; None: the share `probability` of all items, always the same ones."""
    count: int | None = None
    """How many times it strikes; None: no end."""
    skip: int = 0
    """How many calls in its scope it lets pass first."""
    probability: float = 1.0
    """The share of calls in its scope that it strikes."""
    seed: int = 0
    """Of the dice for `probability`."""
    milliseconds: int = 1000
    """Latency, or the back-off that ErrorServerBusy asks for."""
    retry_after: int | None = None
    """Seconds."""
    bytes_per_second: int = 20_000
    code: str = "ErrorItemCorrupt"
    id: int = 0
    """Given by the plan."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.probability <= 1.0:
            raise ValueError("probability is between 0 and 1")
        if self.code not in POISON_CODES:
            raise ValueError(f"code is one of {', '.join(POISON_CODES)}")
        if self.bytes_per_second < 1 or self.milliseconds < 0 or self.skip < 0:
            raise ValueError("milliseconds and skip are not negative, bytes_per_second at least 1")

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> "Fault":
        """A fault as JSON or the command line gives it. Raises ValueError for an unknown kind or setting."""
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown or "kind" not in values:
            raise ValueError(f"unknown settings: {', '.join(unknown)}" if unknown else "kind is missing")
        given = {key: value for key, value in values.items() if key not in ("kind", "id")}
        try:
            return cls(FaultKind(str(values["kind"])), **given)
        except TypeError as error:
            raise ValueError(str(error)) from error

    def as_mapping(self) -> dict[str, Any]:
        """Its settings, for JSON."""
        return asdict(self)


class _Armed:
    """A fault of the plan with its dice and what is left of it."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.left = fault.count
        self.skip = fault.skip
        self.struck = 0
        self.dice = random.Random(fault.seed)  # noqa: S311 (repeatable faults, not secrets)

    def applies(self, operation: str, mailbox: str) -> bool:
        fault = self.fault
        if self.left == 0 or (fault.operation and fault.operation != operation):
            return False
        return not fault.mailbox or fault.mailbox.lower() == mailbox.lower()

    def strike(self) -> bool:
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.fault.probability < 1.0 and self.dice.random() >= self.fault.probability:
            return False
        if self.left is not None:
            self.left -= 1
        self.struck += 1
        return True


class Faults:
    """The plan of faults of one server. Every method may be called from any thread."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._guard = threading.Lock()
        self._armed: dict[int, _Armed] = {}
        self._next = 1
        for fault in faults:
            self.add(fault)

    def add(self, fault: Fault) -> Fault:
        """Arm a fault; the one returned carries its id."""
        with self._guard:
            fault = replace(fault, id=self._next)
            self._armed = {**self._armed, fault.id: _Armed(fault)}
            self._next += 1
        return fault

    def inject(self, kind: FaultKind | str, **settings: Any) -> Fault:
        """Arm a fault by its kind and settings. Raises ValueError."""
        return self.add(Fault.from_mapping({"kind": kind, **settings}))

    def remove(self, fault_id: int) -> bool:
        """Disarm one; whether there was one."""
        with self._guard:
            found = fault_id in self._armed
            self._armed = {key: armed for key, armed in self._armed.items() if key != fault_id}
        return found

    def clear(self) -> None:
        """Disarm all."""
        with self._guard:
            self._armed = {}

    def listed(self) -> list[dict[str, Any]]:
        """Every fault with its settings, how often it struck and how often it still will (None: no end)."""
        with self._guard:
            return [
                {**armed.fault.as_mapping(), "struck": armed.struck, "left": armed.left}
                for armed in self._armed.values()
            ]

    def struck(self, kind: FaultKind | str) -> int:
        """How often faults of a kind have struck, of those still in the plan."""
        with self._guard:
            return sum(armed.struck for armed in self._armed.values() if armed.fault.kind == kind)

    def take(self, kinds: Iterable[FaultKind], operation: str = "", mailbox: str = "") -> Fault | None:
        """The first fault of these kinds that strikes this call now, used up by one."""
        if not self._armed:
            return None
        with self._guard:
            for armed in self._armed.values():
                if armed.fault.kind in kinds and armed.applies(operation, mailbox) and armed.strike():
                    return armed.fault
        return None

    def latency_ms(self, operation: str = "", mailbox: str = "") -> int:
        """How much longer this call takes, all latencies together."""
        if not self._armed:
            return 0
        with self._guard:
            return sum(
                armed.fault.milliseconds
                for armed in self._armed.values()
                if armed.fault.kind is FaultKind.LATENCY and armed.applies(operation, mailbox) and armed.strike()
            )

    def poison(self, item_id: str, mailbox: str = "") -> str | None:
        """The response code that stands in for this item's content, None where it is sound."""
        if not self._armed:
            return None
        with self._guard:
            for armed in self._armed.values():
                fault = armed.fault
                if fault.kind is FaultKind.POISON and armed.applies("GetItem", mailbox) and _poisoned(fault, item_id):
                    armed.struck += 1
                    if armed.left is not None:
                        armed.left -= 1
                    return fault.code
        return None

    def varying_mime(self, mailbox: str = "") -> bool:
        """Whether this fetch renders MIME in another way than the last."""
        return self.take((FaultKind.VARYING_MIME,), "GetItem", mailbox) is not None

    def invalid_sync_state(self, operation: str, mailbox: str = "") -> bool:
        """Whether the sync state presented to this call is refused."""
        return self.take((FaultKind.INVALID_SYNC_STATE,), operation, mailbox) is not None


def _poisoned(fault: Fault, item_id: str) -> bool:
    if fault.item is not None:
        return fault.item == item_id
    digest = blake2b(f"{fault.seed}:{item_id}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") < fault.probability * 2**32
