"""The practice cloud as another client meets it: tokens that are really checked, Graph's shapes, pages, refusals."""

import base64
import importlib.util
import time
import uuid

import jwt
import msal
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from mse_tui.sandbox.cloud.tenant import Contact, Device, Group, Tenant, User
from tests.support.cloud import address, client_certificate, served

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    with served(tmp_path_factory.mktemp("cloud")) as running:
        yield running


@pytest.fixture(autouse=True)
def _as_it_was(rig):
    rig.reset()


@pytest.fixture(scope="module")
def schema(shared):
    """Microsoft's metadata; without the material beside the repository the shapes go unchecked."""
    spec = importlib.util.spec_from_file_location("graph_schema_check", shared / "graph-schema" / "check.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Graph()


@pytest.fixture
def web(rig, monkeypatch):
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    session = requests.Session()
    session.verify = str(rig.server.ca_file)
    return session


def ask_token(rig, web, tenant=None, **form):
    given = {
        "grant_type": "client_credentials",
        "client_id": rig.cloud.application.client_id,
        "client_secret": rig.cloud.application.secret,
        "scope": f"{rig.server.origin}/.default",
        **form,
    }
    data = {key: value for key, value in given.items() if value is not None}
    return web.post(f"{rig.server.origin}/{tenant or rig.cloud.tenant_id}/oauth2/v2.0/token", data=data)


def get(rig, web, path, *, eventual=False, **params):
    headers = {"Authorization": f"Bearer {ask_token(rig, web).json()['access_token']}"}
    if eventual:
        headers["ConsistencyLevel"] = "eventual"
    query = {f"${key}": value for key, value in params.items()}
    return web.get(f"{rig.server.origin}/v1.0{path}", params=query, headers=headers)


# --- tokens ----------------------------------------------------------------------------------------------------------


def test_msal_gets_a_token_with_a_secret(rig, web):
    application = msal.ConfidentialClientApplication(
        rig.cloud.application.client_id,
        client_credential=rig.cloud.application.secret,
        authority=f"{rig.server.origin}/{rig.cloud.tenant_id}",
        instance_discovery=False,
        http_client=web,
    )
    answer = application.acquire_token_for_client([f"{rig.server.origin}/.default"])
    assert answer["token_type"] == "Bearer"
    assert "User.Read.All" in rig.cloud.tokens.check(answer["access_token"], rig.server.origin)
    assert rig.cloud.tokens.check(answer["access_token"], "https://another.example") is None


@pytest.mark.parametrize(
    ("form", "status", "number"),
    [
        ({"client_secret": "wrong"}, 401, 7000215),
        ({"client_secret": None}, 401, 7000218),
        ({"client_id": "nobody"}, 400, 700016),
        ({"grant_type": "password"}, 400, 70003),
        ({"scope": "https://graph.example/User.Read"}, 400, 1002012),
        ({"tenant": "another.example"}, 400, 90002),
    ],
)
def test_no_token_for_anything_else(rig, web, form, status, number):
    answer = ask_token(rig, web, **form)
    assert (answer.status_code, answer.json()["error_codes"]) == (status, [number])


@pytest.fixture(scope="module")
def certificate():
    return client_certificate()


def assertion(rig, certificate, key=None, *, thumbprint=None, **changes):
    pem, private = certificate
    print_of = x509.load_pem_x509_certificate(pem).fingerprint(hashes.SHA256())
    header = {"x5t#S256": base64.urlsafe_b64encode(thumbprint or print_of).rstrip(b"=").decode()}
    now, client = int(time.time()), rig.cloud.application.client_id
    claims = {
        "aud": f"{rig.server.origin}/{rig.cloud.tenant_id}/oauth2/v2.0/token",
        "iss": client,
        "sub": client,
        "jti": str(uuid.uuid4()),
        "nbf": now,
        "exp": now + 600,
        **changes,
    }
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(claims, key or private, algorithm="PS256", headers=header)


def with_assertion(rig, web, signed):
    return ask_token(rig, web, client_secret=None, client_assertion_type=ASSERTION, client_assertion=signed)


def test_a_token_for_a_signed_assertion(rig, web, certificate):
    rig.cloud.application.certificates = [x509.load_pem_x509_certificate(certificate[0])]
    assert with_assertion(rig, web, assertion(rig, certificate)).status_code == 200


@pytest.mark.parametrize(
    ("changes", "number"),
    [
        ({"aud": "https://login.example/token"}, 700023),
        ({"exp": 1_700_000_000}, 700024),
        ({"nbf": 4_000_000_000, "exp": 4_000_000_600}, 700024),
        ({"iss": "somebody"}, 700021),
        ({"sub": "somebody"}, 700021),
        ({"jti": None}, 700027),
        ({"thumbprint": b"x" * 32}, 700027),
    ],
)
def test_no_token_for_an_assertion_that_is_not_right(rig, web, certificate, changes, number):
    rig.cloud.application.certificates = [x509.load_pem_x509_certificate(certificate[0])]
    answer = with_assertion(rig, web, assertion(rig, certificate, **changes))
    assert (answer.status_code, answer.json()["error_codes"]) == (401, [number])


def test_no_token_for_an_assertion_signed_with_another_key(rig, web, certificate):
    rig.cloud.application.certificates = [x509.load_pem_x509_certificate(certificate[0])]
    _, other = client_certificate()
    assert with_assertion(rig, web, assertion(rig, certificate, other)).json()["error_codes"] == [700027]


def test_no_token_with_an_expired_certificate(rig, web):
    expired = client_certificate(expired=True)
    rig.cloud.application.certificates = [x509.load_pem_x509_certificate(expired[0])]
    assert with_assertion(rig, web, assertion(rig, expired)).json()["error_codes"] == [1000502]


def test_tokens_expire_and_can_be_revoked(rig, web):
    token = ask_token(rig, web).json()["access_token"]
    assert rig.cloud.tokens.check(token, rig.server.origin)
    rig.cloud.tokens.revoke()
    assert rig.cloud.tokens.check(token, rig.server.origin) is None
    rig.cloud.tokens.lifetime = -1
    assert rig.cloud.tokens.check(ask_token(rig, web).json()["access_token"], rig.server.origin) is None
    assert web.get(f"{rig.server.origin}/v1.0/groups", headers={"Authorization": f"Bearer {token}"}).status_code == 401
    assert web.get(f"{rig.server.origin}/v1.0/groups").status_code == 401


# --- Graph -----------------------------------------------------------------------------------------------------------


def small_tenant():
    people = [
        User("00000000-0000-4000-8000-000000000001", "Ann", address("ann"), ("a.n@nordlicht.example",)),
        User("00000000-0000-4000-8000-000000000002", "Service", address("service"), purpose="shared", enabled=False),
        User("00000000-0000-4000-8000-000000000003", "Guest O'Hara", "o'hara@x.example", guest=True, purpose=""),
    ]
    rest = [
        Contact("00000000-0000-4000-8000-000000000004", "Contact", "c@y.example"),
        Device("00000000-0000-4000-8000-000000000005", "LAPTOP-1"),
        Group("g-inner", "Inner", "", kind="security", members=(people[0].id, "00000000-0000-4000-8000-000000000005")),
        Group(
            "g-outer",
            "Outer team",
            address("outer"),
            members=("g-inner", people[1].id, people[2].id, "00000000-0000-4000-8000-000000000004", "g-outer"),
        ),
        Group("g-dynamic", "All", address("all"), kind="dynamic", members=(people[0].id,)),
    ]
    return Tenant.of([*people, *rest])


def test_transitive_members_are_everybody_once(rig, web):
    rig.use(small_tenant())
    answer = get(rig, web, "/groups/g-outer/transitiveMembers", eventual=True, count="true").json()
    kinds = sorted(row["@odata.type"].rsplit(".", 1)[1] for row in answer["value"])
    assert kinds == ["device", "group", "group", "orgContact", "user", "user", "user"]
    assert answer["@odata.count"] == 7
    users = get(rig, web, "/groups/g-outer/transitiveMembers/microsoft.graph.user", eventual=True).json()["value"]
    assert [row["displayName"] for row in users] == ["Service", "Guest O'Hara", "Ann"]
    assert get(rig, web, "/groups/g-outer/transitiveMembers/$count", eventual=True).text == "7"
    above = get(rig, web, f"/users/{address('ann')}/transitiveMemberOf").json()["value"]
    assert [row["displayName"] for row in above] == ["Inner", "Outer team"]
    direct = get(rig, web, f"/users/{address('ann')}/memberOf").json()["value"]
    assert [row["displayName"] for row in direct] == ["Inner"]


def test_pages_are_linked_to_their_end(rig, web):
    people = [User(f"00000000-0000-4000-8000-{n:012}", f"U{n}", f"u{n}@x.example") for n in range(25)]
    rig.use(Tenant.of([*people, Group("g", "G", members=tuple(one.id for one in people))]))
    token = ask_token(rig, web).json()["access_token"]
    url, seen, sizes = f"{rig.server.origin}/v1.0/groups/g/members?$top=10&$select=id", [], []
    while url:
        page = web.get(url, headers={"Authorization": f"Bearer {token}"}).json()
        seen += [row["id"] for row in page["value"]]
        sizes.append(len(page["value"]))
        url = page.get("@odata.nextLink")
    assert (seen, sizes) == ([one.id for one in people], [10, 10, 5])


@pytest.mark.parametrize(
    ("path", "eventual", "query", "code"),
    [
        ("/groups", False, {"search": '"displayName:x"'}, "Request_UnsupportedQuery"),
        ("/groups", False, {"count": "true"}, "Request_BadRequest"),
        ("/groups", True, {"search": "displayName:x"}, "Request_BadRequest"),
        ("/groups", True, {"filter": "nonsense"}, "BadRequest"),
        ("/groups", True, {"filter": "mail eq 'a' or nonsense"}, "BadRequest"),
        ("/groups", True, {"filter": "colour eq 'red'"}, "Request_UnsupportedQuery"),
        ("/groups", True, {"expand": "members"}, "Request_UnsupportedQuery"),
        ("/groups", True, {"top": "1000"}, "Request_BadRequest"),
        ("/groups", True, {"skiptoken": "old"}, "Directory_ExpiredPageToken"),
        ("/groups/none", True, {}, "Request_ResourceNotFound"),
        ("/users/none", True, {}, "Request_ResourceNotFound"),
        ("/nothing", True, {}, "BadRequest"),
    ],
)
def test_what_is_not_understood_is_refused(rig, web, path, eventual, query, code):
    answer = get(rig, web, path, eventual=eventual, **query)
    assert answer.status_code in (400, 404) and answer.json()["error"]["code"] == code


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"filter": f"mail eq '{address('OUTER')}'"}, ["Outer team"]),
        ({"filter": "startswith(displayName, 'in')"}, ["Inner"]),
        ({"filter": f"proxyAddresses/any(p:p eq 'smtp:{address('outer')}')"}, ["Outer team"]),
        ({"filter": "securityEnabled eq true and mailEnabled eq false"}, ["Inner"]),
        ({"search": '"displayName:team"'}, ["Outer team"]),
        ({"search": '"displayName:inn" OR "mail:outer"'}, ["Inner", "Outer team"]),
        ({"search": '"displayName:uter"'}, []),
    ],
)
def test_groups_are_filtered_and_searched(rig, web, query, names):
    rig.use(small_tenant())
    rows = get(rig, web, "/groups", eventual=True, **query).json()["value"]
    assert [row["displayName"] for row in rows] == names


