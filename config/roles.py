"""The roles of the database: who owns the tables, and who may only use them, under row-level security."""

from collections.abc import Mapping

from psycopg import Connection, errors
from psycopg.sql import SQL, Composed, Identifier, Literal

from config.embedded.state import DATABASE, State
from config.errors import StartError

GROUPS = ("kith_app", "kith_admin")
MEMBERS = {"kith_web": "kith_app", "kith_staff": "kith_admin"}
OWNER, BACKUP = "kith_owner", "kith_backup"
MEMBER = SQL("LOGIN NOBYPASSRLS NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION")
GROUP = SQL("NOLOGIN NOBYPASSRLS NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION")
IN_FORCE = """
SELECT unnest(s.setconfig) FROM pg_db_role_setting s
JOIN pg_roles r ON r.oid = s.setrole JOIN pg_database d ON d.oid = s.setdatabase
WHERE r.rolname = %s AND d.datname = current_database()
"""
# The owner passes by row-level security: migrations that move data must see all of it.
OWNING = SQL("LOGIN BYPASSRLS NOSUPERUSER CREATEDB NOCREATEROLE NOREPLICATION")
# A backup must see all of it too, and change nothing.
READING = SQL("LOGIN BYPASSRLS NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION IN ROLE pg_read_all_data")


def create_all(connection: Connection, state: State) -> None:
    """Make the roles and the database of the embedded server, those that are missing."""
    for group in GROUPS:
        create_role(connection, group, GROUP)
    for login, group in MEMBERS.items():
        create_role(connection, login, MEMBER, state.password(login))
        connection.execute(granting(group, login))
    # How many connections wait or hold a transaction is watched at /metrics.
    connection.execute("GRANT pg_read_all_stats TO kith_admin")
    create_role(connection, OWNER, OWNING, state.password(OWNER))
    create_role(connection, BACKUP, READING, state.password(BACKUP))
    create_database(connection)


def ensure(
    connection: Connection,
    *,
    app: str | None,
    staff: str | None,
    settings: Mapping[str, Mapping[str, str]] | None = None,
) -> None:
    """Make the two groups on a server of somebody else, and let the users who log in take them.

    `settings` are those of users whose connections come from a pooler, which passes none on.
    Raises StartError with the statements for an administrator when we may not run them ourselves.
    """
    statements = missing(connection, {"kith_app": app, "kith_admin": staff})
    for login, wanted in (settings or {}).items():
        statements += setting(connection, login, wanted)
    try:
        for statement in statements:
            connection.execute(statement)
    except errors.InsufficientPrivilege:
        user, lines = connection.info.user, "; ".join(statement.as_string() for statement in statements)
        message = f"The user {user} may not create the roles Kith needs: let an administrator run: {lines};"
        raise StartError(message) from None


def missing(connection: Connection, members: dict[str, str | None]) -> list[Composed]:
    """Return the statements that make the groups that are missing, and put the users in them."""
    statements = []
    for group, login in members.items():
        known = exists(connection, group)
        if not known:
            statements.append(SQL("CREATE ROLE {} NOLOGIN").format(Identifier(group)))
        if login and not (known and is_member(connection, login, group)):
            statements.append(granting(group, login))
    return statements


def setting(connection: Connection, login: str, wanted: Mapping[str, str]) -> list[Composed]:
    """Return the statements by which each connection of a user begins as it should, those that are not in force."""
    rows = connection.execute(IN_FORCE, [login]).fetchall()
    names = Identifier(login), Identifier(connection.info.dbname)
    return [
        SQL("ALTER ROLE {} IN DATABASE {} SET {} = {}").format(*names, Identifier(name), Literal(value))
        for name, value in wanted.items()
        if (f"{name}={value}",) not in rows
    ]


def create_role(connection: Connection, name: str, rights: SQL, password: str = "") -> None:
    """Make one role unless it is there."""
    if not exists(connection, name):
        secret = SQL(" PASSWORD {}").format(Literal(password)) if password else SQL("")
        connection.execute(SQL("CREATE ROLE {} {}{}").format(Identifier(name), rights, secret))


def exists(connection: Connection, name: str) -> bool:
    """Say whether there is a role of that name."""
    return connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone() is not None


def is_member(connection: Connection, login: str, group: str) -> bool:
    """Say whether a user may take a role; a superuser always may."""
    row = connection.execute("SELECT pg_has_role(%s, %s, 'MEMBER')", [login, group]).fetchone()
    return bool(row and row[0])


def granting(group: str, login: str) -> Composed:
    """Return the statement that lets a user take a role."""
    return SQL("GRANT {} TO {}").format(Identifier(group), Identifier(login))


def create_database(connection: Connection) -> None:
    """Make the database unless it is there. Only its owner may create anything in it."""
    if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
        names = Identifier(DATABASE), Identifier(OWNER)
        connection.execute(SQL("CREATE DATABASE {} OWNER {}").format(*names))
