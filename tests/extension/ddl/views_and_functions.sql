CREATE TABLE base (id integer PRIMARY KEY, name text, amount numeric)

CREATE VIEW first AS SELECT id, name FROM base WHERE amount > 1

CREATE OR REPLACE VIEW first AS SELECT id, name, amount FROM base WHERE amount > 2

CREATE VIEW second WITH (security_barrier) AS SELECT f.id, upper(f.name) AS name FROM first f

CREATE MATERIALIZED VIEW kept AS SELECT name, sum(amount) AS total FROM base GROUP BY name

CREATE UNIQUE INDEX kept_name ON kept (name)

REFRESH MATERIALIZED VIEW kept

-- no event
CLUSTER kept USING kept_name

ALTER TABLE base RENAME COLUMN name TO title

ALTER VIEW first RENAME COLUMN name TO heading

ALTER VIEW first RENAME TO primero

ALTER VIEW primero ALTER COLUMN id SET DEFAULT 7

ALTER VIEW second SET (security_barrier = false, check_option = local)

ALTER MATERIALIZED VIEW kept ALTER COLUMN total SET STATISTICS 50

ALTER TABLE base RENAME TO foundation

COMMENT ON VIEW second IS 'on first'

COMMENT ON COLUMN second.name IS 'loud'

CREATE FUNCTION add(a integer, b integer DEFAULT 1) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT a + b'

CREATE OR REPLACE FUNCTION add(a integer, b integer DEFAULT 2) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT a + b'

CREATE FUNCTION add(a text, b text) RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN a || b; END'

CREATE FUNCTION of_row(r foundation) RETURNS text LANGUAGE sql RETURN (r).title

ALTER TABLE foundation RENAME TO ground

CREATE PROCEDURE act(INOUT n integer) LANGUAGE plpgsql AS 'BEGIN n := n + 1; END'

CREATE AGGREGATE total(integer) (SFUNC = int4pl, STYPE = integer, INITCOND = '0', COMBINEFUNC = int4pl, PARALLEL = SAFE)

CREATE VIEW uses_function AS SELECT add(id) AS more FROM ground

CREATE INDEX on_expression ON ground (add(id, 5)) WHERE add(id, 5) > 3

ALTER INDEX on_expression ALTER COLUMN 1 SET STATISTICS 400

ALTER FUNCTION add(integer, integer) RENAME TO plus

ALTER FUNCTION plus(integer, integer) COST 5

ALTER FUNCTION plus(integer, integer) SET work_mem = '1MB'

CREATE SCHEMA tools

ALTER FUNCTION plus(integer, integer) SET SCHEMA tools

COMMENT ON FUNCTION tools.plus(integer, integer) IS 'plus one'

ALTER SCHEMA tools RENAME TO "Tool Box"

CREATE OPERATOR === (LEFTARG = integer, RIGHTARG = integer, FUNCTION = int4eq)

CREATE VIEW uses_operator AS SELECT id === 3 AS three FROM ground

ALTER OPERATOR === (integer, integer) SET SCHEMA "Tool Box"

CREATE FUNCTION log_it() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END'

CREATE TRIGGER logged AFTER INSERT OR UPDATE OF title ON ground FOR EACH ROW WHEN (new.id > 0) EXECUTE FUNCTION log_it('x')

CREATE CONSTRAINT TRIGGER deferred AFTER INSERT ON ground DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION log_it()

ALTER TABLE ground DISABLE TRIGGER logged

ALTER TABLE ground ENABLE ALWAYS TRIGGER logged

ALTER TRIGGER logged ON ground RENAME TO noted

COMMENT ON TRIGGER noted ON ground IS 'notes'

CREATE TRIGGER instead INSTEAD OF INSERT ON second FOR EACH ROW EXECUTE FUNCTION log_it()

CREATE RULE nothing AS ON DELETE TO ground DO INSTEAD NOTHING

ALTER RULE nothing ON ground RENAME TO never

ALTER TABLE ground DISABLE RULE never

CREATE POLICY own ON ground FOR SELECT USING (id > 0)

ALTER POLICY own ON ground RENAME TO mine

ALTER POLICY mine ON ground USING (id > 1)

CREATE STATISTICS together (dependencies) ON id, title FROM ground

ALTER STATISTICS together SET STATISTICS 77

ALTER STATISTICS together RENAME TO jointly

ALTER TABLE ground ALTER COLUMN title SET NOT NULL

ALTER TABLE ground RENAME COLUMN title TO label

CREATE INDEX CONCURRENTLY slowly ON ground (label)

REINDEX INDEX CONCURRENTLY slowly

ALTER INDEX slowly RENAME TO surely

DROP INDEX CONCURRENTLY surely

DROP POLICY mine ON ground

DROP RULE never ON ground

DROP TRIGGER noted ON ground

DROP FUNCTION log_it() CASCADE

DROP VIEW primero CASCADE

DROP AGGREGATE total(integer)

DROP SCHEMA "Tool Box" CASCADE

DROP TABLE ground CASCADE
