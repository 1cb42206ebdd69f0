-- What a cluster holds besides PostgreSQL's own catalogs. Run by PostgreSQL's superuser at every start, so that data of an
-- earlier version gets it, too.

SET client_min_messages = warning;

DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'admin') THEN
        CREATE ROLE admin LOGIN CREATEROLE;
        ALTER DATABASE postgres OWNER TO admin;
    END IF;
END $$;
CREATE SCHEMA IF NOT EXISTS sys;
GRANT USAGE ON SCHEMA sys TO PUBLIC;

-- DSQL is PostgreSQL 16, without its text search configurations: what newer versions brought is not to be found.

DELETE FROM pg_ts_config;
DELETE FROM pg_proc WHERE oid < 16384 AND proname IN (
    'array_reverse', 'array_sort', 'casefold', 'crc32', 'crc32c', 'gamma', 'lgamma', 'to_bin', 'to_oct',
    'unicode_assigned', 'unicode_version', 'uuid_extract_timestamp', 'uuid_extract_version', 'uuidv4', 'uuidv7');

CREATE OR REPLACE FUNCTION pg_catalog.version() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT 'PostgreSQL 16' $$;

CREATE OR REPLACE FUNCTION sys.setting(text) RETURNS text LANGUAGE internal STABLE STRICT AS 'show_config_by_name';
CREATE OR REPLACE FUNCTION pg_catalog.current_setting(text) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT CASE $1 WHEN 'server_version' THEN '16.15' WHEN 'server_version_num' THEN '160015' ELSE sys.setting($1) END $$;

-- Catalogs that read otherwise than PostgreSQL's: a primary key holds all columns, and indexes have another method.
-- PostgreSQL itself finds its catalogs by their numbers: views can have their names.

SET allow_system_table_mods = on;
DO $$ BEGIN
    IF to_regclass('pg_catalog.plain_pg_index') IS NULL THEN
        ALTER TABLE pg_catalog.pg_index RENAME TO plain_pg_index;
        ALTER TABLE pg_catalog.pg_am RENAME TO plain_pg_am;
    END IF;
END $$;

CREATE OR REPLACE VIEW pg_catalog.pg_am AS
SELECT oid, replace(amname, 'btree', 'btree_index')::name AS amname, amhandler, amtype FROM plain_pg_am;

CREATE OR REPLACE VIEW pg_catalog.pg_index AS
SELECT indexrelid, indrelid, CASE WHEN indisprimary THEN indnkeyatts + cardinality(others) ELSE indnatts END AS indnatts,
    indnkeyatts, indisunique, indnullsnotdistinct, indisprimary, indisexclusion, indimmediate, indisclustered, indisvalid,
    indcheckxmin, indisready, indislive, indisreplident,
    CASE WHEN indisprimary THEN array_to_string(indkey[0:indnkeyatts - 1] || others, ' ')::int2vector ELSE indkey END AS indkey,
    indcollation, indclass, indoption, indexprs, indpred
FROM plain_pg_index, LATERAL (
    SELECT coalesce(array_agg(attnum ORDER BY attnum), '{}')
    FROM pg_attribute WHERE attrelid = indrelid AND attnum > 0 AND NOT attisdropped AND attnum <> ALL (indkey)
) AS rest (others);
GRANT SELECT ON pg_catalog.pg_am, pg_catalog.pg_index TO PUBLIC;
RESET allow_system_table_mods;

-- Roles and the IAM identities that may log in as them.

CREATE TABLE IF NOT EXISTS sys.iam_mapping (
    iam_oid bigint GENERATED ALWAYS AS IDENTITY,
    arn text NOT NULL,
    pg_role_oid oid NOT NULL,
    grantor_pg_role_oid oid NOT NULL,
    UNIQUE (pg_role_oid, arn)
);

CREATE OR REPLACE VIEW sys.iam_pg_role_mappings AS
SELECT iam_oid, arn, pg_role_oid, r.rolname AS pg_role_name, grantor_pg_role_oid, g.rolname AS grantor_pg_role_name
FROM sys.iam_mapping JOIN pg_roles r ON r.oid = pg_role_oid JOIN pg_roles g ON g.oid = grantor_pg_role_oid;
GRANT SELECT ON sys.iam_pg_role_mappings TO PUBLIC;

CREATE OR REPLACE FUNCTION sys.check_grantor(role text) RETURNS oid LANGUAGE plpgsql STABLE AS $$
DECLARE
    found oid := (SELECT oid FROM pg_roles WHERE rolname = role);
