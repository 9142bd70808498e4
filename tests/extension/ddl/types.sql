CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy')

CREATE TABLE feels (id integer, m mood DEFAULT 'ok', ms mood[], CHECK (m <> 'sad'))

CREATE VIEW happy AS SELECT id FROM feels WHERE m = 'happy'

CREATE INDEX sad_ones ON feels (id) WHERE m = 'sad'

CREATE FUNCTION judge(m mood) RETURNS boolean LANGUAGE sql AS 'SELECT true'

ALTER TYPE mood ADD VALUE 'glad' AFTER 'ok'

ALTER TYPE mood RENAME VALUE 'happy' TO 'joyful'

ALTER TYPE mood RENAME TO feeling

CREATE SCHEMA kinds

ALTER TYPE feeling SET SCHEMA kinds

COMMENT ON TYPE kinds.feeling IS 'how'

CREATE DOMAIN positive AS integer DEFAULT 1 NOT NULL CHECK (value > 0)

CREATE TABLE counts (n positive, ns positive[])

ALTER TABLE counts DROP COLUMN ns

ALTER DOMAIN positive ADD CONSTRAINT small CHECK (value < 1000) NOT VALID

ALTER DOMAIN positive VALIDATE CONSTRAINT small

ALTER DOMAIN positive RENAME CONSTRAINT small TO little

COMMENT ON CONSTRAINT little ON DOMAIN positive IS 'not much'

ALTER DOMAIN positive DROP NOT NULL

ALTER DOMAIN positive SET DEFAULT 5

ALTER DOMAIN positive DROP CONSTRAINT little

ALTER DOMAIN positive RENAME TO natural_number

CREATE TYPE pair AS (a integer, b text COLLATE "C")

CREATE TABLE pairs (p pair)

CREATE VIEW pair_parts AS SELECT (p).a AS a, (p).b AS b FROM pairs

ALTER TYPE pair RENAME ATTRIBUTE a TO first

COMMENT ON COLUMN pair.first IS 'the first'

ALTER TYPE pair RENAME TO couple

CREATE TYPE span AS RANGE (subtype = float8, subtype_diff = float8mi)

CREATE TABLE spans (s span, m span_multirange)

ALTER TYPE span RENAME TO stretch

CREATE COLLATION swedish (provider = libc, locale = 'POSIX')

CREATE TABLE sorted (t text COLLATE swedish)

ALTER COLLATION swedish RENAME TO svenska

CREATE CAST (couple AS text) WITH INOUT

CREATE TABLE times (t timestamptz DEFAULT '2026-01-01 00:00+00', i interval DEFAULT '1 day 02:00', d date DEFAULT '2026-02-03', f float8 DEFAULT 0.1, b bytea DEFAULT '\x00ff')

DROP TYPE kinds.feeling CASCADE

DROP DOMAIN natural_number CASCADE

DROP COLLATION svenska CASCADE

DROP TYPE couple CASCADE

DROP SCHEMA kinds
