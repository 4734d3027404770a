"""How fast folder replication is, beside two yardsticks measured in the same run.

The limit is a bare requests + lxml loop with as many requests in flight, which writes nothing; the baseline is the
script that an administrator would write with exchangelib alone. Each at several server latencies. Prints a table and
the ratios; asserts nothing, because times depend on the machine.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.benchmarks.bare_loop import Outcome
from tests.benchmarks.organisation import Organisation, organisation

_CHANGES = 550
_PLAIN_MOST = 500


class Product:
    """The product's process; each `execute` is one execution of its task."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def execute(self) -> Outcome:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("the product's process ended")
        return Outcome(**json.loads(line))


@contextmanager
def product(organisation: Organisation, home: Path, in_flight: int, task_type: str = "MFR") -> Iterator[Product]:
    """Start the product on a fresh home."""
    command = [sys.executable, "-m", "tests.benchmarks.product", "--home", str(home), "--in-flight", str(in_flight)]
    command += ["--type", task_type]
    with subprocess.Popen(
        [*command, *organisation.arguments()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Product(process)


def loop(module: str, organisation: Organisation, **options: int) -> Outcome:
    """Run one yardstick in a process of its own."""
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    command = [sys.executable, "-m", f"tests.benchmarks.{module}", *flags, *organisation.arguments()]
    return Outcome(**json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


def rate(outcome: Outcome) -> float:
    """Items a second."""
    return outcome.items / outcome.seconds


def row(name: str, outcome: Outcome, requests: int | None) -> None:
    """One line of the table."""
    print(
        f"{name:<34} {outcome.items:>8,} items {outcome.seconds:>8.2f} s {rate(outcome):>8,.0f} items/s"
        f" {outcome.bytes / outcome.seconds / 1e6:>7.1f} MB/s {requests if requests is not None else '':>7} requests"
        f" {outcome.cpu_seconds:>7.2f} s CPU {outcome.peak_mb:>6.0f} MB peak",
        flush=True,
    )


def measure(work: Path, messages: int, latency: int, in_flight: int) -> None:
    """One size at one latency: the yardsticks, then the product's first, unchanged and changed pass."""
    print(f"\n{messages:,} messages, {latency} ms a call, {in_flight} content requests in flight")
    with organisation(work / f"org-{messages}-{latency}", messages) as served:
        served.set_latency(latency)
        served.requests()
        plain = loop("plain_exchangelib", served, most=_PLAIN_MOST)
        row(f"plain exchangelib ({_PLAIN_MOST} of them)", plain, served.requests())
        bare = loop("bare_loop", served, in_flight=in_flight)
        row("bare loop, writes nothing", bare, served.requests())
        with product(served, work / f"home-{messages}-{latency}", in_flight) as running:
            first = running.execute()
            row("mse-tui, first pass", first, served.requests())
            row("mse-tui, unchanged pass", running.execute(), served.requests())
            served.change(_CHANGES)
            row(f"mse-tui, after {_CHANGES} changes", running.execute(), served.requests())
    print(
        f"first pass: {rate(first) / rate(bare):.0%} of the bare loop's rate,"
        f" {rate(first) / rate(plain):.1f} times the plain exchangelib loop's"
    )


def main() -> None:
    options: Any = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    options.add_argument("--messages", type=int, nargs="+", default=[10_000])
    options.add_argument("--latency", type=int, nargs="+", default=[0, 20], help="milliseconds a call")
    options.add_argument("--in-flight", type=int, default=2, choices=range(1, 5))
    given = options.parse_args()
    with TemporaryDirectory(prefix="mse-tui-bench-") as work:
        for messages in given.messages:
            for latency in given.latency:
                measure(Path(work), messages, latency, given.in_flight)


if __name__ == "__main__":
    main()
