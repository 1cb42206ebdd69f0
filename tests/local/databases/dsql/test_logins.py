"""Who gets in, and as whom."""

import re
import socket
import ssl
import struct
from contextlib import suppress
from typing import Any

import psycopg
import pytest
from psycopg import sql

from aurora_lambda_local.databases.dsql.tokens import Identity
from tests.local.databases.dsql.clients import Clients, do, refusal, role_arn, rows
from tests.services import PATIENCE_SECONDS, eventually

WAKING = "unable to accept connection, waking up cluster, please retry later"


def test_a_token_signed_by_aws_own_sdk_logs_the_administrator_in(dsql: Clients) -> None:
    """`signature equals boto3's` (verified F): a signer that works on AWS would be refused here."""
    assert rows(dsql.connect(), "SELECT current_user, version()") == [("admin", "PostgreSQL 16")]


def test_it_reports_the_version_and_the_settings_of_a_cluster(dsql: Clients) -> None:
    """`reports server_version 16.15, UTC, C collation` (verified E): a driver would take it for another server."""
    connection = dsql.connect()
    assert connection.info.parameter_status("server_version") == "16.15"
    assert connection.info.parameter_status("TimeZone") == "UTC"
    assert rows(connection, "SHOW server_version") == [("16.15",)]
    assert rows(connection, "SHOW server_version_num") == [("160015",)]
    assert rows(connection, "SELECT current_setting('server_version'), current_setting('timezone')") == [
        ("16.15", "UTC")
    ]
    assert rows(connection, "SELECT datcollate FROM pg_database WHERE datname = 'postgres'") == [("C",)]


def test_a_connection_without_tls_is_refused(dsql: Clients) -> None:
    """`TLS is required` (verified D, text unverified): a client that sends its token in the clear would pass."""
    assert dsql.refused(sslmode="disable") == "unable to accept connection, tls is required"


def test_a_connection_without_a_server_name_is_refused(dsql: Clients) -> None:
    """`SNI too` (verified P): a driver that sends none would fail on AWS only."""
    assert dsql.refused(sslsni="0") == "unable to accept connection, sni was not received"


def test_direct_tls_works(dsql: Clients) -> None:
    """`direct TLS works` (verified D): the handler could not save the round trip."""
    assert rows(dsql.connect(sslnegotiation="direct"), "SELECT 1") == [(1,)]


def test_the_name_of_a_cluster_leads_to_it_too(dsql: Clients) -> None:
    """AWS's connectors take the Region from `<identifier>.dsql.<region>.on.aws`, and would refuse any other name."""
    name = f"{dsql.server.identifier}.dsql.us-east-1.on.aws"
    connection = dsql.connect(token=dsql.token(host=name), host=name, hostaddr="127.0.0.1")
    assert rows(connection, "SELECT current_user") == [("admin",)]
    assert dsql.refused(token=dsql.token(), host=name, hostaddr="127.0.0.1").endswith(
        f"HINT:  The token is for localhost, the connection to {name}."
    )


def test_the_certificate_is_for_this_host_only(dsql: Clients) -> None:
    """`TLS verified` would mean nothing if any name matched."""
    context = ssl.create_default_context(cafile=str(dsql.server.ca_file))
    context.set_alpn_protocols(["postgresql"])
    with (
        socket.create_connection(("127.0.0.1", dsql.server.port)) as plain,
        pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"),
    ):
        context.wrap_socket(plain, server_hostname="other.example")


@pytest.mark.parametrize(
    ("user", "token", "hint"),
    [
        ("admin", {"user": "app"}, "Wrong user to action mapping. user: admin, action: DbConnect"),
        ("app", {"user": "admin"}, "Wrong user to action mapping. user: app, action: DbConnectAdmin"),
        (
            "admin",
            {"secret": "wrong"},
            "The request signature we calculated does not match the signature you provided.",
        ),
        ("admin", {"key": "AKIAOTHER"}, "The security token included in the request is invalid."),
        ("admin", {"host": "other.example"}, "The token is for other.example, the connection to localhost."),
        ("admin", {"region": "eu-west-1"}, "Credential should be scoped to region us-east-1 and service dsql."),
        ("admin", {"seconds": 604801}, "X-Amz-Expires must be between 1 second and 7 days."),
    ],
)
def test_a_token_for_something_else_is_refused(dsql: Clients, user: str, token: dict[str, Any], hint: str) -> None:
    """`unable to accept connection, access denied`, HINT tells why (verified P; the first hint verified D)."""
    refused = dsql.refused(user, token=dsql.token(token.pop("user", user), **token))
    assert refused == f"unable to accept connection, access denied\nHINT:  {hint}"


