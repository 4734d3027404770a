"""What an administrator's script would do: exchangelib's own sync_items, each item's MIME into a file."""

import argparse
import hashlib
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from exchangelib import DELEGATE, IMPERSONATION, Account, Configuration, Credentials, FailFast
from exchangelib.version import EXCHANGE_2016, Version

from tests.benchmarks.bare_loop import Outcome, measured


def run(url: str, user: str, password: str, address: str, target: Path, most: int) -> Outcome:
    """Replicate the mailbox into files, `most` messages at the most (the loop is slow; its rate is constant)."""
    configuration = Configuration(
        service_endpoint=url,
        credentials=Credentials(user, password),
        auth_type="basic",
        version=Version(EXCHANGE_2016),
        retry_policy=FailFast(),
    )
    access = DELEGATE if user == address else IMPERSONATION
    account = Account(address, config=configuration, autodiscover=False, access_type=access)
    started = time.perf_counter()
    items = size = 0
    for folder in account.msg_folder_root.walk():
        if items >= most:
            break
        ids = [(item.id, item.changekey) for _, item in folder.sync_items(only_fields=["id", "changekey"])]
        for item in account.fetch(ids[: most - items], only_fields=["id", "mime_content"]):
            name = hashlib.sha256(item.id.encode()).hexdigest()
            (target / f"{name}.eml").write_bytes(item.mime_content)
            items, size = items + 1, size + len(item.mime_content)
    return measured(started, items, size)


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--most", type=int, default=1_000)
    for name in ("url", "user", "password", "address"):
        options.add_argument(f"--{name}", required=True)
    given = options.parse_args()
    with TemporaryDirectory() as target:
        outcome = run(given.url, given.user, given.password, given.address, Path(target), given.most)
    json.dump(asdict(outcome), sys.stdout)


if __name__ == "__main__":
    main()
