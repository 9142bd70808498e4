-- A service for many tenants: row-level security, partitions, narrow rights. Roles: saas_owner, saas_app, saas_report.

CREATE SCHEMA app AUTHORIZATION saas_owner;
CREATE SCHEMA internal;
CREATE SCHEMA api;
REVOKE ALL ON SCHEMA internal FROM PUBLIC;

ALTER DEFAULT PRIVILEGES FOR ROLE saas_owner IN SCHEMA app GRANT SELECT ON TABLES TO saas_report;
ALTER DEFAULT PRIVILEGES FOR ROLE saas_owner GRANT USAGE ON SEQUENCES TO saas_app;
ALTER DEFAULT PRIVILEGES FOR ROLE saas_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

CREATE TYPE app.plan AS ENUM ('free', 'team', 'enterprise');
CREATE TYPE app.role AS ENUM ('owner', 'admin', 'member', 'guest');
CREATE TYPE app.quota AS (users integer, projects integer, storage_mb bigint);
CREATE TYPE app.usage AS (quota app.quota, used app.quota, at timestamptz);
CREATE TYPE api.page AS (items jsonb, next_cursor text);
CREATE DOMAIN app.slug AS text CHECK (VALUE ~ '^[a-z][a-z0-9-]{1,40}$');
CREATE DOMAIN app.percent AS smallint CHECK (VALUE BETWEEN 0 AND 100);

CREATE FUNCTION app.current_tenant() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('app.tenant', true), '')::uuid;
CREATE FUNCTION app.current_member() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('app.member', true), '')::bigint;

CREATE TABLE app.tenant (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    slug app.slug NOT NULL UNIQUE,
    name text NOT NULL,
    plan app.plan NOT NULL DEFAULT 'free',
    quota app.quota NOT NULL DEFAULT ROW(5, 3, 1024),
    discount app.percent DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    closed_at timestamptz
);
CREATE TABLE app.member (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id uuid NOT NULL DEFAULT app.current_tenant() REFERENCES app.tenant ON DELETE CASCADE,
    email text NOT NULL,
    role app.role NOT NULL DEFAULT 'member',
    password_hash text,
    invited_by bigint REFERENCES app.member,
    UNIQUE (tenant_id, email),
    UNIQUE (id, tenant_id)
);
CREATE TABLE app.project (
    id bigserial PRIMARY KEY,
    tenant_id uuid NOT NULL DEFAULT app.current_tenant() REFERENCES app.tenant,
    title text NOT NULL,
    lead bigint,
    archived boolean NOT NULL DEFAULT false,
    settings jsonb NOT NULL DEFAULT '{"colour": "#%02x"}',
    FOREIGN KEY (lead, tenant_id) REFERENCES app.member (id, tenant_id),
    UNIQUE (tenant_id, id)
);
CREATE TABLE app.document (
    tenant_id uuid NOT NULL, id bigint NOT NULL, project_id bigint NOT NULL, title text, body text,
    words integer GENERATED ALWAYS AS (array_length(regexp_split_to_array(body, '\s+'), 1)) STORED,
    version integer NOT NULL DEFAULT 1, search tsvector,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, project_id) REFERENCES app.project (tenant_id, id)
) PARTITION BY HASH (tenant_id);
CREATE TABLE app.document_0 PARTITION OF app.document FOR VALUES WITH (MODULUS 4, REMAINDER 0);
CREATE TABLE app.document_1 PARTITION OF app.document FOR VALUES WITH (MODULUS 4, REMAINDER 1);
CREATE TABLE app.document_2 PARTITION OF app.document FOR VALUES WITH (MODULUS 4, REMAINDER 2) WITH (fillfactor = 70);
CREATE TABLE app.document_3 (LIKE app.document INCLUDING GENERATED INCLUDING DEFAULTS);
ALTER TABLE app.document ATTACH PARTITION app.document_3 FOR VALUES WITH (MODULUS 4, REMAINDER 3);
CREATE INDEX document_search ON app.document USING gin (search);
CREATE INDEX document_title ON app.document (tenant_id, lower(title)) WHERE title IS NOT NULL;