def test_a_quote_in_a_filter_is_doubled(rig, web):
    rig.use(small_tenant())
    assert len(get(rig, web, "/users", filter="mail eq 'o''hara@x.example'").json()["value"]) == 1
    assert get(rig, web, "/users", filter="mail eq 'o'hara@x.example'").status_code == 400


def test_permissions_decide_what_is_shown(rig, web):
    rig.use(small_tenant())
    rig.cloud.application.roles -= {"User.Read.All"}
    rows = get(rig, web, "/groups/g-outer/transitiveMembers").json()["value"]
    assert all(row["displayName"] is None for row in rows if row["@odata.type"] == "#microsoft.graph.user")
    assert get(rig, web, "/users").json()["error"]["code"] == "Authorization_RequestDenied"
    rig.cloud.application.roles -= {"GroupMember.Read.All"}
    assert get(rig, web, "/groups").status_code == 403


def test_what_is_said_is_in_microsofts_metadata(rig, web, schema):
    rig.use(small_tenant())
    for path, kind, collection in (
        ("/groups", "microsoft.graph.group", True),
        ("/groups/g-outer", "microsoft.graph.group", False),
        ("/groups/g-outer/transitiveMembers", "microsoft.graph.directoryObject", True),
        ("/users", "microsoft.graph.user", True),
        (f"/users/{address('ann')}", "microsoft.graph.user", False),
        (f"/users/{address('ann')}/transitiveMemberOf", "microsoft.graph.directoryObject", True),
        (f"/users/{address('ann')}/mailboxSettings", "microsoft.graph.mailboxSettings", False),
    ):
        query = {"select": "id,displayName,accountEnabled,assignedPlans,userType"} if path == "/users" else {}
        answer = get(rig, web, path, **query).json()
        assert schema.check(answer, kind, collection=collection) == [], path


