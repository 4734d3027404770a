"""Fill a provisioned domain controller, offline: populate.py DIRECTORY company | exchange | crowd [NUMBER].

`exchange` extends the schema as Exchange does (attributes that the product reads) and adds mailboxes of every kind;
`company` adds people and groups that any Active Directory may have; `crowd` a group of NUMBER people.
Run by the system's Python, which has Samba's bindings. Nothing of the product is imported.
"""

import sys
import uuid
from pathlib import Path

import ldb
from samba.auth import system_session
from samba.dcerpc import security
from samba.ndr import ndr_pack
from samba.param import LoadParm
from samba.samdb import SamDB

ENABLED, DISABLED, NEVER_EXPIRES = 0x220, 0x222, 0x10200
"""userAccountControl: a normal account without a password, enabled or not; one whose password never expires."""
GLOBAL_SECURITY, UNIVERSAL_SECURITY, UNIVERSAL_DISTRIBUTION = -2147483646, -2147483640, 8
SERVICE_PASSWORD = "S3rvice-of-the-tests"
PERSON_PASSWORD = "P3rson-of-the-tests"

_TEST_ARC = "1.2.840.113556.1.4.7000.987"
_UNICODE, _INTEGER, _LARGE, _BOOLEAN = ("2.5.5.12", "64"), ("2.5.5.9", "2"), ("2.5.5.16", "65"), ("2.5.5.8", "1")
_OCTETS, _NAME, _DESCRIPTOR, _SID = ("2.5.5.10", "4"), ("2.5.5.1", "127"), ("2.5.5.15", "66"), ("2.5.5.17", "4")
ATTRIBUTES = (
    ("mailNickname", _UNICODE, True),
    ("targetAddress", _UNICODE, True),
    ("homeMDB", _UNICODE, True),
    ("msExchMailboxGuid", _OCTETS, True),
    ("msExchRecipientTypeDetails", _LARGE, True),
    ("msExchRemoteRecipientType", _LARGE, True),
    ("msExchMailboxSecurityDescriptor", _DESCRIPTOR, True),
    ("msExchMasterAccountSid", _SID, True),
    ("msExchDelegateListLink", _NAME, False),
    ("msExchDynamicDLFilter", _UNICODE, True),
    ("msExchDynamicDLBaseDN", _NAME, True),
)
DYNAMIC_CLASS = "msExchDynamicDistributionList"
DYNAMIC_FILTER = "(&(mailNickname=*)(|(msExchRecipientTypeDetails=1)(msExchRecipientTypeDetails=4)))"


class Filling:
    """One transaction of additions."""

    def __init__(self, directory: Path) -> None:
        parameters = LoadParm()
        parameters.load(str(directory / "etc" / "smb.conf"))
        parameters.set("dsdb:schema update allowed", "yes")
        self.db = SamDB(url=str(directory / "private" / "sam.ldb"), session_info=system_session(), lp=parameters)
        self.root = str(self.db.domain_dn())

    def dn(self, rdn: str, parent: str) -> str:
        """The distinguished name of a child whose own name may hold any character."""
        key, value = rdn.split("=", 1)
        name = ldb.Dn(self.db, f"{key}=x")
        name.set_component(0, key, value)
        name.add_base(ldb.Dn(self.db, parent))
        return str(name)

    def unit(self, name: str, parent: str) -> str:
        dn = self.dn(f"OU={name}", parent)
        self.db.add({"dn": dn, "objectClass": "organizationalUnit"})
        return dn

    def user(self, account: str, parent: str, control: int = ENABLED, *, cn: str = "", **attributes: object) -> str:
        dn = self.dn(f"CN={cn or account}", parent)
        self.db.add(
            {
                "dn": dn,
                "objectClass": "user",
                "sAMAccountName": account,
                "userPrincipalName": f"{account}@ad.test.example",
                "userAccountControl": str(control),
                **attributes,
            }
        )
        return dn

    def group(self, name: str, parent: str, kind: int, members: tuple[str, ...] = (), **attributes: object) -> str:
        dn = self.dn(f"CN={name}", parent)
        account = attributes.pop("account", name)
        listed = {"member": list(members)} if members else {}
        self.db.add(
            {
                "dn": dn,
                "objectClass": "group",
                "sAMAccountName": account,
                "groupType": str(kind),
                **listed,
                **attributes,
            }
        )
        return dn

    def change(self, dn: str, **attributes: object) -> None:
        self._modify(dn, ldb.FLAG_MOD_REPLACE, attributes)

    def join(self, group: str, member: str) -> None:
        self._modify(group, ldb.FLAG_MOD_ADD, {"member": member})

    def _modify(self, dn: str, flag: int, attributes: dict[str, object]) -> None:
        message = ldb.Message()
        message.dn = ldb.Dn(self.db, dn)
        for name, value in attributes.items():
            message[name] = ldb.MessageElement(value, flag, name)
        self.db.modify(message)

    def value(self, dn: str, attribute: str) -> bytes:
        (found,) = self.db.search(base=dn, scope=ldb.SCOPE_BASE, attrs=[attribute])
        return bytes(found[attribute][0])

    def sid(self, dn: str) -> str:
        """The security identifier of an object, as S-1-5-21-..."""
        return str(self.db.schema_format_value("objectSid", self.value(dn, "objectSid")).decode())

    def named(self, account: str) -> str:
        """The distinguished name of an account."""
        (found,) = self.db.search(base=self.root, expression=f"(sAMAccountName={account})", attrs=["cn"])
        return str(found.dn)