@pytest.mark.slow
def test_an_expired_token_is_refused(dsql: Clients) -> None:
    """`Signature expired: ...` (verified P): a pool that keeps a token would work here for ever."""
    token = dsql.token(seconds=1)
    while not (refused := dsql.refused(token=token)):
        continue
    assert refused.startswith("unable to accept connection, access denied\nHINT:  Signature expired: ")


def test_an_identity_without_the_permission_is_refused(dsql: Clients) -> None:
    """`... to perform: dsql:DbConnectAdmin` (verified P): a handler's role would pass for the administrator."""
    dsql.server.identities["AKIAAPP"] = Identity(role_arn("app"), "secret", frozenset({"DbConnect"}))
    assert dsql.refused(token=dsql.token(key="AKIAAPP")) == (
        "unable to accept connection, access denied\n"
        f"HINT:  User: {role_arn('app')} is not authorized to perform: dsql:DbConnectAdmin"
    )


def test_a_role_logs_in_with_the_iam_role_it_is_mapped_to_and_no_other(dsql: Clients) -> None:
    """`AWS IAM GRANT` and 28000 (verified S, I): any application could log in as any other."""
    admin, role = dsql.connect(), f"{dsql.schema}_app"
    for name in ("mine", "other"):
        dsql.server.identities[name] = Identity(role_arn(name), "secret")
    do(admin, f"CREATE ROLE {role} WITH LOGIN")
    assert do(admin, f"AWS IAM GRANT {role} TO '{role_arn('mine')}'") == "AWS IAM GRANT"

    assert rows(dsql.connect(role, token=dsql.token(role, key="mine")), "SELECT current_user") == [(role,)]
    assert dsql.refused(role, token=dsql.token(role, key="other")) == (
        "unable to accept connection, access denied\n"
        f"HINT:  User: {role_arn('other')} is not authorized to access this resource"
    )
    do(admin, f"AWS IAM REVOKE {role} FROM '{role_arn('mine')}'")
    assert dsql.refused(role, token=dsql.token(role, key="mine")).startswith("unable to accept connection, access")


def test_a_superuser_of_postgresql_cannot_log_in(dsql: Clients) -> None:
    """The stand-in's own superuser would be a way around every rule."""
    assert dsql.refused("postgres", token=dsql.token("app")).startswith("unable to accept connection, access denied")


def test_there_is_one_database(dsql: Clients) -> None:
    """`one database, postgres` (verified D): a URL with another name would work here only."""
    assert dsql.refused(dbname="other") == 'database "other" does not exist'


def test_a_startup_setting_that_dsql_has_not_is_refused(dsql: Clients) -> None:
    """`FATAL at startup` (verified I): pools that set statement_timeout in their options fail on AWS."""
    assert dsql.refused(options="-c statement_timeout=5s") == (
        'setting configuration parameter "statement_timeout" not supported'
    )


def test_a_schema_of_any_name_can_be_the_search_path(dsql: Clients) -> None:
    """A name with spaces or quotes is escaped in the options: it would be cut into pieces."""
    name = f'{dsql.schema} "my" \\ app'
    identifier = sql.Identifier(name).as_string()
    do(dsql.connect(), f"CREATE SCHEMA {identifier}")
    escaped = re.sub(r"([\s\\])", r"\\\1", identifier)
    assert rows(dsql.connect(options=f"-c search_path={escaped}"), "SELECT current_schema()") == [(name,)]


def test_the_next_logins_are_told_that_the_cluster_wakes_up(dsql: Clients) -> None:
    """`waking up cluster` (verified P): nobody would know whether the handler waits."""
    dsql.inject(waking_up=2)
    assert [dsql.refused(), dsql.refused(), dsql.refused()] == [WAKING, WAKING, ""]