CREATE TABLE app.event (
    tenant_id uuid NOT NULL, at timestamptz NOT NULL, kind text NOT NULL, member_id bigint, payload jsonb,
    CONSTRAINT has_kind CHECK (kind <> '')
) PARTITION BY RANGE (at);
CREATE TABLE app.event_2025 PARTITION OF app.event FOR VALUES FROM ('2025-01-01+00') TO ('2026-01-01+00');
CREATE TABLE app.event_2026 PARTITION OF app.event FOR VALUES FROM ('2026-01-01+00') TO ('2027-01-01+00')
    PARTITION BY LIST (kind);
CREATE TABLE app.event_2026_login PARTITION OF app.event_2026 FOR VALUES IN ('login', 'logout');
CREATE TABLE app.event_2026_edit PARTITION OF app.event_2026 FOR VALUES IN ('edit', 'delete', 'it''s')
    PARTITION BY HASH (tenant_id);
CREATE TABLE app.event_2026_edit_0 PARTITION OF app.event_2026_edit FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE app.event_2026_edit_1 PARTITION OF app.event_2026_edit FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE app.event_2026_other PARTITION OF app.event_2026 DEFAULT;
CREATE TABLE app.event_rest PARTITION OF app.event DEFAULT;
CREATE INDEX event_at ON app.event (tenant_id, at DESC);
CREATE INDEX event_2025_kind ON app.event_2025 (kind) WHERE payload IS NOT NULL;
ALTER TABLE app.event_2025 ADD CONSTRAINT known_member CHECK (member_id IS NOT NULL) NOT VALID;

CREATE TABLE app.invoice (
    tenant_id uuid NOT NULL REFERENCES app.tenant, region text NOT NULL, number integer NOT NULL,
    month date NOT NULL CHECK (extract(day FROM month) = 1), amount numeric(10, 2) NOT NULL, paid boolean DEFAULT false,
    PRIMARY KEY (region, number)
) PARTITION BY LIST (region);
CREATE TABLE app.invoice_eu PARTITION OF app.invoice FOR VALUES IN ('eu', 'uk');
CREATE TABLE app.invoice_us PARTITION OF app.invoice (amount DEFAULT 0) FOR VALUES IN ('us');
CREATE TABLE app.invoice_item (
    region text NOT NULL, number integer NOT NULL, line smallint NOT NULL, what text NOT NULL, amount numeric(10, 2),
    PRIMARY KEY (region, number, line),
    FOREIGN KEY (region, number) REFERENCES app.invoice ON DELETE CASCADE
);
CREATE TABLE internal.secret (tenant_id uuid PRIMARY KEY REFERENCES app.tenant, key bytea NOT NULL, rotated date);
CREATE TABLE internal.job (
    id integer GENERATED BY DEFAULT AS IDENTITY (MINVALUE 0 START WITH 0 CYCLE MAXVALUE 1000000) PRIMARY KEY,
    run_at timestamptz NOT NULL DEFAULT now(), command text NOT NULL, attempts smallint NOT NULL DEFAULT 0,
    worker name, CHECK (attempts < 10)
) WITH (autovacuum_vacuum_scale_factor = 0.01, toast.autovacuum_enabled = off);
CREATE INDEX job_due ON internal.job (run_at) WHERE worker IS NULL;
CREATE TABLE internal.template OF app.usage (at WITH OPTIONS DEFAULT now() NOT NULL);
CREATE TABLE app.attachment (
    id uuid DEFAULT gen_random_uuid(), tenant_id uuid NOT NULL DEFAULT app.current_tenant(), document_id bigint,
    mime text COLLATE "C" NOT NULL DEFAULT 'application/octet-stream', content bytea, PRIMARY KEY (id)
);
ALTER TABLE app.attachment ALTER COLUMN content SET STORAGE EXTERNAL;
ALTER TABLE app.attachment ADD FOREIGN KEY (tenant_id, document_id) REFERENCES app.document ON DELETE SET NULL (document_id);
CREATE TABLE app.label (tenant_id uuid NOT NULL DEFAULT app.current_tenant(), name text, colour char(7) DEFAULT '#ffffff');
ALTER TABLE app.label ADD PRIMARY KEY (tenant_id, name), ADD CONSTRAINT hex CHECK (colour ~ '^#[0-9a-f]{6}$');
CREATE TABLE app.document_label (
    tenant_id uuid, document_id bigint, label text, PRIMARY KEY (tenant_id, document_id, label),
    FOREIGN KEY (tenant_id, document_id) REFERENCES app.document ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, label) REFERENCES app.label ON UPDATE CASCADE ON DELETE CASCADE
);

