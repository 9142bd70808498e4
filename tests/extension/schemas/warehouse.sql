-- An analytics warehouse: facts and dimensions, materialized views, aggregates, ranges, foreign tables.
-- Role: warehouse_loader.

CREATE SCHEMA dim;
CREATE SCHEMA fact;
CREATE SCHEMA mart;
CREATE SCHEMA staging;
CREATE SCHEMA "lib.math";
COMMENT ON SCHEMA mart IS 'What reports read';

CREATE COLLATION dim.byte_order (provider = libc, locale = 'POSIX');
CREATE COLLATION dim.words FROM "C";
COMMENT ON COLLATION dim.byte_order IS 'Keys, not words';
CREATE TYPE dim.grain AS ENUM ('day', 'week', 'month', 'quarter', 'year');
CREATE TYPE fact.float_range AS RANGE (subtype = float8, subtype_diff = float8mi, multirange_type_name = fact.float_ranges);
CREATE TYPE fact.text_range AS RANGE (subtype = text, collation = "C");
CREATE TYPE "lib.math".running AS (n bigint, mean double precision, m2 double precision);
CREATE DOMAIN dim.key AS integer CONSTRAINT "key > 0" CHECK (VALUE > 0);
CREATE DOMAIN dim.iso_country AS char(2) COLLATE dim.byte_order CHECK (VALUE ~ '^[A-Z]{2}$');
COMMENT ON TYPE fact.float_range IS 'Measured from, to';

-- Mathematics
CREATE FUNCTION "lib.math".running_step(state "lib.math".running, x double precision) RETURNS "lib.math".running
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT ROW(state.n + 1, state.mean + (x - state.mean) / (state.n + 1),
               state.m2 + (x - state.mean) * (x - state.mean - (x - state.mean) / (state.n + 1)))::"lib.math".running $$;
CREATE FUNCTION "lib.math".running_end(state "lib.math".running) RETURNS double precision
    LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN CASE WHEN (state).n > 1 THEN (state).m2 / ((state).n - 1) END;
CREATE FUNCTION "lib.math".running_join(a "lib.math".running, b "lib.math".running) RETURNS "lib.math".running
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT CASE WHEN (a).n >= (b).n THEN a ELSE b END $$;
CREATE AGGREGATE "lib.math".spread (double precision) (
    SFUNC = "lib.math".running_step, STYPE = "lib.math".running, INITCOND = '(0,0,0)',
    FINALFUNC = "lib.math".running_end, COMBINEFUNC = "lib.math".running_join, PARALLEL = SAFE);
