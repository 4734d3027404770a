"""How fast calendar replication is, beside a bare requests + lxml loop measured in the same run, which writes nothing.

python -m tests.benchmarks.calendars; prints a table and the ratio, asserts nothing.
"""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.benchmarks.__main__ import loop, product, rate, row
from tests.benchmarks.organisation import organisation


def measure(work: Path, appointments: int, latency: int, in_flight: int) -> None:
    """One size at one latency: the yardstick, then the product's first and an unchanged pass."""
    print(f"\n{appointments:,} appointments, {latency} ms a call, {in_flight} requests in flight")
    with organisation(work / f"calendar-{latency}", 1, appointments=appointments) as served:
        served.set_latency(latency)
        served.requests()
        bare = loop("bare_calendar_loop", served, in_flight=in_flight)
        row("bare loop, writes nothing", bare, served.requests())
        with product(served, work / f"home-{latency}", in_flight, "CAL") as running:
            first = running.execute()
            row("mse-tui, first pass", first, served.requests())
            row("mse-tui, unchanged pass", running.execute(), served.requests())
    print(f"first pass: {rate(first) / rate(bare):.0%} of the bare loop's rate")


def main() -> None:
    options: Any = argparse.ArgumentParser(prog="python -m tests.benchmarks.calendars", description=__doc__)
    options.add_argument("--appointments", type=int, default=10_000)
    options.add_argument("--latency", type=int, nargs="+", default=[0, 20], help="milliseconds a call")
    options.add_argument("--in-flight", type=int, default=2, choices=range(1, 5))
    given = options.parse_args()
    with TemporaryDirectory(prefix="mse-tui-bench-") as work:
        for latency in given.latency:
            measure(Path(work), given.appointments, latency, given.in_flight)


if __name__ == "__main__":
    main()
