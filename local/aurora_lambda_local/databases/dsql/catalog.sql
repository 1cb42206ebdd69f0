-- What a new cluster holds besides PostgreSQL's own catalogs. Run once, by PostgreSQL's superuser.

CREATE ROLE admin LOGIN CREATEROLE;
ALTER DATABASE postgres OWNER TO admin;
CREATE SCHEMA sys;
GRANT USAGE ON SCHEMA sys TO PUBLIC;

CREATE OR REPLACE FUNCTION pg_catalog.version() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT 'PostgreSQL 16' $$;

-- Catalogs that read otherwise than PostgreSQL's: a primary key holds all columns, and indexes have another method.

CREATE VIEW sys.pg_am AS
SELECT oid, replace(amname, 'btree', 'btree_index')::name AS amname, amhandler, amtype FROM pg_am;

CREATE VIEW sys.pg_index AS
SELECT indexrelid, indrelid, CASE WHEN indisprimary THEN indnkeyatts + cardinality(others) ELSE indnatts END AS indnatts,
    indnkeyatts, indisunique, indnullsnotdistinct, indisprimary, indisexclusion, indimmediate, indisclustered, indisvalid,
    indcheckxmin, indisready, indislive, indisreplident,
    CASE WHEN indisprimary THEN array_to_string(indkey[0:indnkeyatts - 1] || others, ' ')::int2vector ELSE indkey END AS indkey,
    indcollation, indclass, indoption, indexprs, indpred
FROM pg_index, LATERAL (
    SELECT coalesce(array_agg(attnum ORDER BY attnum), '{}')
    FROM pg_attribute WHERE attrelid = indrelid AND attnum > 0 AND NOT attisdropped AND attnum <> ALL (indkey)
) AS rest (others);
GRANT SELECT ON sys.pg_am, sys.pg_index TO PUBLIC;

-- Roles and the IAM identities that may log in as them.

CREATE TABLE sys.iam_mapping (
    iam_oid bigint GENERATED ALWAYS AS IDENTITY,
    arn text NOT NULL,
    pg_role_oid oid NOT NULL,
    grantor_pg_role_oid oid NOT NULL,
    UNIQUE (pg_role_oid, arn)
);

CREATE VIEW sys.iam_pg_role_mappings AS
SELECT iam_oid, arn, pg_role_oid, r.rolname AS pg_role_name, grantor_pg_role_oid, g.rolname AS grantor_pg_role_name
FROM sys.iam_mapping JOIN pg_roles r ON r.oid = pg_role_oid JOIN pg_roles g ON g.oid = grantor_pg_role_oid;
GRANT SELECT ON sys.iam_pg_role_mappings TO PUBLIC;

CREATE FUNCTION sys.check_grantor(role text) RETURNS oid LANGUAGE plpgsql STABLE AS $$
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

CREATE PROCEDURE sys.iam_grant(role text, iam_arn text) LANGUAGE plpgsql SECURITY DEFINER AS $$
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

CREATE PROCEDURE sys.iam_revoke(role text, iam_arn text) LANGUAGE plpgsql SECURITY DEFINER AS $$
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

CREATE TABLE sys.job (
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

CREATE VIEW sys.jobs AS
SELECT job_id, status, details, job_type, 'pg_class'::regclass::oid AS class_id, object_id, object_name,
    start_time, update_time
FROM sys.job
WHERE status IN ('submitted', 'processing') OR update_time > clock_timestamp() - interval '30 minutes';
GRANT SELECT ON sys.jobs TO PUBLIC;

-- An index counts as invalid, yet is maintained and enforces, until its job has built it.
CREATE FUNCTION sys.submit_index(index_oid oid, is_unique boolean, id text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
    UPDATE pg_index SET indisvalid = false, indisunique = is_unique WHERE indexrelid = index_oid;
    INSERT INTO sys.job (job_id, job_type, object_id, object_name, command)
    VALUES (id, 'INDEX_BUILD', index_oid, index_oid::regclass, format('REINDEX INDEX %s', index_oid::regclass));
END $$;

CREATE FUNCTION sys.create_index(statement text, is_unique boolean, id text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    newest oid := (SELECT max(oid) FROM pg_class);
    created oid;
BEGIN
    EXECUTE statement;
    SELECT max(indexrelid) INTO created FROM pg_index WHERE indexrelid > newest;
    IF created IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM sys.submit_index(created, is_unique, id);
    RETURN id;
END $$;

CREATE FUNCTION sys.validate_constraint(target regclass, constraint_name text, id text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = target AND conname = constraint_name) THEN
        RAISE EXCEPTION USING ERRCODE = '42704',
            MESSAGE = format('constraint "%s" of relation "%s" does not exist', constraint_name, target);
    END IF;
    INSERT INTO sys.job (job_id, job_type, object_id, object_name, command)
    VALUES (id, 'VALIDATE_CONSTRAINT', target, target,
        format('ALTER TABLE %s VALIDATE CONSTRAINT %I', target, constraint_name));
    RETURN id;
END $$;

-- Null while the job is not done: the gateway calls again.
CREATE PROCEDURE sys.wait_for_job(id text, INOUT succeeded boolean DEFAULT NULL)
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

-- Every change of a row is told to the gateway as the statement that makes it again.

CREATE FUNCTION sys.note_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
    target text := TG_RELID::regclass;
    before jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
    after jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
    names text;
    place text;
    again text;
BEGIN
    SELECT string_agg(format('%I = %L', attname, before ->> attname), ' AND ') INTO place
    FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey[0:indnkeyatts - 1])
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
CREATE FUNCTION sys.watch_tables() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
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

CREATE EVENT TRIGGER watch_tables ON ddl_command_end WHEN TAG IN ('CREATE TABLE')
EXECUTE FUNCTION sys.watch_tables();

CREATE FUNCTION sys.keep_primary_keys() RETURNS event_trigger LANGUAGE plpgsql AS $$
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

CREATE EVENT TRIGGER keep_primary_keys ON sql_drop WHEN TAG IN ('ALTER TABLE')
EXECUTE FUNCTION sys.keep_primary_keys();
