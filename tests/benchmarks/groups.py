"""How fast a kept group of thousands is read, beside a stock diskcache that holds the same answer pickled.

python -m tests.benchmarks.groups. Prints medians and the ratio; asserts nothing, because times depend on the machine.
"""

import argparse
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from diskcache import Cache

from mse_tui.directory.directory import GroupReference, Member, Membership
from mse_tui.engine.group_cache import GroupCache

GROUP = GroupReference("CN=Crowd,OU=Groups,DC=example,DC=com")


class Crowd:
    """A directory with one group of so many."""

    def __init__(self, members: int) -> None:
        self.answer = Membership(
            tuple(Member(f"firstname.lastname{n}@example.com", f"Lastname {n}, Firstname") for n in range(members)),
            (),
            datetime.now(UTC),
        )

    def resolve(self, group: GroupReference) -> Membership:
        return self.answer


def milliseconds(action: Callable[[], object], times: int) -> float:
    """The median of a few runs."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        action()
        taken.append(1000 * (time.perf_counter() - began))
    return median(taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--members", type=int, nargs="+", default=[3_000, 50_000])
    parser.add_argument("--times", type=int, default=50)
    given = parser.parse_args()
    for members in given.members:
        with TemporaryDirectory(prefix="mse-tui-bench-") as work:
            crowd = Crowd(members)
            kept = GroupCache(Path(work) / "groups", crowd)
            kept.resolve(GROUP)
            product = milliseconds(lambda kept=kept: kept.resolve(GROUP), given.times)
            with Cache(str(Path(work) / "stock")) as stock:
                stock.set("group", crowd.answer, expire=3600)
                pickled = milliseconds(lambda stock=stock: stock.get("group"), given.times)
            kept.close()
        print(f"{members:,} members, {given.times} runs, medians")
        print(f"mse-tui                  {product:8.2f} ms")
        print(f"stock diskcache, pickled {pickled:8.2f} ms   {pickled / product:5.2f} times mse-tui's")


if __name__ == "__main__":
    main()
