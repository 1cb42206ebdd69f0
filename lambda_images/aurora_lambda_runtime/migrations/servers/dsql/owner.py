"""Whose a schema and a role are, on a cluster that several stacks use: the schema's comment says so."""

import re
from collections.abc import Sequence

from aurora_lambda_runtime.database.contract import RuntimeRole, is_shared
from aurora_lambda_runtime.database.drivers import Row
from aurora_lambda_runtime.database.quoting import literal, quoted
from aurora_lambda_runtime.migrations.errors import MigrationError

COMMENT = "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = %s"
# Who logs in as which role, and which application's schema that role uses, if any.
LOGINS = """
    SELECT arn::text, rolname, nspname FROM pg_roles r
    LEFT JOIN sys.iam_pg_role_mappings ON pg_role_name = rolname
    LEFT JOIN pg_namespace n ON nspname NOT IN ('public', 'sys') AND nspname !~ '^pg_|^information_schema$'
        AND has_schema_privilege(r.oid, n.oid, 'USAGE')
    WHERE rolname = %s OR nspname = %s AND arn IS NOT NULL ORDER BY arn, nspname"""
_OWNER = re.compile(r"aurora-lambda: (\S+)")


def claim_statements(
    schema: str, owner: str, comment: str, role: RuntimeRole | None, logins: Sequence[Row]
) -> list[str]:
    """Return the statements that note `owner` in the `comment` of a schema; none where it says so.

    Args:
        schema: The schema.
        owner: A stack of a project, or all of them: `shop/prod`, `shop/*`. Empty claims nothing.
        comment: What is noted now.
        role: The application's role, as the stack wants it.
        logins: What LOGINS found for the role and the schema.

    Raises:
        MigrationError: the schema or the role is another's, whose tables and logins this stack would take away.
    """
    own_arns = set(role.iam_role_arns) if role else set[str]()
    if role:
        _refuse_foreign_role(schema, role, logins)
    users = {arn for arn, _, used in logins if used == schema}
    found = _OWNER.search(comment)
    known = found[1] if found else ""
    if not owner or known == owner:
        return []
    # Its own logins prove that it is the stack that has the schema.
    is_user = not own_arns or not users or bool(own_arns & users)
    if not known and not is_user:
        raise _refusal(
            f"has no owner, and {' and '.join(sorted(users))} logs in to it, which is not this stack's",
            schema,
            f"where it is this stack's, run as admin: {_note(schema, f'aurora-lambda: {owner}')}",
        )
    if known and not (is_shared(owner) and own_arns & users and known.partition("/")[0] == owner.partition("/")[0]):
        raise _foreign_schema(schema, owner, known, comment)
    return [_note(schema, f"{_OWNER.sub('', comment).strip()} aurora-lambda: {owner}".strip())]


def _refuse_foreign_role(schema: str, role: RuntimeRole, logins: Sequence[Row]) -> None:
    own = [(arn, used) for arn, name, used in logins if name == role.db_role]
    others = [used for _, used in own if used not in (None, schema)]
    arns = {arn for arn, _ in own if arn}
    is_used_here = schema in [used for _, used in own]
    if others:
        why = f"uses the schema {others[0]!r}"
    elif arns and not is_used_here and role.iam_role_arns and not arns & set(role.iam_role_arns):
        why = f"is {' and '.join(sorted(arns))}'s"
    else:
        return
    raise MigrationError(
        f"the role {role.db_role!r} of this cluster {why}, so it is another's: nothing was done."
        " Give this stack a role of its own: pulumi config set runtimeRole NAME"
    )


def _foreign_schema(schema: str, owner: str, known: str, comment: str) -> MigrationError:
    also = "deploy this stack" if is_shared(known) else f"deploy {known} and then this one"
    otherwise = f"where one application has both stacks, {also} with: pulumi config set schemaOwner project"
    if not (is_shared(known) or is_shared(owner)):
        note = _note(schema, _OWNER.sub(lambda _: f"aurora-lambda: {owner}", comment))
        otherwise += f"; or, where this stack was {known} before `pulumi stack rename`, run as admin: {note}"
    return _refusal(f"belongs to {known}, and this stack is {owner}", schema, otherwise)


def _refusal(what: str, schema: str, otherwise: str) -> MigrationError:
    return MigrationError(
        f"the schema {schema!r} of this cluster {what}: nothing was done."
        f" Give this stack a schema of its own: pulumi config set schema NAME; or, {otherwise}"
    )


def _note(schema: str, comment: str) -> str:
    return f"COMMENT ON SCHEMA {quoted(schema)} IS {literal(comment)}"
