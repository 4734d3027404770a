"""How fast a group of thousands is resolved, beside what an administrator's script would do with ldap3 alone.

Against a real Active Directory (Samba's) on loopback: python -m tests.benchmarks.directory. The yardsticks are one
query by the server's own in-chain rule (LDAP_MATCHING_RULE_IN_CHAIN), and reading the group's list and each member.
Prints a table and the ratios; asserts nothing, because times depend on the machine.
"""

import argparse
import os
import ssl
import time
from collections.abc import Callable
from statistics import median

import ldap3
from ldap3.utils.conv import escape_filter_chars

from mse_tui.cli.doctor import Forgetful
from mse_tui.config.directories import ActiveDirectorySettings
from mse_tui.directory.active_directory import ActiveDirectory
from mse_tui.directory.ad_recipients import ATTRIBUTES
from tests.support.samba.domain import BASE, SERVICE_PASSWORD, SERVICE_USER, Domain, domain, missing

GROUP = f"CN=Crowd,OU=Crowd,{BASE}"
IN_CHAIN = "1.2.840.113556.1.4.1941"
_VARIABLE = "MSE_BENCHMARK_PASSWORD"


def plain(served: Domain) -> ldap3.Connection:
    """A connection as a script makes it."""
    tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=str(served.ca_file))
    server = ldap3.Server("localhost", port=served.ldaps_port, use_ssl=True, tls=tls, get_info=ldap3.NONE)
    return ldap3.Connection(server, SERVICE_USER, SERVICE_PASSWORD, auto_bind=True, auto_referrals=False)


def in_chain(connection: ldap3.Connection) -> int:
    """Members of any depth by the server's rule; without primary groups, and nobody says who was not found."""
    pages = connection.extend.standard.paged_search(
        BASE,
        f"(memberOf:{IN_CHAIN}:={escape_filter_chars(GROUP)})",
        attributes=list(ATTRIBUTES[:9]),
        paged_size=1000,
        generator=True,
    )
    return sum(1 for entry in pages if entry["type"] == "searchResEntry")


def one_by_one(connection: ldap3.Connection) -> int:
    """The group's list, then each member by its name."""
    connection.search(GROUP, "(objectClass=group)", ldap3.BASE, attributes=["member"])
    names = connection.response[0]["attributes"]["member"]
    for name in names:
        connection.search(name, "(objectClass=*)", ldap3.BASE, attributes=list(ATTRIBUTES[:9]))
    return len(names)


def seconds(action: Callable[[], object], times: int) -> float:
    """The median of a few runs."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        action()
        taken.append(time.perf_counter() - began)
    return median(taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=5)
    times = parser.parse_args().times
    if why := missing():
        raise SystemExit(f"needs a real Active Directory: {why}")
    os.environ[_VARIABLE] = SERVICE_PASSWORD
    with domain("crowd") as served:
        settings = ActiveDirectorySettings(
            servers=(f"localhost:{served.ldaps_port}",),
            user=SERVICE_USER,
            password_env=_VARIABLE,
            ca_file=served.ca_file,
        )
        directory, connection = ActiveDirectory(settings, Forgetful()), plain(served)
        key = directory.group(GROUP).key
        members = len(directory.members(key).included)
        product = seconds(lambda: directory.members(key), times)
        print(f"{members} mailboxes of one group, {times} runs each, medians")
        print(f"mse-tui                {product:6.2f} s")
        for name, yardstick in (("in-chain query", in_chain), ("one by one", one_by_one)):
            taken = seconds(lambda yardstick=yardstick: yardstick(connection), times)
            print(f"{name:22} {taken:6.2f} s   {taken / product:5.1f} times mse-tui's")
        directory.close()


if __name__ == "__main__":
    main()