def extend_schema(filling: Filling) -> None:
    """The attributes of Exchange that the product reads. Their identifiers are the tests' own."""
    db, schema = filling.db, str(filling.db.get_schema_basedn())
    for number, (name, (syntax, om), single) in enumerate(ATTRIBUTES, start=1):
        db.add(
            {
                "dn": f"CN={name},{schema}",
                "objectClass": ["top", "attributeSchema"],
                "attributeID": f"{_TEST_ARC}.1.{number}",
                "lDAPDisplayName": name,
                "attributeSyntax": syntax,
                "oMSyntax": om,
                "isSingleValued": "TRUE" if single else "FALSE",
                "isMemberOfPartialAttributeSet": "TRUE",
                "searchFlags": "1",
            }
        )
    db.set_schema_update_now()
    for name, _, _ in ATTRIBUTES:
        db.modify_ldif(f"dn: CN=Mail-Recipient,{schema}\nchangetype: modify\nadd: mayContain\nmayContain: {name}\n")
    db.set_schema_update_now()
    db.add(
        {
            "dn": f"CN={DYNAMIC_CLASS},{schema}",
            "objectClass": ["top", "classSchema"],
            "governsID": f"{_TEST_ARC}.2.1",
            "lDAPDisplayName": DYNAMIC_CLASS,
            "subClassOf": "top",
            "objectClassCategory": "1",
            "systemAuxiliaryClass": "mailRecipient",
            "rDNAttID": "cn",
            "defaultSecurityDescriptor": "D:(A;;RPWPCRCCDCLCLORCWOWDSDDTSW;;;DA)(A;;RPLCLORC;;;AU)",
            "mayContain": ["mail", "proxyAddresses", "displayName"],
            "systemPossSuperiors": ["organizationalUnit", "container", "domainDNS"],
        }
    )
    db.set_schema_update_now()


