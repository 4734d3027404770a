"""Provision a throw-away Active Directory domain controller into a directory, without root.

Run by the system's Python, which has Samba's bindings: provision.py DIRECTORY. Nothing of the product is imported.
"""

import logging
import os
import sys
from pathlib import Path

REALM = "AD.TEST.EXAMPLE"
WORKGROUP = "ADTEST"
ADMIN_PASSWORD = "Adm1n-of-the-tests"

CONFIGURATION = """\
[global]
    netbios name = DC1
    workgroup = {workgroup}
    realm = {realm}
    server role = active directory domain controller
    bind interfaces only = yes
    interfaces = 127.0.0.1/8
    private dir = {directory}/private
    state directory = {directory}/state
    cache directory = {directory}/cache
    lock directory = {directory}/lock
    pid directory = {directory}/run
    binddns dir = {directory}/bind-dns
    ncalrpc dir = {directory}/ncalrpc
    winbindd socket directory = {directory}/wb
    ntp signd socket directory = {directory}/ntp
    log file = {directory}/log/log.samba
    server services = ldap, kdc
    dns update command = /bin/true
    spn update command = /bin/true
    ldap server require strong auth = allow_sasl_over_tls
    tls keyfile = {directory}/tls/server.key
    tls certfile = {directory}/tls/server.pem
    tls cafile = {directory}/tls/ca.pem
[sysvol]
    path = {directory}/state/sysvol
    read only = no
[netlogon]
    path = {directory}/state/sysvol/{lower_realm}/scripts
    read only = no
"""


def main(directory: Path) -> None:
    for name in ("etc", "tls", "run", "log"):
        (directory / name).mkdir(parents=True, exist_ok=True)
    configuration = directory / "etc" / "smb.conf"
    configuration.write_text(
        CONFIGURATION.format(directory=directory, realm=REALM, lower_realm=REALM.lower(), workgroup=WORKGROUP)
    )
    os.environ["SMB_CONF_PATH"] = str(configuration)

    from samba.auth import system_session
    from samba.param import LoadParm
    from samba.provision import provision

    parameters = LoadParm()
    parameters.load(str(configuration))
    log = logging.getLogger("provision")
    log.setLevel(logging.WARNING)
    # The command samba-tool sets owners on the file share, which only root may; a directory has no use for it.
    provision(
        log,
        system_session(),
        smbconf=str(configuration),
        realm=REALM,
        domain=WORKGROUP,
        hostname="dc1",
        hostip="127.0.0.1",
        hostip6=None,
        adminpass=ADMIN_PASSWORD,
        dns_backend="NONE",
        serverrole="active directory domain controller",
        nobody="nobody",
        skip_sysvolacl=True,
        lp=parameters,
        dom_for_fun_level=4,
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