BEGIN
    IF session_user <> 'admin' THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = format('permission denied to grant IAM trust with role %s', role);
    ELSIF found IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '42704', MESSAGE = format('role "%s" does not exist', role);
    END IF;
    RETURN found;
END $$;

CREATE OR REPLACE PROCEDURE sys.iam_grant(role text, iam_arn text) LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    role_oid oid := sys.check_grantor(role);
BEGIN
    INSERT INTO sys.iam_mapping (arn, pg_role_oid, grantor_pg_role_oid)
    VALUES (iam_arn, role_oid, session_user::regrole);
    -- A mapped role cannot be dropped, and PostgreSQL says so of one that holds a privilege.
    EXECUTE format('GRANT SELECT ON sys.iam_mapping TO %I', role);
EXCEPTION WHEN unique_violation THEN
    RAISE EXCEPTION USING ERRCODE = '42710', MESSAGE = format('role "%s" is already mapped to %s', role, iam_arn);
END $$;

CREATE OR REPLACE PROCEDURE sys.iam_revoke(role text, iam_arn text) LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    role_oid oid := sys.check_grantor(role);
BEGIN
    DELETE FROM sys.iam_mapping WHERE pg_role_oid = role_oid AND arn = iam_arn;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '42704', MESSAGE = format('role "%s" is not mapped to %s', role, iam_arn);
    END IF;
    IF NOT EXISTS (SELECT FROM sys.iam_mapping WHERE pg_role_oid = role_oid) THEN
        EXECUTE format('REVOKE SELECT ON sys.iam_mapping FROM %I', role);
    END IF;
END $$;

-- Asynchronous jobs.

CREATE TABLE IF NOT EXISTS sys.job (
    job_id text PRIMARY KEY,
    status text NOT NULL DEFAULT 'submitted',
    details text,
    job_type text NOT NULL,
    object_id oid NOT NULL,
    object_name text NOT NULL,
    command text NOT NULL,
    start_time timestamptz NOT NULL DEFAULT clock_timestamp(),
    update_time timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE OR REPLACE VIEW sys.jobs AS
SELECT job_id, status, details, job_type, 'pg_class'::regclass::oid AS class_id, object_id, object_name,
    start_time, update_time
FROM sys.job
WHERE status IN ('submitted', 'processing') OR update_time > clock_timestamp() - interval '30 minutes';
GRANT SELECT ON sys.jobs TO PUBLIC;

CREATE OR REPLACE FUNCTION sys.submit(kind text, target regclass, statement text, id text) RETURNS text
LANGUAGE sql SECURITY DEFINER SET search_path = '' AS $$
    INSERT INTO sys.job (job_id, job_type, object_id, object_name, command)
    VALUES (id, kind, target, target, statement) RETURNING job_id
$$;
-- A job runs as PostgreSQL's superuser: only the functions below may say what.
REVOKE EXECUTE ON FUNCTION sys.submit FROM PUBLIC;

-- An index counts as invalid, yet is maintained and enforces, until its job has built it.
CREATE OR REPLACE FUNCTION sys.submit_index(index_oid regclass, is_unique boolean, id text) RETURNS text
LANGUAGE sql SECURITY DEFINER SET search_path = '' AS $$
    UPDATE plain_pg_index SET indisvalid = false, indisunique = is_unique WHERE indexrelid = index_oid;
    SELECT sys.submit('INDEX_BUILD', index_oid, format('REINDEX INDEX %s', index_oid), id);
$$;

CREATE OR REPLACE FUNCTION sys.create_index(statement text, is_unique boolean, id text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    newest oid := (SELECT max(oid) FROM pg_class);
BEGIN
    EXECUTE statement;
    RETURN (SELECT sys.submit_index(indexrelid, is_unique, id) FROM plain_pg_index WHERE indexrelid > newest);
END $$;

CREATE OR REPLACE FUNCTION sys.validate_constraint(target regclass, constraint_name text, id text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = target AND conname = constraint_name) THEN
        RAISE EXCEPTION USING ERRCODE = '42704',
            MESSAGE = format('constraint "%s" of relation "%s" does not exist', constraint_name, target);
    END IF;
    RETURN sys.submit('VALIDATE_CONSTRAINT', target,
        format('ALTER TABLE %s VALIDATE CONSTRAINT %I', target, constraint_name), id);
END $$;

-- Null while the job is not done: the gateway calls again.
CREATE OR REPLACE PROCEDURE sys.wait_for_job(id text, INOUT succeeded boolean DEFAULT NULL)
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF id !~ '^[a-z2-7]{26}$' THEN
        RAISE EXCEPTION USING ERRCODE = '22P02', MESSAGE = 'Unable to convert text to UUID';
    END IF;
    SELECT CASE status WHEN 'completed' THEN true WHEN 'failed' THEN false END INTO succeeded
    FROM sys.job WHERE job_id = id;
    IF NOT FOUND THEN
        succeeded := false;
    END IF;
END $$;

-- Bytes of a row are those of its texts; of a bytea, half of its hexadecimal digits.

CREATE OR REPLACE FUNCTION sys.check_sizes(target oid, content jsonb) RETURNS void LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF EXISTS (
        SELECT FROM plain_pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey[0:indnkeyatts - 1])
        WHERE indrelid = target GROUP BY indexrelid HAVING sum(octet_length(content ->> attname)) > 1024
    ) THEN
        RAISE EXCEPTION USING ERRCODE = '54000', MESSAGE = 'key size too large';
    ELSIF (
        SELECT sum(size) > 2097152 OR max(size) > 1048576 FROM (
            SELECT CASE WHEN value LIKE '\\x%' THEN octet_length(value) / 2 - 1 ELSE octet_length(value) END
            FROM jsonb_each_text(content)
        ) AS sizes (size)
    ) THEN
        RAISE EXCEPTION USING ERRCODE = '54000', MESSAGE = 'maximum row size exceeded';
    END IF;
END $$;

-- Every change of a row is told to the gateway as the statement that makes it again.

CREATE OR REPLACE FUNCTION sys.note_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
    target text := TG_RELID::regclass;
    before jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
    after jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
    names text;
    place text;
    again text;
BEGIN
    IF octet_length(after::text) > 1024 THEN
        PERFORM sys.check_sizes(TG_RELID, after);
    END IF;
    SELECT string_agg(format('%I = %L', attname, before ->> attname), ' AND ') INTO place
    FROM plain_pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey[0:indnkeyatts - 1])
    WHERE indrelid = TG_RELID AND indisprimary;
    place := coalesce(place,
        format('ctid = (SELECT ctid FROM %s r WHERE to_jsonb(r) = %L::jsonb LIMIT 1)', target, before));
    -- All columns where none has another value: that is a write, too.
    SELECT coalesce(
        string_agg(quote_ident(attname), ', ') FILTER (WHERE after -> attname IS DISTINCT FROM before -> attname),
        string_agg(quote_ident(attname), ', ')) INTO names
    FROM pg_attribute WHERE attrelid = TG_RELID AND attnum > 0 AND NOT attisdropped AND attgenerated = '';
    again := CASE
        WHEN TG_OP = 'DELETE' THEN format('DELETE FROM %s WHERE %s', target, place)
        WHEN TG_OP = 'INSERT' THEN format(
            'INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %2$s FROM jsonb_populate_record(NULL::%1$s, %3$L)',
            target, names, after)
        ELSE format('UPDATE %s SET (%s) = (SELECT %2$s FROM jsonb_populate_record(NULL::%1$s, %3$L)) WHERE %4$s',
            target, names, after, place)
    END;
    RAISE NOTICE USING ERRCODE = 'DSQL1', MESSAGE = again;
    RETURN NULL;