@pytest.mark.slow
def test_a_session_outlives_its_token(dsql: Clients) -> None:
    """`it counts at connect only` (verified D): pooled connections would be thought to need new tokens."""
    # Signed in whole seconds: one of a single second may have ended before it is used.
    token = dsql.token(seconds=2)
    connection = dsql.connect(token=token)
    assert eventually(lambda: bool(dsql.refused(token=token)), interval=0.1)
    assert rows(connection, "SELECT 1") == [(1,)]


def test_only_the_administrator_maps_roles(dsql: Clients) -> None:
    """`permission denied to grant IAM trust with role r` (verified D): an application could let itself in anywhere."""
    admin, role = dsql.connect(), f"{dsql.schema}_app"
    do(admin, f"CREATE ROLE {role} WITH LOGIN")
    do(admin, f"AWS IAM GRANT {role} TO '{role_arn('admin')}'")
    app = dsql.connect(role)
    assert refusal(app, f"AWS IAM GRANT {role} TO 'arn:aws:iam::1:role/x'") == (
        "42501",
        f"permission denied to grant IAM trust with role {role}",
    )
    assert refusal(app, "CREATE TABLE public.t (id int PRIMARY KEY)") == (
        "42501",
        "permission denied for schema public",
    )
    assert refusal(app, "CREATE SCHEMA mine") == ("42501", "permission denied for database postgres")


def test_mappings_are_listed_and_hold_their_role(dsql: Clients) -> None:
    """`sys.iam_pg_role_mappings` (verified S), 2BP01 (verified I): a set-up could not see what it has done."""
    admin, role, arn = dsql.connect(), f"{dsql.schema}_app", role_arn("admin")
    do(admin, f'CREATE ROLE "{role}" WITH LOGIN')
    do(admin, f"AWS IAM GRANT \"{role}\" TO '{arn}'")
    cursor = admin.execute("SELECT * FROM sys.iam_pg_role_mappings WHERE pg_role_name = %s", [role])
    assert [column.name for column in cursor.description or ()] == [
        "iam_oid",
        "arn",
        "pg_role_oid",
        "pg_role_name",
        "grantor_pg_role_oid",
        "grantor_pg_role_name",
    ]
    [row] = cursor.fetchall()
    assert (row[1], row[3], row[5]) == (arn, role, "admin")
    assert refusal(admin, f"DROP ROLE {role}") == (
        "2BP01",
        f'role "{role}" cannot be dropped because some objects depend on it',
    )
    assert refusal(admin, f"CREATE ROLE {role} WITH LOGIN") == ("42710", f'role "{role}" already exists')


@pytest.mark.slow
def test_a_connection_ends_with_its_hour(dsql: Clients) -> None:
    """`a session lives 60 minutes at most` (verified D, how it ends unverified): none would ever be replaced."""
    dsql.inject(connection_seconds=0.2)
    connection = dsql.connect()
    with suppress(psycopg.OperationalError):
        while True:
            connection.execute("SELECT 1")
    assert connection.closed


def test_a_packet_without_a_code_ends_the_connection(dsql: Clients, capsys: pytest.CaptureFixture[str]) -> None:
    """A port scan would fill the log with tracebacks."""
    with socket.create_connection(("127.0.0.1", dsql.server.port), timeout=PATIENCE_SECONDS) as client:
        client.sendall(struct.pack("!i", 5) + b"x")
        assert client.recv(1) == b""
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("message", ["startup", "password"])
def test_what_a_stranger_sends_is_bounded_before_the_login(dsql: Clients, message: str) -> None:
    """Whoever reaches the port, without a token, could fill this machine's memory."""
    context = ssl.create_default_context(cafile=str(dsql.server.ca_file))
    context.set_alpn_protocols(["postgresql"])
    with (
        socket.create_connection(("127.0.0.1", dsql.server.port)) as plain,
        context.wrap_socket(plain, server_hostname=dsql.server.host) as client,
    ):
        parameters = b"user\0admin\0database\0postgres\0\0"
        packet = struct.pack("!ii", len(parameters) + 8, 196608) + parameters
        if message == "startup":
            client.sendall(struct.pack("!ii", 300_000_000, 196608))
        else:
            client.sendall(packet)
            assert client.recv(9) == b"R\0\0\0\x08\0\0\0\x03"
            client.sendall(b"p" + struct.pack("!i", 300_000_000))
        client.settimeout(PATIENCE_SECONDS)
        assert client.recv(1) == b""
