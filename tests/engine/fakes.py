"""An Exchange organisation, a feature and a clock that tests steer; handed to the engine by its constructors."""

import time
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Event, Lock

from pydantic import BaseModel

from mse_tui.directory.directory import Branch, Group, Level, Member, Membership
from mse_tui.engine.schedules import Once, daily, write_settings
from mse_tui.exchange.rows import MailboxIdentity
from mse_tui.reasons import Problem, Reason
from mse_tui.store.models import Command, Definition, Schedule, Site, Task
from mse_tui.terms import GroupKind, TaskType

MFR = TaskType.FOLDER_REPLICATION
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


class FakeClock:
    """Time that passes when told to."""

    def __init__(self, moment=NOON):
        self.moment = moment
        self.passed = 0.0

    def now(self):
        return self.moment

    def monotonic(self):
        return self.passed

    def pass_time(self, seconds):
        self.moment += timedelta(seconds=seconds)
        self.passed += seconds

    def set(self, moment):
        self.moment = moment


class RunningClock:
    """The machine's clock, shifted."""

    def __init__(self, moment=None):
        self.offset = timedelta() if moment is None else moment - datetime.now(UTC)

    def now(self):
        return datetime.now(UTC) + self.offset

    def monotonic(self):
        return time.monotonic()


class FakeMailbox:
    def __init__(self, exchange, address, cancel, on_wait):
        self.exchange = exchange
        self.address = address
        self.cancel = cancel
        self.on_wait = on_wait

    def identity(self):
        self.exchange.called("identity", self.address)
        return MailboxIdentity(f"guid-{self.address}", self.address, self.address.partition("@")[0].title())


class FakeExchange:
    """Knows every address, unless told of a problem."""

    def __init__(self):
        self.calls = Counter()
        self.problems = {}
        self.aliases = {}
        self.open_now = 0
        self.closed = Event()
        self._lock = Lock()

    def called(self, what, address):
        with self._lock:
            self.calls[what, address] += 1
        if problem := self.problems.get((what, address)) or self.problems.get((what, "*")):
            raise problem

    def number_of(self, what):
        return sum(number for (kind, _), number in self.calls.items() if kind == what)

    @contextmanager
    def mailbox(self, address, cancel, on_wait=None):
        with self._lock:
            self.open_now += 1
        try:
            yield FakeMailbox(self, address, cancel, on_wait)
        finally:
            with self._lock:
                self.open_now -= 1

    def resolve(self, address):
        self.called("resolve", address)
        primary = self.aliases.get(address, address)
        return MailboxIdentity("", primary, primary.partition("@")[0].title())

    def look_again(self):
        """It is never left alone."""

    def close(self):
        self.closed.set()


class GuardedExchange(FakeExchange):
    """Refuses the password; remembers it as the real one does, and counts what reaches the server."""

    def __init__(self, halts):
        super().__init__()
        self.halts = halts
        self.attempts = 0
        self._gate = Lock()

    def called(self, what, address):
        with self._gate:
            if said := self.halts.halted("key"):
                raise Problem(Reason.ACCOUNT_HALTED, said)
            self.attempts += 1
            self.halts.halt("key", "exchange", "service", "The server refused the password.")
            raise Problem(Reason.PASSWORD_REFUSED, "The server refused the password.")


class FakeDefinition(BaseModel):
    text: str = "plain"


class FakeDirectory:
    """A site's directory that answers as the test says: a membership of these addresses, or a problem."""

    kinds = frozenset({GroupKind.ACTIVE_DIRECTORY})

    def __init__(self, clock, *names):
        self.clock = clock
        self.names = names
        self.group = Group("guid-sales", "Sales", where="CN=Sales,DC=example,DC=com")
        self.skipped = ()
        self.problem = None
        self.fallen = {}
        self.standing_problem = None
        self.asked = []
        self.standing_asked = []
        self.closed = False

    def resolve(self, group):
        self.asked.append(group)
        if self.problem is not None:
            raise self.problem
        included = tuple(Member(f"{name}@example.com", name.title()) for name in self.names)
        return Membership(
            included, tuple(self.skipped), self.clock.now(), "security group", GroupKind.ACTIVE_DIRECTORY, self.group
        )

    def standing(self, address):
        self.standing_asked.append(address)
        if self.standing_problem is not None:
            raise self.standing_problem
        return self.fallen.get(address)

    def mailbox(self, text):
        raise Problem(Reason.MAILBOX_NOT_FOUND, f"No mailbox is called {text!r}.")

    def find(self, text, limit=50):
        return [self.group] if text.lower() in self.group.name.lower() else []

    def browse(self, where=""):
        return Level((Branch("Offices", "OU=Offices,DC=example,DC=com"),), (self.group,))

    def close(self):
        self.closed = True


class FakeFeature:
    """Does what the test says to each mailbox."""

    task_type = MFR
    definition = FakeDefinition
    counters = {"items_seen": "Items seen"}

    def __init__(self, process=lambda run: None, *, destructive=False):
        self.destructive = destructive
        self._process = process
        self.processed = []
        self.definitions = []

    def foresee(self, run):
        self._process(run)

    def process(self, run):
        self.processed.append((run.task_id, run.identity.address))
        self.definitions.append(run.definition.text)
        self._process(run)


def make_site(code="TESTSITE"):
    return Site.create(code=code, description="Test site", binding="exchange_server", created=NOON)


def make_schedule(settings=None, name="Nightly", at=NOON):
    import datetime as dt

    text = write_settings(settings or daily(Once(at=dt.time(2)), "UTC"))
    return Schedule.create(name=name, settings=text, created=at, created_by="anna", modified=at, modified_by="anna")


def make_definition(name="All mail", settings="{}"):
    return Definition.create(
        type=MFR, name=name, settings=settings, created=NOON, created_by="anna", modified=NOON, modified_by="anna"
    )


def make_task(site, schedule, definition, *, group="anna@example.com", description="Replicate", at=NOON, **values):
    return Task.create(
        description=description,
        site=site,
        type=MFR,
        definition=definition,
        schedule=schedule,
        group=group,
        created=at,
        created_by="anna",
        modified=at,
        modified_by="anna",
        **values,
    )


def tell(task, verb, arguments="{}", who="anna"):
    return Command.create(task=task, verb=verb, arguments=arguments, asked_by=who, asked=NOON)


def pass_ticks(engine, number=3):
    """Wait until an engine has looked again so many times; the first look may have begun before."""
    for _ in range(number):
        turned = engine._tick._turned
        until(lambda turned=turned: engine._tick._turned != turned)


def until(condition, seconds=10.0):
    """Wait for a condition that other threads bring about; what it gave at last."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.01)
    raise AssertionError(f"did not come to pass within {seconds} s: {condition}")