END $$;

-- The argument is the name of the primary key, which can never be dropped.
CREATE OR REPLACE FUNCTION sys.watch_tables() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    created oid;
BEGIN
    FOR created IN SELECT objid FROM pg_event_trigger_ddl_commands() WHERE command_tag = 'CREATE TABLE' LOOP
        EXECUTE format('CREATE TRIGGER note_change AFTER INSERT OR UPDATE OR DELETE ON %s'
            ' FOR EACH ROW EXECUTE FUNCTION sys.note_change(%L)', created::regclass,
            coalesce((SELECT conname FROM pg_constraint WHERE conrelid = created AND contype = 'p'), ''));
        -- DSQL has no triggers: tools are not to find this one.
        UPDATE pg_trigger SET tgisinternal = true WHERE tgrelid = created AND tgname = 'note_change';
    END LOOP;
END $$;

DROP EVENT TRIGGER IF EXISTS watch_tables;
CREATE EVENT TRIGGER watch_tables ON ddl_command_end WHEN TAG IN ('CREATE TABLE')
EXECUTE FUNCTION sys.watch_tables();

CREATE OR REPLACE FUNCTION sys.keep_primary_keys() RETURNS event_trigger LANGUAGE plpgsql AS $$
DECLARE
    names text[];
    dropped_column text;
