"""Change a domain controller's content, running or not: change.py DIRECTORY, with [operation, name, ...] as JSON input.

    ["replace" | "add" | "remove", NAME, ATTRIBUTE, VALUE]    ["rename", NAME, NEW_NAME]    ["delete", NAME]

Run by the system's Python, which has Samba's bindings. Nothing of the product is imported.
"""

import json
import sys
from pathlib import Path

import ldb
from samba.auth import system_session
from samba.dcerpc import security
from samba.ndr import ndr_pack
from samba.param import LoadParm
from samba.samdb import SamDB

_FLAGS = {"replace": ldb.FLAG_MOD_REPLACE, "add": ldb.FLAG_MOD_ADD, "remove": ldb.FLAG_MOD_DELETE}


def main(directory: Path, operation: str, name: str, *more: str) -> None:
    parameters = LoadParm()
    parameters.load(str(directory / "etc" / "smb.conf"))
    db = SamDB(url=str(directory / "private" / "sam.ldb"), session_info=system_session(), lp=parameters)
    if operation == "delete":
        db.delete(name)
    elif operation == "rename":
        db.rename(name, more[0])
    else:
        attribute, value = more
        if attribute == "nTSecurityDescriptor":
            value = ndr_pack(security.descriptor.from_sddl(value, security.dom_sid(db.get_domain_sid())))
        message = ldb.Message()
        message.dn = ldb.Dn(db, name)
        message[attribute] = ldb.MessageElement(value, _FLAGS[operation], attribute)
        db.modify(message)


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute(), *json.load(sys.stdin))