def test_the_company_is_in_the_cloud_as_it_is_on_the_server(rig, web):
    mailbox = rig.server.store.mailbox(address("grace.whitfield"))
    assert get(rig, web, f"/users/{mailbox.address}", select="accountEnabled").json()["accountEnabled"] is True
    rig.server.store.set_mailbox(mailbox.id, disabled=True)
    try:
        assert get(rig, web, f"/users/{mailbox.address}", select="accountEnabled").json()["accountEnabled"] is False
    finally:
        rig.server.store.set_mailbox(mailbox.id, disabled=False)
    purpose = get(rig, web, f"/users/{address('messwagen')}/mailboxSettings/userPurpose").json()
    assert purpose["value"] == "equipment"


# --- the Admin API ---------------------------------------------------------------------------------------------------


def cmdlet(rig, web, endpoint, name, identity, tenant=None, anchor="APP:x", **parameters):
    headers = {"Authorization": f"Bearer {ask_token(rig, web).json()['access_token']}"}
    if anchor:
        headers["X-AnchorMailbox"] = anchor
    body = {"CmdletInput": {"CmdletName": name, "Parameters": {"Identity": identity, **parameters}}}
    url = f"{rig.server.origin}/adminapi/v2.0/{tenant or rig.cloud.tenant_id}/{endpoint}"
    return web.post(url, json=body, headers=headers)