-- Functions that work with their owner's rights
CREATE FUNCTION internal.is_member(tenant uuid, at_least app.role DEFAULT 'guest') RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (SELECT FROM app.member m
                   WHERE m.tenant_id = tenant AND m.id = app.current_member() AND m.role <= at_least) $$;
CREATE FUNCTION internal.plan_quota(p app.plan) RETURNS app.quota LANGUAGE sql IMMUTABLE
    RETURN CASE p WHEN 'free' THEN ROW(5, 3, 1024)::app.quota WHEN 'team' THEN ROW(50, 100, 102400)::app.quota
        ELSE ROW(NULL, NULL, NULL)::app.quota END;
CREATE FUNCTION api.list_projects(after bigint DEFAULT 0, max_count integer DEFAULT 20) RETURNS api.page
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    found api.page;
BEGIN
    SELECT jsonb_agg(to_jsonb(p) ORDER BY p.id), max(p.id)::text INTO found.items, found.next_cursor
    FROM (SELECT * FROM app.project WHERE id > after ORDER BY id LIMIT max_count) p;
    RETURN found;
END $$;
CREATE FUNCTION api.sign_up(slug text, email text) RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    tenant uuid;
BEGIN
    INSERT INTO app.tenant (slug, name) VALUES (slug, initcap(slug)) RETURNING id INTO tenant;
    INSERT INTO app.member (tenant_id, email, role) VALUES (tenant, email, 'owner');
    RETURN tenant;
END $$;
CREATE FUNCTION internal.make_searchable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    new.search := to_tsvector('simple', coalesce(new.title, '') || ' ' || coalesce(new.body, ''));
    RETURN new;
END $$;
CREATE FUNCTION internal.count_up() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN new.version := old.version + 1; RETURN new; END';
CREATE PROCEDURE internal.close_tenant(IN tenant uuid) LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS
    $$ BEGIN UPDATE app.tenant SET closed_at = now() WHERE id = tenant; END $$;
CREATE TRIGGER searchable BEFORE INSERT OR UPDATE OF title, body ON app.document FOR EACH ROW
    EXECUTE FUNCTION internal.make_searchable();
CREATE TRIGGER versioned BEFORE UPDATE ON app.document FOR EACH ROW WHEN (old.body IS DISTINCT FROM new.body)
    EXECUTE FUNCTION internal.count_up();
ALTER TABLE app.document_2 DISABLE TRIGGER versioned;

-- Row-level security
ALTER TABLE app.tenant ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.member ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE app.project ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.document ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.attachment ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.label ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON app.tenant TO saas_app USING (id = app.current_tenant());
CREATE POLICY same_tenant ON app.member TO saas_app, saas_report USING (tenant_id = app.current_tenant());
CREATE POLICY not_demoted ON app.member AS RESTRICTIVE FOR UPDATE TO saas_app
    USING (role <> 'owner') WITH CHECK (role IN ('member', 'guest'));