def company(filling: Filling) -> None:
    """People, groups and units that need no Exchange."""
    staff = filling.unit("Staff", filling.root)
    sales = filling.unit("Sales", staff)
    filling.unit("North", sales)
    odd_unit = filling.unit("R&D, (Köln) #1", staff)
    groups = filling.unit("Groups", filling.root)
    accounts = filling.unit("Service Accounts", filling.root)

    for account, password in (("svc-mse", SERVICE_PASSWORD), ("svc-blind", SERVICE_PASSWORD)):
        filling.user(account, accounts, DISABLED)
        filling.db.setpassword(f"(sAMAccountName={account})", password)
        filling.change(filling.dn(f"CN={account}", accounts), userAccountControl=str(NEVER_EXPIRES))

    alice = filling.user(
        "alice",
        sales,
        cn="Ålice O'Brien (CEO), Dr.",
        displayName="Ålice O'Brien",
        mail="alice@test.example",
        proxyAddresses=["SMTP:alice@test.example", "smtp:a.obrien@test.example", "X400:c=US;a= ;p=T;"],
    )
    filling.db.setpassword("(sAMAccountName=alice)", PERSON_PASSWORD)
    bob = filling.user("bob", sales, mail="bob@test.example", displayName="Bob \x1b[31mRed")
    carol = filling.user("carol", odd_unit, cn='#Carol \\ "C" <c>; a=b+c', mail="carol@test.example")
    gone = filling.user("gone", staff, DISABLED, mail="gone@test.example")
    mailless = filling.user("mailless", staff)
    primary = filling.user("primy", staff, mail="primy@test.example")
    contact = filling.dn("CN=Connie Contact", staff)
    filling.db.add({"dn": contact, "objectClass": "contact", "mail": "connie@elsewhere.example"})
    machine = filling.dn("CN=PC1", staff)
    filling.db.add(
        {"dn": machine, "objectClass": "computer", "sAMAccountName": "PC1$", "userAccountControl": str(0x1020)}
    )

    level3 = filling.group("Level 3", groups, UNIVERSAL_SECURITY, (carol, contact), account="Level3")
    level2 = filling.group("Level 2", groups, UNIVERSAL_SECURITY, (bob, level3, mailless), account="Level2")
    level1 = filling.group("Level 1", groups, UNIVERSAL_SECURITY, (alice, level2, gone, machine), account="Level1")
    filling.join(level3, level1)
    filling.group(
        "News Letter",
        groups,
        UNIVERSAL_DISTRIBUTION,
        (alice, bob),
        account="news",
        mail="news@test.example",
        proxyAddresses=["SMTP:news@test.example", "smtp:newsletter@test.example"],
    )
    filling.group("Sales, EMEA (Köln) *#1+\\x", groups, UNIVERSAL_SECURITY, (bob, gone), account="SalesEMEA")
    filling.group('#Hash "quoted" <a=b>; 100%', groups, UNIVERSAL_SECURITY, (carol,), account="Hash")
    filling.group(" lead and trail ", groups, UNIVERSAL_SECURITY, (alice,), account="Spaces")
    filling.group("Łódź 東京 🙂", groups, UNIVERSAL_SECURITY, (bob,), account="Lodz")
    filling.group("Empty", groups, UNIVERSAL_SECURITY)
    filling.group("Twin", groups, UNIVERSAL_SECURITY, (alice,), account="Twin1", displayName="Twins")
    filling.group("Twin", odd_unit, UNIVERSAL_SECURITY, (bob,), account="Twin2", displayName="Twins")
    prime = filling.group("Prime", groups, GLOBAL_SECURITY)
    filling.join(prime, primary)
    rid = int(filling.value(prime, "primaryGroupToken"))
    filling.change(primary, primaryGroupID=str(rid))
    foreigner = "S-1-5-21-1111111111-2222222222-3333333333-1234"
    filling.group("Foreign", groups, -2147483644, (alice, f"<SID={foreigner}>"))