BEGIN
    FOR names IN SELECT address_names FROM pg_event_trigger_dropped_objects() WHERE object_type = 'table constraint' LOOP
        CONTINUE WHEN NOT EXISTS (
            SELECT FROM pg_trigger
            WHERE tgname = 'note_change' AND tgrelid = to_regclass(format('%I.%I', names[1], names[2]))
                AND tgargs = convert_to(names[3], 'UTF8') || '\000');
        SELECT address_names[3] INTO dropped_column
        FROM pg_event_trigger_dropped_objects() WHERE object_type = 'table column';
        RAISE EXCEPTION USING ERRCODE = '0A000', MESSAGE = coalesce(
            'cannot drop primary key column ' || dropped_column, 'unsupported ALTER TABLE DROP CONSTRAINT statement');
    END LOOP;
END $$;

DROP EVENT TRIGGER IF EXISTS keep_primary_keys;
CREATE EVENT TRIGGER keep_primary_keys ON sql_drop WHEN TAG IN ('ALTER TABLE')
EXECUTE FUNCTION sys.keep_primary_keys();

-- What DSQL refuses of a table, beside what the gateway reads in a statement, each with its SQLSTATE.

CREATE OR REPLACE FUNCTION sys.breaches(target oid) RETURNS TABLE (state text, message text) LANGUAGE sql STABLE AS $$
WITH columns AS (
    SELECT attname, attnum, atttypid, atttypmod - 4 AS width, attidentity, format_type(atttypid, NULL) AS type,
        coalesce(nullif(typbasetype, 0), atttypid)::regtype::text AS base
    FROM pg_attribute JOIN pg_type t ON t.oid = atttypid
    WHERE attrelid = target AND attnum > 0 AND NOT attisdropped
), keys AS (
    SELECT indexrelid, columns.* FROM plain_pg_index JOIN columns ON attnum = ANY (indkey[0:indnkeyatts - 1])
    WHERE indrelid = target
)
SELECT '0A000', format('datatype %s not supported', type) FROM columns WHERE base <> ALL (ARRAY[
    'smallint', 'integer', 'bigint', 'real', 'double precision', 'numeric', 'character', 'character varying', 'text',
    'date', 'time without time zone', 'time with time zone', 'timestamp without time zone', 'timestamp with time zone',
    'interval', 'boolean', 'bytea', 'uuid', 'json', 'jsonb'])
UNION ALL
SELECT '0A000', format('datatype %s not supported, identity column type must be bigint', type)
FROM columns WHERE attidentity <> '' AND type <> 'bigint'
UNION ALL
SELECT '0A000', format('datatype %s is not supported in a key', type) FROM keys WHERE base IN ('json', 'jsonb')
UNION ALL
SELECT '54000', format('Datatype limit greater than %s bytes not supported for %s', most, name)
FROM columns JOIN (VALUES ('character varying', 65535, 'varchar'), ('character', 4096, 'char')) AS l (type, most, name)
    USING (type) WHERE width > most
UNION ALL
SELECT '54000', 'key size greater than 2000 bytes not supported'
FROM keys WHERE base IN ('character varying', 'character') GROUP BY indexrelid HAVING sum(width) > 2000
UNION ALL
SELECT '54011', 'tables can have at most 255 columns' FROM columns HAVING count(*) > 255
UNION ALL
SELECT '54000', 'more than 24 indexes per table are not allowed'
FROM plain_pg_index WHERE indrelid = target HAVING count(*) > 24
$$;

CREATE OR REPLACE FUNCTION sys.check_tables() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    breach record;
BEGIN
    SELECT breaches.* INTO breach
    FROM pg_event_trigger_ddl_commands() c LEFT JOIN plain_pg_index ON indexrelid = c.objid,
        LATERAL sys.breaches(coalesce(indrelid, c.objid)) AS breaches
    WHERE c.classid = 'pg_class'::regclass LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = breach.state, MESSAGE = breach.message;
    END IF;
END $$;

DROP EVENT TRIGGER IF EXISTS check_tables;
CREATE EVENT TRIGGER check_tables ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'ALTER TABLE', 'CREATE INDEX')
EXECUTE FUNCTION sys.check_tables();

-- Before the statement: IF NOT EXISTS makes no difference.
CREATE OR REPLACE FUNCTION sys.check_schemas() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT count(*) >= 10 FROM pg_namespace WHERE nspname NOT IN ('information_schema', 'public', 'sys')
        AND nspname NOT LIKE 'pg\_%') THEN
        RAISE EXCEPTION USING ERRCODE = '54000', MESSAGE = 'more than 10 schemas not allowed';
    END IF;
END $$;

DROP EVENT TRIGGER IF EXISTS check_schemas;
CREATE EVENT TRIGGER check_schemas ON ddl_command_start WHEN TAG IN ('CREATE SCHEMA')
EXECUTE FUNCTION sys.check_schemas();