CREATE FUNCTION "lib.math".longer(a text, b text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN CASE WHEN length(a) >= length(b) THEN a ELSE b END;
CREATE AGGREGATE "lib.math".longest (text) (SFUNC = "lib.math".longer, STYPE = text, COMBINEFUNC = "lib.math".longer);
CREATE AGGREGATE "lib.math".percentile (double precision ORDER BY double precision) (
    SFUNC = ordered_set_transition, STYPE = internal, FINALFUNC = percentile_cont_float8_final);
COMMENT ON AGGREGATE "lib.math".spread(double precision) IS 'Sample variance, Welford''s way';
CREATE FUNCTION "lib.math".bucket(x numeric, width numeric DEFAULT 10) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT
    PARALLEL SAFE COST 1 RETURN floor(x / width) * width;
CREATE FUNCTION dim.period_start(d date, g dim.grain) RETURNS date IMMUTABLE LANGUAGE plpgsql AS
    $$ BEGIN RETURN date_trunc(g::text, d)::date; END $$;

-- Dimensions
CREATE TABLE dim.day (
    day date PRIMARY KEY, year integer GENERATED ALWAYS AS (extract(year FROM day)::integer) STORED,
    month integer GENERATED ALWAYS AS (extract(month FROM day)::integer) STORED,
    is_weekend boolean GENERATED ALWAYS AS (extract(isodow FROM day) >= 6) STORED, holiday text
);
CREATE TABLE dim.base (
    id dim.key NOT NULL, valid tstzrange NOT NULL DEFAULT tstzrange(now(), NULL), source text DEFAULT 'unknown',
    CHECK (NOT isempty(valid))
);
CREATE TABLE dim.customer (name text COLLATE dim.words, country dim.iso_country, segment smallint,
    PRIMARY KEY (id, valid)) INHERITS (dim.base);
CREATE TABLE dim.product (name text, family text, list_price numeric(12, 4), PRIMARY KEY (id)) INHERITS (dim.base);
CREATE TABLE dim.bundle (parts integer[] NOT NULL) INHERITS (dim.product);
ALTER TABLE dim.bundle ALTER COLUMN source SET DEFAULT 'bundler';
ALTER TABLE dim.bundle ADD CHECK (cardinality(parts) > 1) NO INHERIT;
CREATE TABLE dim.store (id dim.key PRIMARY KEY, name text NOT NULL, at point, opened date REFERENCES dim.day,
    hours fact.float_ranges, EXCLUDE USING gist (at WITH ~=));
CREATE TABLE dim.currency (code char(3) PRIMARY KEY, digits smallint NOT NULL DEFAULT 2, symbol text);
CREATE TABLE dim.rate (currency char(3) REFERENCES dim.currency, on_day date REFERENCES dim.day,
    rate numeric NOT NULL CHECK (rate > 0), PRIMARY KEY (currency, on_day));

-- Facts
CREATE TABLE fact.sale (
    day date NOT NULL REFERENCES dim.day, store_id dim.key NOT NULL REFERENCES dim.store,
    product_id integer NOT NULL, quantity numeric(9, 2) NOT NULL, amount numeric(14, 2) NOT NULL,
    unit_price numeric GENERATED ALWAYS AS (amount / nullif(quantity, 0)) STORED
) PARTITION BY RANGE (day);
CREATE TABLE fact.sale_2025 PARTITION OF fact.sale FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')
    WITH (autovacuum_enabled = false);
CREATE TABLE fact.sale_2026_1 PARTITION OF fact.sale FOR VALUES FROM ('2026-01-01') TO ('2026-07-01');
CREATE TABLE fact.sale_2026_2 PARTITION OF fact.sale FOR VALUES FROM ('2026-07-01') TO ('2027-01-01');
CREATE INDEX sale_day ON fact.sale USING brin (day) WITH (pages_per_range = 64);
CREATE INDEX sale_store ON fact.sale (store_id, day) INCLUDE (amount);
CREATE INDEX sale_bucket ON fact.sale ("lib.math".bucket(amount));
CREATE INDEX sale_2025_returns ON fact.sale_2025 (day) WHERE quantity < 0;
CREATE TABLE fact.stock (product_id integer, store_id integer, level numeric, counted tstzrange,
    measured fact.float_range, note text COMPRESSION pglz);
CREATE INDEX stock_measured ON fact.stock USING gist (measured);
CREATE INDEX stock_note ON fact.stock (note COLLATE "C" text_pattern_ops, level DESC NULLS LAST);
CREATE TABLE fact.visit (at timestamptz, store_id integer, n integer, shelf fact.text_range) WITH (fillfactor = 100);
CREATE INDEX visit_hour ON fact.visit ((date_trunc('hour', at AT TIME ZONE 'UTC')), store_id);
CREATE STATISTICS fact.visit_hours ON (date_trunc('hour', at AT TIME ZONE 'UTC')), store_id FROM fact.visit;
CREATE STATISTICS fact.stock_pairs (ndistinct, mcv) ON product_id, store_id FROM fact.stock;
ALTER STATISTICS fact.stock_pairs SET STATISTICS 700;
ALTER INDEX fact.visit_hour ALTER COLUMN 1 SET STATISTICS 900;
CREATE SEQUENCE fact.load_number AS integer MINVALUE -5 START WITH -5 CACHE 3;
CREATE TABLE fact.load_log (number integer DEFAULT nextval('fact.load_number') PRIMARY KEY, at timestamptz, lines bigint);
ALTER SEQUENCE fact.load_number OWNED BY fact.load_log.number;

-- Foreign data, without anybody to answer
CREATE FOREIGN DATA WRAPPER lake;
CREATE SERVER lakehouse TYPE 'parquet' VERSION '2' FOREIGN DATA WRAPPER lake;
COMMENT ON SERVER lakehouse IS 'Files by day';
CREATE FOREIGN TABLE staging.raw_sale (line text NOT NULL, day date, amount numeric CHECK (amount >= 0)) SERVER lakehouse;
CREATE FOREIGN TABLE staging.raw_visit (at timestamptz, store integer DEFAULT 1) SERVER lakehouse;
COMMENT ON FOREIGN TABLE staging.raw_sale IS 'As it came';
CREATE UNLOGGED TABLE staging.buffer (id bigint GENERATED ALWAYS AS IDENTITY (CACHE 100), line text, error text);
ALTER TABLE staging.buffer ALTER COLUMN line SET (n_distinct = -1);
CREATE TABLE staging.rejected (LIKE staging.buffer INCLUDING ALL);

-- Functions over it all
CREATE FUNCTION mart.revenue(from_day date, to_day date) RETURNS numeric LANGUAGE sql STABLE PARALLEL SAFE
    BEGIN ATOMIC
        SELECT coalesce(sum(s.amount), 0) FROM fact.sale s WHERE s.day >= from_day AND s.day < to_day;
    END;
CREATE FUNCTION mart.growth(g dim.grain DEFAULT 'month') RETURNS TABLE (period date, revenue numeric, change numeric)
    STABLE LANGUAGE plpgsql SET work_mem = '64MB' SET timezone = 'UTC' AS $q$
BEGIN
    RETURN QUERY SELECT p.start, p.total, p.total - lag(p.total) OVER (ORDER BY p.start)
    FROM (SELECT dim.period_start(s.day, g) AS start, sum(s.amount) AS total FROM fact.sale s GROUP BY 1) p;
END $q$;
CREATE FUNCTION staging.take() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE PROCEDURE staging.load(INOUT lines bigint DEFAULT 0) LANGUAGE plpgsql AS
    $$ BEGIN SELECT count(*) INTO lines FROM staging.buffer; END $$;
CREATE PROCEDURE staging.clear() BEGIN ATOMIC DELETE FROM staging.buffer; DELETE FROM staging.rejected; END;

-- Views, rules and triggers on them
CREATE VIEW mart.sale AS
    SELECT s.*, d.year, d.month, st.name AS store FROM fact.sale s JOIN dim.day d USING (day)
    JOIN dim.store st ON st.id = s.store_id::integer;
CREATE VIEW mart.by_store AS SELECT v.store, v.year, sum(v.amount) AS amount, "lib.math".spread(v.amount::double precision) AS spread
    FROM mart.sale v GROUP BY GROUPING SETS ((v.store, v.year), (v.store), ());
CREATE VIEW mart.current_customer AS
    SELECT DISTINCT ON (c.id) c.id, c.name, c.country FROM dim.customer c WHERE c.valid @> now() ORDER BY c.id, c.valid DESC;
CREATE VIEW mart.everything_priced AS
    SELECT id, name, 'product' AS kind FROM ONLY dim.product UNION ALL SELECT id, name, 'bundle' FROM dim.bundle;
CREATE VIEW staging.inbox AS SELECT line FROM staging.buffer WHERE error IS NULL;
CREATE RULE put AS ON INSERT TO staging.inbox DO INSTEAD INSERT INTO staging.buffer (line) VALUES (new.line);
CREATE RULE no_update AS ON UPDATE TO staging.inbox DO INSTEAD NOTHING;
CREATE RULE keep_rejected AS ON DELETE TO staging.rejected WHERE (old.error IS NOT NULL) DO INSTEAD NOTHING;
ALTER TABLE staging.rejected DISABLE RULE keep_rejected;
COMMENT ON RULE put ON staging.inbox IS 'Lines go to the buffer';
CREATE VIEW staging.outbox AS SELECT number, lines FROM fact.load_log;
CREATE TRIGGER taken INSTEAD OF INSERT OR DELETE ON staging.outbox FOR EACH ROW EXECUTE FUNCTION staging.take();
CREATE TRIGGER nothing_truncated BEFORE TRUNCATE ON fact.load_log FOR EACH STATEMENT EXECUTE FUNCTION staging.take('no');
ALTER TABLE fact.load_log ENABLE ALWAYS TRIGGER nothing_truncated;

-- Materialized views, one on the other
CREATE MATERIALIZED VIEW mart.daily AS
    SELECT s.day, s.store_id::integer AS store_id, sum(s.amount) AS amount, count(*) AS n
    FROM fact.sale s GROUP BY 1, 2;
CREATE UNIQUE INDEX daily_key ON mart.daily (day, store_id);
CREATE INDEX daily_big ON mart.daily (amount DESC) WHERE amount > 1000;
ALTER MATERIALIZED VIEW mart.daily CLUSTER ON daily_key;
CREATE MATERIALIZED VIEW mart.monthly WITH (fillfactor = 90) AS
    SELECT dim.period_start(d.day, 'month') AS month, sum(d.amount) AS amount, "lib.math".longest(s.name) AS longest_name
    FROM mart.daily d JOIN dim.store s ON s.id::integer = d.store_id GROUP BY 1 WITH NO DATA;
CREATE INDEX monthly_month ON mart.monthly (month);
CREATE VIEW mart.best_month AS SELECT m.month FROM mart.monthly m ORDER BY m.amount DESC LIMIT 1;
CREATE MATERIALIZED VIEW mart.ranked AS
    SELECT b.store, b.year, rank() OVER w AS place, b.amount - lead(b.amount, 1, 0.0) OVER w AS ahead
    FROM mart.by_store b WHERE b.year IS NOT NULL WINDOW w AS (PARTITION BY b.year ORDER BY b.amount DESC);
COMMENT ON MATERIALIZED VIEW mart.daily IS 'Refreshed at night';
COMMENT ON COLUMN mart.daily.n IS 'Sales, not pieces';
COMMENT ON STATISTICS fact.stock_pairs IS 'They go together';

GRANT USAGE ON SCHEMA staging, fact TO warehouse_loader;
GRANT INSERT, DELETE ON ALL TABLES IN SCHEMA staging TO warehouse_loader;
GRANT USAGE ON FOREIGN DATA WRAPPER lake TO warehouse_loader;
GRANT USAGE ON FOREIGN SERVER lakehouse TO warehouse_loader WITH GRANT OPTION;
GRANT TRUNCATE, INSERT ON fact.sale TO warehouse_loader;
GRANT SELECT ON mart.daily, mart.monthly TO PUBLIC;
ALTER TABLE staging.buffer OWNER TO warehouse_loader;
ALTER MATERIALIZED VIEW mart.ranked OWNER TO warehouse_loader;
ALTER AGGREGATE "lib.math".longest(text) OWNER TO warehouse_loader;
ALTER DEFAULT PRIVILEGES IN SCHEMA mart GRANT SELECT ON TABLES TO PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO warehouse_loader;