CREATE POLICY same_tenant ON app.project USING (tenant_id = app.current_tenant());
CREATE POLICY only_admins_archive ON app.project AS RESTRICTIVE FOR UPDATE
    USING (NOT archived OR internal.is_member(tenant_id, 'admin'));
CREATE POLICY same_tenant ON app.document FOR ALL TO saas_app USING (tenant_id = app.current_tenant())
    WITH CHECK (tenant_id = app.current_tenant() AND version > 0);
CREATE POLICY read_all ON app.document FOR SELECT TO saas_report USING (true);
CREATE POLICY upload ON app.attachment FOR INSERT TO saas_app WITH CHECK (tenant_id = app.current_tenant());
CREATE POLICY download ON app.attachment FOR SELECT TO saas_app
    USING (EXISTS (SELECT FROM app.document d WHERE d.tenant_id = attachment.tenant_id AND d.id = attachment.document_id));
CREATE POLICY labels ON app.label USING (tenant_id = app.current_tenant());
COMMENT ON POLICY not_demoted ON app.member IS 'An owner is demoted by support alone';

-- Views for the outside
CREATE VIEW api.me WITH (security_barrier) AS
    SELECT m.id, m.email, m.role, t.name AS tenant FROM app.member m JOIN app.tenant t ON t.id = m.tenant_id
    WHERE m.id = app.current_member();
CREATE VIEW api.usage WITH (security_invoker) AS
    SELECT t.id, t.quota, (t.quota).users - (SELECT count(*) FROM app.member m WHERE m.tenant_id = t.id) AS users_left
    FROM app.tenant t;
CREATE VIEW api.recent AS SELECT e.at, e.kind FROM app.event e WHERE e.tenant_id = app.current_tenant()
    AND e.at > now() - interval '30 days';
CREATE VIEW api.logins AS SELECT r.at FROM api.recent r WHERE r.kind = 'login';
CREATE MATERIALIZED VIEW internal.monthly AS
    SELECT date_trunc('month', at AT TIME ZONE 'UTC') AS month, kind, count(*) AS n FROM app.event GROUP BY 1, 2;
CREATE UNIQUE INDEX monthly_key ON internal.monthly (month, kind);
CREATE STATISTICS app.region_and_month ON region, month FROM app.invoice;

-- Owners and rights
ALTER TABLE app.tenant OWNER TO saas_owner;
ALTER TABLE app.member OWNER TO saas_owner;
ALTER TABLE app.document OWNER TO saas_owner;
ALTER TYPE app.plan OWNER TO saas_owner;
ALTER FUNCTION api.sign_up(text, text) OWNER TO saas_owner;
GRANT USAGE ON SCHEMA app, api TO saas_app, saas_report;
GRANT SELECT, INSERT, UPDATE, DELETE ON app.project, app.document, app.label, app.document_label TO saas_app;
GRANT SELECT (id, slug, name, plan), UPDATE (name) ON app.tenant TO saas_app;
GRANT SELECT (id, tenant_id, email, role), INSERT (email, role), UPDATE (role) ON app.member TO saas_app;
GRANT SELECT (region, month, amount) ON app.invoice TO saas_report;
GRANT SELECT ON ALL TABLES IN SCHEMA api TO saas_app WITH GRANT OPTION;
GRANT INSERT ON app.event TO saas_app;
GRANT USAGE ON SEQUENCE app.project_id_seq TO saas_app;
GRANT USAGE ON TYPE app.plan TO saas_app;
REVOKE USAGE ON TYPE app.quota FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION internal.is_member(uuid, app.role) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION internal.is_member(uuid, app.role) TO saas_app;
GRANT EXECUTE ON FUNCTION api.sign_up(text, text) TO saas_app;
COMMENT ON TABLE app.event IS 'By year, this year''s by kind';
COMMENT ON TABLE app.event_2026_edit IS 'Many, so spread';
COMMENT ON COLUMN app.member.password_hash IS 'Never granted to anybody';
