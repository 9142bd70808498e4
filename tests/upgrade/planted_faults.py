"""What an update script may leave otherwise than the install script: each fault with where both oracles must find it.

Those of the extension stand on names that never change. What it has none of (a domain, an operator …) is made first,
by ALSO, in both databases.
"""

from dataclasses import dataclass

ALSO = """
    CREATE SCHEMA also;
    CREATE DOMAIN also.positive AS integer CHECK (VALUE > 0);
    CREATE TYPE also.mood AS ENUM ('good', 'bad');
    CREATE TYPE also.span AS RANGE (subtype = integer);
    CREATE TYPE also.pair AS (one integer, two integer);
    CREATE FUNCTION also.same(a also.pair, b also.pair) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
    CREATE FUNCTION also.as_text(a also.pair) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT ''pair''';
    CREATE FUNCTION also.modern(a integer) RETURNS integer LANGUAGE sql BEGIN ATOMIC SELECT a + 1; END;
    CREATE PROCEDURE also.run(a integer DEFAULT 1) LANGUAGE plpgsql AS 'BEGIN END';
    CREATE OPERATOR also.=== (
        LEFTARG = also.pair, RIGHTARG = also.pair, FUNCTION = also.same, COMMUTATOR = OPERATOR(also.===));
    CREATE OPERATOR CLASS also.pair_ops FOR TYPE also.pair USING hash AS OPERATOR 1 also.===;
    CREATE CAST (also.pair AS text) WITH FUNCTION also.as_text(also.pair);
    CREATE AGGREGATE also.total(integer) (SFUNC = int4pl, STYPE = integer, INITCOND = '0');
    CREATE TABLE also.t (id integer GENERATED ALWAYS AS IDENTITY (CACHE 5), a text, b text, c integer DEFAULT 3,
        d integer GENERATED ALWAYS AS (c + 1) STORED, e also.positive NOT NULL, f text,
        CONSTRAINT t_c CHECK (c > 0));
    CREATE TABLE also.referenced (id integer PRIMARY KEY);
    ALTER TABLE also.t ADD CONSTRAINT t_fk FOREIGN KEY (c) REFERENCES also.referenced;
    CREATE UNLOGGED TABLE also.fleeting (a integer);
    CREATE TABLE also.parts (a integer) PARTITION BY RANGE (a);
    CREATE TABLE also.part PARTITION OF also.parts FOR VALUES FROM (1) TO (10);
    CREATE INDEX t_a ON also.t (a) WHERE b IS NOT NULL;
    CREATE STATISTICS also.t_stat ON a, b FROM also.t;
    CREATE RULE silent AS ON UPDATE TO also.t DO INSTEAD NOTHING;
    CREATE POLICY careful ON also.t USING (c > 1);
    CREATE MATERIALIZED VIEW also.kept AS SELECT 1 AS one;
    CREATE VIEW also.seen AS SELECT t.a, t.b FROM also.t;
    CREATE COLLATION also.plain (provider = libc, locale = 'C');
    CREATE TEXT SEARCH CONFIGURATION also.words (COPY = pg_catalog.simple);
    CREATE FOREIGN DATA WRAPPER nowhere;
    CREATE SERVER far FOREIGN DATA WRAPPER nowhere OPTIONS (host 'x');
    CREATE FOREIGN TABLE also.far_away (a integer) SERVER far;
    CREATE PUBLICATION news FOR TABLE also.t;
    CREATE FUNCTION also.on_event() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
    CREATE EVENT TRIGGER heard ON ddl_command_end WHEN TAG IN ('CREATE DOMAIN') EXECUTE FUNCTION also.on_event();
"""

PLACE = "array_position(extconfig, 'pggit.{}'::regclass::oid)"
BLIND = ""
"""Where pg_dump finds it: nowhere."""


@dataclass(frozen=True)
class Fault:
    """A statement, the fact that the comparer must name ("kind identity: attribute"), and the entry of the dump."""

    statement: str
    fact: str
    dumped: str = BLIND


