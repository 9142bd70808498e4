CREATE TABLE events (id bigint, at date NOT NULL, kind text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at)

CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')

CREATE TABLE events_rest PARTITION OF events DEFAULT

CREATE INDEX events_kind ON events (kind)

CREATE TABLE loose (id bigint NOT NULL, at date NOT NULL, kind text)

ALTER TABLE events ATTACH PARTITION loose FOR VALUES FROM ('2027-01-01') TO ('2028-01-01')

ALTER TABLE events ADD COLUMN extra integer DEFAULT 1 CHECK (extra > 0)

ALTER TABLE events ALTER COLUMN kind TYPE varchar(50)

CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END'

CREATE TRIGGER touched BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION touch()

ALTER TABLE events_2025 DISABLE TRIGGER touched

ALTER FUNCTION touch() RENAME TO touch_row

ALTER TABLE events RENAME TO happenings

ALTER TABLE happenings DETACH PARTITION loose

ALTER TABLE events_2025 RENAME TO happenings_2025

ALTER INDEX events_kind RENAME TO happenings_kind

ALTER INDEX events_pkey RENAME TO happenings_pkey

CREATE TABLE by_list (a integer, b text) PARTITION BY LIST (b)

CREATE TABLE by_list_sub PARTITION OF by_list FOR VALUES IN ('x', 'y') PARTITION BY HASH (a)

CREATE TABLE by_list_sub_0 PARTITION OF by_list_sub FOR VALUES WITH (MODULUS 2, REMAINDER 0)

ALTER TABLE by_list ADD COLUMN c integer

CREATE INDEX ON ONLY by_list (a)

CREATE INDEX sub_a ON ONLY by_list_sub (a)

ALTER INDEX by_list_a_idx ATTACH PARTITION sub_a

CREATE TABLE refers (a integer, b date, FOREIGN KEY (a, b) REFERENCES happenings (id, at))

DROP TABLE refers

DROP TABLE events_rest

ALTER TABLE happenings DETACH PARTITION happenings_2025 CONCURRENTLY

DROP TABLE happenings_2025

DROP INDEX happenings_kind

ALTER TABLE by_list DETACH PARTITION by_list_sub

DROP TABLE happenings CASCADE

DROP TABLE by_list