DYNAMIC = ("DynamicDistributionGroupMember", "Get-DynamicDistributionGroupMember")
DIRECT = ("DistributionGroupMember", "Get-DistributionGroupMember")


def test_the_admin_api_lists_members(rig, web):
    rig.use(small_tenant())
    rows = cmdlet(rig, web, *DYNAMIC, address("all"), ResultSize="Unlimited").json()["value"]
    assert [(row["PrimarySmtpAddress"], row["RecipientTypeDetails"]) for row in rows] == [
        (address("ann"), "UserMailbox")
    ]
    rows = cmdlet(rig, web, *DIRECT, address("outer")).json()["value"]
    types = [row["RecipientTypeDetails"] for row in rows]
    assert types == ["SharedMailbox", "GuestMailUser", "MailContact", "MailUniversalDistributionGroup"]


@pytest.mark.parametrize(
    ("arguments", "options", "status"),
    [
        ((*DYNAMIC, "nobody@x.example"), {}, 404),
        ((*DYNAMIC, address("outer")), {}, 404),
        ((*DIRECT, address("all")), {}, 404),
        (("DynamicDistributionGroupMember", "Get-Mailbox", address("all")), {}, 400),
        (("Recipient", "Get-Recipient", address("all")), {}, 404),
        ((*DYNAMIC, address("all")), {"tenant": "another.example"}, 404),
        ((*DYNAMIC, address("all")), {"anchor": ""}, 400),
        ((*DYNAMIC, address("all")), {"Filter": "x"}, 400),
    ],
)
def test_what_the_admin_api_refuses(rig, web, arguments, options, status):
    rig.use(small_tenant())
    assert cmdlet(rig, web, *arguments, **options).status_code == status


def test_the_admin_api_needs_its_permission(rig, web):
    rig.cloud.application.roles -= {"Exchange.ManageAsAppV2"}
    assert cmdlet(rig, web, *DYNAMIC, address("alle")).status_code == 403