def exchange(filling: Filling) -> None:
    """Mailboxes of every kind, and a dynamic distribution group."""
    boxes = filling.unit("Mailboxes", filling.root)
    database = "CN=DB1,CN=Databases,CN=Exchange"

    def mailbox(account: str, details: int, control: int = ENABLED, **more: object) -> str:
        address = f"{account}@test.example"
        return filling.user(
            account,
            boxes,
            control,
            mail=address,
            mailNickname=account,
            proxyAddresses=[f"SMTP:{address}", f"smtp:{account}.old@test.example"],
            homeMDB=database,
            msExchMailboxGuid=uuid.uuid5(uuid.NAMESPACE_DNS, address).bytes_le,
            msExchRecipientTypeDetails=str(details),
            **more,
        )

    def remote(account: str, details: int) -> str:
        return filling.user(
            account,
            boxes,
            mail=f"{account}@test.example",
            mailNickname=account,
            targetAddress=f"SMTP:{account}@tenant.mail.onmicrosoft.com",
            msExchRecipientTypeDetails=str(details),
            msExchRemoteRecipientType="4",
        )

    for account in ("alice", "bob", "carol", "gone", "primy"):
        filling.change(filling.named(account), homeMDB=database, msExchRecipientTypeDetails="1")
    ulla = mailbox("ulla", 1)
    left = mailbox("left", 1, DISABLED)
    shared = mailbox("info", 4, DISABLED)
    room = mailbox("room", 16, DISABLED)
    equipment = mailbox("van", 32, DISABLED)
    owner = security.dom_sid("S-1-5-21-1111111111-2222222222-3333333333-4321")
    linked = mailbox("linked", 2, DISABLED, msExchMasterAccountSid=ndr_pack(owner))
    system = mailbox("arbiter", 8388608, DISABLED)
    migrated = remote("rita", 2147483648)
    remote_room = remote("cloudroom", 8589934592)
    mail_user = filling.user(
        "mailuser",
        boxes,
        mail="mailuser@partner.example",
        mailNickname="mailuser",
        targetAddress="SMTP:mailuser@partner.example",
        msExchRecipientTypeDetails="128",
    )
    only_mail = filling.user("onlymail", boxes, mail="onlymail@test.example")
    everyone = filling.group(
        "All kinds",
        boxes,
        UNIVERSAL_SECURITY,
        (ulla, left, shared, room, equipment, linked, system, migrated, remote_room, mail_user, only_mail),
        account="AllKinds",
        mail="kinds@test.example",
    )
    dynamic = filling.dn("CN=Dynamic", boxes)
    filling.db.add(
        {
            "dn": dynamic,
            "objectClass": DYNAMIC_CLASS,
            "displayName": "Dynamic list",
            "mail": "dynamic@test.example",
            "proxyAddresses": ["SMTP:dynamic@test.example"],
            "msExchDynamicDLFilter": DYNAMIC_FILTER,
            "msExchDynamicDLBaseDN": boxes,
        }
    )
    filling.group("Holds dynamic", boxes, UNIVERSAL_DISTRIBUTION, (dynamic,), mail="holds@test.example")

    # Full access for ulla, denied to a group; and what every descriptor has: the owner himself, an inherited entry.
    descriptor = security.descriptor.from_sddl(
        f"O:PSG:PSD:(A;CI;CC;;;PS)(A;CI;CC;;;{filling.sid(ulla)})(D;CI;CC;;;{filling.sid(everyone)})(A;CIID;CC;;;SY)",
        security.dom_sid(filling.db.get_domain_sid()),
    )
    filling.change(shared, msExchMailboxSecurityDescriptor=ndr_pack(descriptor), msExchDelegateListLink=[ulla])


def crowd(filling: Filling, number: int) -> None:
    """A group of many people, every fiftieth of them disabled."""
    unit = filling.unit("Crowd", filling.root)
    people = tuple(
        filling.user(
            f"u{index:05d}",
            unit,
            DISABLED if index % 50 == 0 else ENABLED,
            mail=f"u{index:05d}@test.example",
            proxyAddresses=[f"SMTP:u{index:05d}@test.example", f"smtp:alias{index}@test.example"],
            homeMDB="CN=DB1",
            msExchRecipientTypeDetails="1",
        )
        for index in range(number)
    )
    filling.group("Crowd", unit, UNIVERSAL_SECURITY, people)


def main(directory: Path, what: str, number: int) -> None:
    filling = Filling(directory)
    if what == "exchange":
        extend_schema(filling)
        filling = Filling(directory)
    filling.db.transaction_start()
    try:
        if what == "company":
            company(filling)
        elif what == "exchange":
            exchange(filling)
        else:
            crowd(filling, number)
    except BaseException:
        filling.db.transaction_cancel()
        raise
    filling.db.transaction_commit()


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute(), sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 3000)