FAULTS = (
    # functions
    Fault("ALTER FUNCTION pggit.version() COST 7", "function pggit.version(): procost", "FUNCTION pggit.version()"),
    Fault(
        "ALTER FUNCTION pggit.init() SET work_mem = '1MB'", "function pggit.init(): proconfig", "FUNCTION pggit.init()"
    ),
    Fault(
        "ALTER FUNCTION pggit.enable() SECURITY DEFINER",
        "function pggit.enable(): prosecdef",
        "FUNCTION pggit.enable()",
    ),
    Fault("ALTER FUNCTION pggit.disable() STRICT", "function pggit.disable(): proisstrict", "FUNCTION pggit.disable()"),
    Fault("ALTER FUNCTION pggit.pause() STABLE", "function pggit.pause(): provolatile", "FUNCTION pggit.pause()"),
    Fault(
        "ALTER FUNCTION pggit.resume() PARALLEL SAFE", "function pggit.resume(): proparallel", "FUNCTION pggit.resume()"
    ),
    Fault(
        "ALTER FUNCTION pggit.seal() OWNER TO pg_monitor", "function pggit.seal(): proowner", "FUNCTION pggit.seal()"
    ),
    Fault(
        "UPDATE pg_proc SET prosrc = prosrc || ' ' WHERE oid = 'pggit.uninstall()'::regprocedure",
        "function pggit.uninstall(): prosrc",
        "FUNCTION pggit.uninstall()",
    ),
    Fault(
        "GRANT EXECUTE ON FUNCTION pggit.abort_merge() TO PUBLIC",
        "function pggit.abort_merge(): proacl",
        "ACL pggit.FUNCTION abort_merge()",
    ),
    Fault(
        "COMMENT ON FUNCTION pggit.status() IS 'x'",
        "function pggit.status(): comment",
        "COMMENT pggit.FUNCTION status()",
    ),
    Fault(
        "CREATE FUNCTION pggit.more() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "function pggit.more(): exists",
        "FUNCTION pggit.more()",
    ),
    Fault(
        "CREATE OR REPLACE FUNCTION also.modern(a integer) RETURNS integer LANGUAGE sql BEGIN ATOMIC SELECT a + 2; END",
        "function also.modern(integer): body",
        "FUNCTION also.modern(integer)",
    ),
    Fault(
        "CREATE OR REPLACE PROCEDURE also.run(a integer DEFAULT 2) LANGUAGE plpgsql AS 'BEGIN END'",
        "procedure also.run(integer): arguments",
        "PROCEDURE also.run(integer)",
    ),
    Fault(
        "DROP AGGREGATE also.total(integer);"
        " CREATE AGGREGATE also.total(integer) (SFUNC = int4pl, STYPE = integer, INITCOND = '1')",
        "aggregate also.total(integer): agginitval",
        "AGGREGATE also.total(integer)",
    ),
    # tables and columns
    Fault(
        "ALTER TABLE pggit.history ADD COLUMN more integer",
        "table column pggit.history.more: exists",
        "TABLE pggit.history",
    ),
    Fault(
        "ALTER TABLE pggit.branches ALTER COLUMN head SET DEFAULT 'x'",
        "table column pggit.branches.head: default",
        "TABLE pggit.branches",
    ),
    Fault(
        "ALTER TABLE pggit.branches ALTER COLUMN created_by DROP NOT NULL",
        "table column pggit.branches.created_by: attnotnull",
        "TABLE pggit.branches",
    ),
    Fault(
        "COMMENT ON COLUMN pggit.tags.name IS 'x'",
        "table column pggit.tags.name: comment",
        "COMMENT pggit.COLUMN tags.name",
    ),
    Fault("COMMENT ON TABLE pggit.tags IS NULL", "table pggit.tags: comment", "COMMENT pggit.TABLE tags"),
    Fault("ALTER TABLE pggit.history SET (fillfactor = 50)", "table pggit.history: reloptions", "TABLE pggit.history"),
    Fault("ALTER TABLE also.t SET (toast.autovacuum_enabled = off)", "table also.t: toast options", "TABLE also.t"),
    Fault("ALTER TABLE pggit.tags REPLICA IDENTITY FULL", "table pggit.tags: relreplident", "TABLE pggit.tags"),
    Fault(
        "ALTER TABLE pggit.tags ENABLE ROW LEVEL SECURITY",
        "table pggit.tags: relrowsecurity",
        "ROW SECURITY pggit.tags",
    ),
    Fault("ALTER TABLE pggit.reflog OWNER TO pg_monitor", "table pggit.reflog: relowner", "TABLE pggit.reflog"),
    Fault("GRANT SELECT ON pggit.tags TO PUBLIC", "table pggit.tags: relacl", "ACL pggit.TABLE tags"),
    Fault(
        "GRANT SELECT (name) ON pggit.branches TO pg_monitor",
        "table column pggit.branches.name: attacl",
        "ACL pggit.COLUMN branches.name",
    ),
    Fault("ALTER TABLE also.fleeting SET LOGGED", "table also.fleeting: relpersistence", "TABLE also.fleeting"),
    Fault("ALTER TABLE also.t ALTER COLUMN a SET STORAGE MAIN", "table column also.t.a: attstorage", "TABLE also.t"),
    Fault(
        "ALTER TABLE also.t ALTER COLUMN b SET COMPRESSION pglz",
        "table column also.t.b: attcompression",
        "TABLE also.t",
    ),
    Fault("ALTER TABLE also.t ALTER COLUMN b SET STATISTICS 7", "table column also.t.b: attstattarget", "TABLE also.t"),
    Fault(
        "ALTER TABLE also.t ALTER COLUMN b SET (n_distinct = 5)", "table column also.t.b: attoptions", "TABLE also.t"
    ),
    Fault(
        'ALTER TABLE also.t ALTER COLUMN f TYPE text COLLATE "C"', "table column also.t.f: attcollation", "TABLE also.t"
    ),
    Fault(
        "ALTER TABLE also.t ALTER COLUMN id SET GENERATED BY DEFAULT",
        "table column also.t.id: attidentity",
        "SEQUENCE also.t_id_seq",
    ),
    Fault("ALTER TABLE also.t ALTER COLUMN d DROP EXPRESSION", "table column also.t.d: attgenerated", "TABLE also.t"),
    Fault("ALTER TABLE also.parts DETACH PARTITION also.part", "table also.part: inherits", "TABLE ATTACH also.part"),
    Fault("ALTER TABLE also.t DISABLE TRIGGER ALL", "table constraint t_fk on also.t: inner triggers", BLIND),
    # constraints, indexes, triggers, rules, policies, statistics
    Fault(
        "ALTER TABLE pggit.history ADD CONSTRAINT more CHECK (id > 0)",
        "table constraint more on pggit.history: exists",
        "TABLE pggit.history",
    ),
    Fault(
        "ALTER TABLE also.t DROP CONSTRAINT t_c; ALTER TABLE also.t ADD CONSTRAINT t_c CHECK (c > 0) NOT VALID",
        "table constraint t_c on also.t: convalidated",
        "CHECK CONSTRAINT also.t t_c",
    ),
    Fault(
        "ALTER TABLE also.t ALTER CONSTRAINT t_fk DEFERRABLE",
        "table constraint t_fk on also.t: condeferrable",
        "FK CONSTRAINT also.t t_fk",
    ),
    Fault("CREATE INDEX more ON pggit.history (created_at, id)", "index pggit.more: exists", "INDEX pggit.more"),
    Fault("ALTER INDEX also.t_a SET (fillfactor = 60)", "index also.t_a: reloptions", "INDEX also.t_a"),
    Fault(
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'pggit.commits_committed_at'::regclass",
        "index pggit.commits_committed_at: indisvalid",
        "INDEX pggit.commits_committed_at",
    ),
    Fault(
        "ALTER TABLE pggit.history DISABLE TRIGGER append_only",
        "trigger append_only on pggit.history: tgenabled",
        "TRIGGER pggit.history append_only",
    ),
    Fault(
        "DROP TRIGGER append_only ON pggit.commits",
        "trigger append_only on pggit.commits: exists",
        "TRIGGER pggit.commits append_only",
    ),
    Fault("ALTER TABLE also.t DISABLE RULE silent", "rule silent on also.t: ev_enabled", "RULE also.t silent"),
    Fault("ALTER POLICY careful ON also.t USING (c > 2)", "policy careful on also.t: using", "POLICY also.t careful"),
    Fault(
        "ALTER STATISTICS also.t_stat SET STATISTICS 9",
        "statistics object also.t_stat: stxstattarget",
        "STATISTICS also.t_stat",
    ),
    # sequences, views
    Fault(
        "ALTER SEQUENCE pggit.history_id_seq CACHE 7",
        "sequence pggit.history_id_seq: seqcache",
        "SEQUENCE pggit.history_id_seq",
    ),
    Fault(
        "ALTER SEQUENCE pggit.tags_id_seq CYCLE", "sequence pggit.tags_id_seq: seqcycle", "SEQUENCE pggit.tags_id_seq"
    ),
    Fault(
        "CREATE OR REPLACE VIEW also.seen AS SELECT t.a, t.b FROM also.t WHERE true",
        "view also.seen: view",
        "VIEW also.seen",
    ),
    Fault("COMMENT ON COLUMN also.seen.a IS 'x'", "view column also.seen.a: comment", "COMMENT also.COLUMN seen.a"),
    Fault(
        "REFRESH MATERIALIZED VIEW also.kept WITH NO DATA",
        "materialized view also.kept: relispopulated",
        BLIND,
    ),
    # types
    Fault(
        "ALTER TYPE also.pair ADD ATTRIBUTE three integer",
        "composite type column also.pair.three: exists",
        "TYPE also.pair",
    ),
    Fault("ALTER TYPE also.mood ADD VALUE 'better' BEFORE 'bad'", "type also.mood: labels", "TYPE also.mood"),
    Fault("ALTER DOMAIN also.positive SET DEFAULT 5", "type also.positive: typdefault", "DOMAIN also.positive"),
    Fault(
        "ALTER DOMAIN also.positive DROP CONSTRAINT positive_check",
        "domain constraint positive_check on also.positive: exists",
        "DOMAIN also.positive",
    ),
    Fault("REVOKE USAGE ON TYPE also.span FROM PUBLIC", "type also.span: typacl", "ACL also.TYPE span"),
    Fault(
        "DROP CAST (also.pair AS text)", "cast (also.pair AS pg_catalog.text): exists", "CAST CAST (also.pair AS text)"
    ),
    Fault(
        "ALTER OPERATOR also.=== (also.pair, also.pair) SET (RESTRICT = eqsel)",
        "operator also.===(also.pair,also.pair): oprrest",
        "OPERATOR also.===",
    ),
    Fault(
        "ALTER OPERATOR CLASS also.pair_ops USING hash OWNER TO pg_monitor",
        "operator class also.pair_ops USING hash: opcowner",
        "OPERATOR CLASS also.pair_ops",
    ),
    # what is in no schema
    Fault("GRANT USAGE ON SCHEMA pggit TO pg_monitor", "schema pggit: nspacl", "ACL SCHEMA pggit"),
    Fault("ALTER EVENT TRIGGER heard DISABLE", "event trigger heard: evtenabled", "EVENT TRIGGER heard"),
    Fault("ALTER SERVER far OPTIONS (SET host 'y')", "server far: srvoptions", "SERVER far"),
    Fault(
        "ALTER FOREIGN DATA WRAPPER nowhere OPTIONS (ADD debug 'x')",
        "foreign-data wrapper nowhere: fdwoptions",
        "FOREIGN DATA WRAPPER nowhere",
    ),
    Fault(
        "ALTER FOREIGN TABLE also.far_away OPTIONS (ADD x 'y')",
        "foreign table also.far_away: ftoptions",
        "FOREIGN TABLE also.far_away",
    ),
    Fault("ALTER PUBLICATION news SET (publish = 'insert')", "publication news: pubupdate", "PUBLICATION news"),
    Fault(
        "ALTER TEXT SEARCH CONFIGURATION also.words DROP MAPPING FOR word",
        "text search configuration also.words: mappings",
        "TEXT SEARCH CONFIGURATION also.words",
    ),
    Fault(
        "ALTER DEFAULT PRIVILEGES IN SCHEMA pggit GRANT SELECT ON TABLES TO PUBLIC",
        "default acl for role postgres in schema pggit on tables: exists",
        "DEFAULT ACL pggit.DEFAULT PRIVILEGES FOR TABLES",
    ),
    # what pg_dump leaves out
    Fault("COMMENT ON FUNCTION pg_catalog.now() IS 'x'", "catalog pg_proc: comments of initdb"),
    Fault("ALTER FUNCTION pg_catalog.now() COST 7", "catalog pg_proc: rows of initdb"),
    Fault(
        "CREATE TABLE pggit.more_rows (); ALTER EXTENSION pggit ADD TABLE pggit.more_rows",
        "table pggit.more_rows: exists",
        "TABLE pggit.more_rows",
    ),
    Fault("ALTER EXTENSION pggit DROP FUNCTION pggit.rescan()", "function pggit.rescan(): depends on"),
    Fault(
        "ALTER FUNCTION pggit.verify() DEPENDS ON EXTENSION plpgsql",
        "function pggit.verify(): depends on",
        "FUNCTION pggit.verify()",
    ),
    Fault(
        "UPDATE pg_extension SET extconfig = array_remove(extconfig, 'pggit.seals'::regclass::oid),"
        " extcondition = extcondition[2:] WHERE extname = 'pggit'",
        "dumped by pggit pggit.seals: exists",
    ),
    Fault(
        f"UPDATE pg_extension SET extcondition[{PLACE.format('tags')}] = 'WHERE false' WHERE extname = 'pggit'",
        "dumped by pggit pggit.tags: where",
    ),
    Fault(
        f"UPDATE pg_extension SET extconfig[{PLACE.format('upgrade_log')}] = 4711 WHERE extname = 'pggit'",
        "dumped by pggit a relation that is gone: exists",
    ),
    Fault(
        "DELETE FROM pg_init_privs WHERE objoid = 'pggit.version()'::regprocedure",
        "initial privileges function pggit.version(): exists",
    ),
    Fault("UPDATE pg_extension SET extrelocatable = true WHERE extname = 'pggit'", "extension pggit: extrelocatable"),
    Fault("INSERT INTO pggit.settings VALUES ('a', 'b', 'c', now())", "table pggit.settings: rows"),
    Fault("SELECT setval('pggit.commits_id_seq', 9)", "sequence pggit.commits_id_seq: state"),
    Fault("ALTER DATABASE {database} SET work_mem = '1MB'", "settings in the database all roles: exists"),
    Fault("GRANT TEMPORARY ON DATABASE {database} TO pg_monitor", "database : datacl"),
)
"""They are planted all at once, so no two of them are about the same fact."""
