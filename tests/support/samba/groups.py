"""All groups of a domain controller, read offline: groups.py DIRECTORY prints GUID -> names as JSON.

Run by the system's Python, which has Samba's bindings. Nothing of the product is imported.
"""

import json
import sys
import uuid
from pathlib import Path

from samba.auth import system_session
from samba.param import LoadParm
from samba.samdb import SamDB

_NAMES = ("cn", "displayName", "sAMAccountName", "mail", "proxyAddresses")


def main(directory: Path) -> None:
    parameters = LoadParm()
    parameters.load(str(directory / "etc" / "smb.conf"))
    db = SamDB(url=str(directory / "private" / "sam.ldb"), session_info=system_session(), lp=parameters)
    found = {}
    condition = "(|(objectClass=group)(objectClass=msExchDynamicDistributionList))"
    for group in db.search(base=str(db.domain_dn()), expression=condition, attrs=["objectGUID", *_NAMES]):
        key = str(uuid.UUID(bytes_le=bytes(group["objectGUID"][0])))
        names = [bytes(value).decode() for name in _NAMES if name in group for value in group[name]]
        found[key] = [key, str(group.dn), *names, *(name.removeprefix("smtp:").removeprefix("SMTP:") for name in names)]
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
