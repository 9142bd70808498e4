"""checkout, reset, revert and restore: HEAD and the schema always say the same."""

import psycopg
import pytest

from tests.extension.conftest import Connect, Connection
from tests.extension.test_commits import one, refused
from tests.extension.test_merge import head, settled, split
from tests.extension.test_tracked_kinds import differences


def tables(db: Connection) -> set[str]:
    return {name for (name,) in db.execute("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace")}


def raised(db: Connection, query: str) -> psycopg.DatabaseError:
    with pytest.raises(psycopg.DatabaseError) as error:
        db.execute(query)
    return error.value


def last_move(db: Connection) -> object:
    return db.execute("SELECT ref, action FROM pggit.reflog ORDER BY id DESC LIMIT 1").fetchone()


@pytest.fixture
def two(db: Connection) -> Connection:
    """Branch main with tables base and ours, which is current, and branch other with base and theirs."""
    split(db, "CREATE TABLE base (id integer)", "CREATE TABLE ours (id integer)", "CREATE TABLE theirs (id integer)")
    return db


def test_there_and_back(two: Connection) -> None:
    rows = two.execute("SELECT action, object_type, object FROM pggit.checkout('other')").fetchall()
    assert {row[1:] for row in rows} == {("TABLE", "public.ours"), ("TABLE", "public.theirs")}
    assert tables(two) == {"base", "theirs"}
    assert one(two, "SELECT pggit.head_name()") == "other"
    assert last_move(two) == ("HEAD", "checkout from main to other")
    assert one(two, "SELECT count(*) FROM pggit.uncommitted") == 0
    settled(two)
    two.execute("SELECT * FROM pggit.checkout('main')")
    assert tables(two) == {"base", "ours"}
    settled(two)
    moves = one(two, "SELECT count(*) FROM pggit.reflog")
    assert two.execute("SELECT * FROM pggit.checkout('main')").fetchall() == []
    assert one(two, "SELECT count(*) FROM pggit.reflog") == moves


def test_uncommitted_changes_are_not_lost_unasked(two: Connection) -> None:
    two.execute("CREATE TABLE a1 (id integer); CREATE TABLE a2 (id integer); CREATE TABLE a3 (id integer)")
    two.execute("ALTER TABLE base ADD COLUMN x text")
    error = raised(two, "SELECT * FROM pggit.checkout('other')")
    assert error.sqlstate == "GT025"
    assert "create TABLE public.a1, create TABLE public.a2, create TABLE public.a3 and 1 more" in str(error)
    assert refused(two, "SELECT * FROM pggit.checkout('other', NULL)") == "GT025"
    assert tables(two) == {"a1", "a2", "a3", "base", "ours"}
    two.execute("SELECT * FROM pggit.checkout('other', force => true)")
    assert tables(two) == {"base", "theirs"}
    settled(two)


def test_uncommitted_changes_go_along_to_a_new_branch(two: Connection) -> None:
    two.execute("CREATE TABLE open (id integer); SELECT pggit.create_branch('new')")
    assert two.execute("SELECT * FROM pggit.checkout('new')").fetchall() == []
    assert one(two, "SELECT pggit.head_name()") == "new"
    assert two.execute("SELECT object FROM pggit.status() WHERE state = 'uncommitted'").fetchall() == [("public.open",)]
    two.execute("SELECT pggit.commit('open'); SELECT * FROM pggit.checkout('main')")
    assert tables(two) == {"base", "ours"}
    two.execute("CREATE TABLE open (id integer)")
    two.execute("SELECT * FROM pggit.checkout('main', force => true)")
    assert tables(two) == {"base", "ours"}
    settled(two)


def test_a_commit_without_a_branch(two: Connection) -> None:
    base = one(two, "SELECT pggit.merge_base('main', 'other')")
    two.execute("SELECT pggit.tag('v1', %s)", [base])
    for ref in (base, base[:9], "v1"):
        two.execute("SELECT * FROM pggit.checkout(%s)", [ref])
        assert (one(two, "SELECT pggit.resolve_ref('HEAD')"), tables(two)) == (base, {"base"})
        settled(two)
    two.execute("CREATE TABLE open (id integer)")
    for call in ("SELECT pggit.commit('x')", "SELECT pggit.commit_index('x')", "SELECT * FROM pggit.reset('main')",
                 "SELECT * FROM pggit.merge('main')", "SELECT * FROM pggit.revert('main')"):  # fmt: skip
        assert refused(two, call) == "GT029", call
    # the hint says how to go on
    two.execute("SELECT pggit.create_branch('name'); SELECT * FROM pggit.checkout('name'); SELECT pggit.commit('x')")
    commit = head(two)
    assert commit is not None
    assert commit[2] == [base]
    settled(two)


@pytest.mark.parametrize(
    ("ref", "hint"),
    [
        ("nowhere", "list_branches"),
        ("LIVE", "the schema as it is"),
        ("2026-01-01 12:00", "create_restore_point('name', '2026-01-01 12:00')"),
        ("here", "restore_to_point('here')"),
    ],
)
def test_what_is_no_commit(two: Connection, ref: str, hint: str) -> None:
    two.execute("SELECT pggit.create_restore_point('here')")
    for call in ("checkout", "reset", "merge", "revert"):
        error = raised(two, f"SELECT * FROM pggit.{call}('{ref}')")
        assert error.sqlstate == "GT004"
        assert hint in (error.diag.message_hint or "")


@pytest.mark.parametrize(
    ("off", "on"),
    [
        ("SELECT pggit.pause()", "SELECT pggit.resume()"),
        ("SELECT pggit.disable()", "SELECT pggit.enable()"),
        ("ALTER EVENT TRIGGER pggit_sql_drop DISABLE", "SELECT pggit.enable()"),
        ("SET session_replication_role = replica", "RESET session_replication_role"),
        ("SET event_triggers = off", "RESET event_triggers"),
    ],
)
def test_the_schema_is_not_changed_unrecorded(two: Connection, off: str, on: str) -> None:
    if "SET event_triggers" in off and two.info.server_version < 170000:
        off, on = "SELECT pggit.pause()", "SELECT pggit.resume()"  # an older server has no such setting
    two.execute("SELECT pggit.create_restore_point('here')")
    two.execute(off)
    for call in ("checkout('other')", "reset('other')", "merge('other')", "revert('HEAD')", "restore_to_point('here')"):
        assert refused(two, f"SELECT * FROM pggit.{call}") == "GT030", call
    two.execute(on)
    two.execute("SELECT * FROM pggit.checkout('other')")
    settled(two)


def test_what_fired_no_event_is_seen_first(two: Connection) -> None:
    two.execute("SET session_replication_role = replica; CREATE TABLE unseen (id integer); DROP TABLE base")
    two.execute("RESET session_replication_role")
    assert refused(two, "SELECT * FROM pggit.checkout('other')") == "GT025"
    two.execute("SELECT * FROM pggit.checkout('other', force => true)")
    assert tables(two) == {"base", "theirs"}
    settled(two)


def test_a_checkout_is_undone_with_its_transaction(two: Connection) -> None:
    with two.transaction(force_rollback=True):
        two.execute("SELECT * FROM pggit.checkout('other')")
        assert tables(two) == {"base", "theirs"}
    assert (one(two, "SELECT pggit.head_name()"), tables(two)) == ("main", {"base", "ours"})
    settled(two)


def test_one_at_a_time(two: Connection, connect: Connect) -> None:
    late = connect()
    late.execute("SET lock_timeout = '50ms'; CREATE TABLE open (id integer)")
    two.execute("DROP TABLE open")
    with two.transaction():
        two.execute("SELECT * FROM pggit.checkout('other')")
        for call in ("SELECT * FROM pggit.checkout('main')", "SELECT pggit.lock_head()"):
            with pytest.raises(psycopg.errors.LockNotAvailable):
                late.execute(call)
        # but others go on changing the schema
        late.execute("CREATE TABLE free (id integer)")
    assert two.execute("SELECT object FROM pggit.status() WHERE state = 'uncommitted'").fetchall() == [("public.free",)]
    late.execute("SELECT pggit.commit('free')")
    assert one(two, "SELECT pggit.resolve_ref('other') = pggit.resolve_ref('HEAD')")
    settled(two)


def test_a_commit_of_another_postgresql(two: Connection) -> None:
    two.execute("""
        INSERT INTO pggit.commits (hash, branch_id, tree, parents, author, message, committed_at, server_version_num)
        SELECT 'feed', branch_id, tree, parents, author, message, committed_at, 90602 FROM pggit.commits
        WHERE hash = pggit.resolve_ref('other')""")
    heard: list[str] = []
    two.add_notice_handler(lambda notice: heard.append(notice.message_primary or ""))
    two.execute("SELECT * FROM pggit.checkout('feed')")
    assert tables(two) == {"base", "theirs"}
    assert [message for message in heard if message.startswith("commit feed was made under PostgreSQL 9")]
    two.execute("SELECT * FROM pggit.checkout('main')")
    assert len(heard) == 1


def test_another_sessions_open_change_is_not_run_over(two: Connection, connect: Connect) -> None:
    busy = connect(autocommit=False)
    busy.execute("ALTER TABLE ours ADD COLUMN x text")
    two.execute("SET lock_timeout = '50ms'")
    with pytest.raises(psycopg.errors.LockNotAvailable):  # it waits as any command would
        two.execute("SELECT * FROM pggit.checkout('other')")
    two.execute("RESET lock_timeout")
    busy.commit()
    assert refused(two, "SELECT * FROM pggit.checkout('other')") == "GT025"
    two.execute("SELECT pggit.commit('x'); SELECT * FROM pggit.checkout('other')")
    settled(two)


# reset ---------------------------------------------------------------------------------------------


def test_reset_moves_the_branch_and_the_schema(two: Connection) -> None:
    base, ours = one(two, "SELECT pggit.merge_base('main', 'other')"), one(two, "SELECT pggit.resolve_ref('main')")
    two.execute("CREATE TABLE open (id integer)")
    two.execute("SELECT * FROM pggit.reset('HEAD')")
    assert (one(two, "SELECT pggit.resolve_ref('main')"), tables(two)) == (ours, {"base", "ours"})
    settled(two)
    two.execute("SELECT * FROM pggit.reset(%s)", [base[:12]])
    assert (one(two, "SELECT pggit.resolve_ref('main')"), tables(two)) == (base, {"base"})
    assert last_move(two) == ("main", "reset")
    settled(two)
    # nothing is gone for good
    two.execute("SELECT * FROM pggit.reset(%s)", [ours])
    assert tables(two) == {"base", "ours"}
    settled(two)


# revert --------------------------------------------------------------------------------------------


def test_revert_undoes_one_commit(two: Connection) -> None:
    two.execute("ALTER TABLE base ADD COLUMN x text; SELECT pggit.commit(E'add x\nfor reasons')")
    added = one(two, "SELECT pggit.resolve_ref('HEAD')")
    two.execute("CREATE TABLE later (id integer); ALTER TABLE base ADD COLUMN y text; SELECT pggit.commit('later')")
    rows = two.execute("SELECT * FROM pggit.revert(%s)", [added[:10]]).fetchall()
    assert rows[-1] == ("commit", "BRANCH", "main", one(two, "SELECT pggit.resolve_ref('HEAD')"))
    assert one(two, "SELECT message FROM pggit.log() LIMIT 1") == f'Revert "add x"\n\nThis reverts commit {added}.'
    columns = two.execute("SELECT attname FROM pg_attribute WHERE attrelid = 'base'::regclass AND attnum > 0"
                          " AND NOT attisdropped ORDER BY 1")  # fmt: skip
    assert columns.fetchall() == [("id",), ("y",)]
    settled(two)
    assert refused(two, f"SELECT * FROM pggit.revert('{added}')") == "GT008"
    # a revert can be reverted
    two.execute("SELECT * FROM pggit.revert('HEAD')")
    assert one(two, "SELECT count(*) FROM pg_attribute WHERE attrelid = 'base'::regclass AND attname = 'x'") == 1
    settled(two)


def test_a_merge_is_reverted_towards_its_first_parent(two: Connection) -> None:
    two.execute("SELECT * FROM pggit.merge('other')")
    assert tables(two) == {"base", "ours", "theirs"}
    two.execute("SELECT * FROM pggit.revert('HEAD')")
    assert tables(two) == {"base", "ours"}
    settled(two)


def test_what_cannot_be_reverted(two: Connection) -> None:
    two.execute("COMMENT ON TABLE base IS 'one'; SELECT pggit.commit('one')")
    early = one(two, "SELECT pggit.resolve_ref('HEAD')")
    two.execute("COMMENT ON TABLE base IS 'two'; SELECT pggit.commit('two')")
    before = head(two)
    error = raised(two, f"SELECT * FROM pggit.revert('{early}')")
    assert error.sqlstate == "GT033"
    assert "TABLE public.base" in str(error)
    first = one(two, "SELECT hash FROM pggit.commits ORDER BY id LIMIT 1")
    assert refused(two, f"SELECT * FROM pggit.revert('{first}')") == "GT033"
    two.execute("CREATE TABLE open (id integer)")
    assert refused(two, "SELECT * FROM pggit.revert('HEAD')") == "GT025"
    two.execute("DROP TABLE open")
    assert head(two) == before
    settled(two)


# restore -------------------------------------------------------------------------------------------


def test_a_restore_point_comes_back_as_a_commit(two: Connection) -> None:
    two.execute("CREATE TABLE open (id integer); SELECT pggit.create_restore_point('before_disaster')")
    ours = one(two, "SELECT pggit.resolve_ref('main')")
    two.execute("DROP TABLE open, base; CREATE TABLE disaster (id integer)")
    rows = two.execute("SELECT * FROM pggit.restore_to_point('before_disaster')").fetchall()
    assert rows[-1] == ("commit", "BRANCH", "main", one(two, "SELECT pggit.resolve_ref('HEAD')"))
    assert tables(two) == {"base", "ours", "open"}
    commit = head(two)
    assert commit is not None
    assert commit[2] == [ours]
    assert one(two, "SELECT message FROM pggit.log() LIMIT 1") == "Restore to before_disaster"
    settled(two)
    assert two.execute("SELECT * FROM pggit.restore_to_point('before_disaster')").fetchall() == []
    assert head(two) == commit
    assert refused(two, "SELECT * FROM pggit.restore_to_point('nowhere')") == "GT004"
    assert refused(two, "SELECT * FROM pggit.restore_to_point(NULL)") == "GT004"


def test_a_restore_point_of_a_moment_between_commits(two: Connection) -> None:
    two.execute("CREATE TABLE brief (id integer)")
    moment = one(two, "SELECT clock_timestamp()")
    two.execute("DROP TABLE brief; CREATE TABLE long (id integer); SELECT pggit.commit('long')")
    two.execute("SELECT pggit.create_restore_point('then', %s)", [moment])
    two.execute("SELECT * FROM pggit.restore_to_point('then')")
    assert tables(two) == {"base", "ours", "brief"}
    settled(two)


def test_an_ordinary_role_reverts_and_restores(db: Connection, connect: Connect) -> None:
    olga = connect("olga")
    db.execute("ALTER SCHEMA public OWNER TO olga; SELECT pggit.grant_access('olga', 'admin'), pggit.commit('hers')")
    olga.execute("CREATE TABLE kept (id integer); CREATE VIEW seen AS SELECT id FROM kept; SELECT pggit.commit('kept')")
    olga.execute("SELECT pggit.create_restore_point('good')")
    olga.execute("CREATE TABLE more (id integer); SELECT pggit.commit('more')")
    olga.execute("SELECT * FROM pggit.revert('HEAD')")
    assert tables(db) == {"kept", "seen"}
    olga.execute("ALTER TABLE kept RENAME TO lost; DROP VIEW seen")
    olga.execute("SELECT * FROM pggit.restore_to_point('good')")
    assert tables(db) == {"kept", "seen"}
    assert one(db, "SELECT array_agg(DISTINCT author) FROM pggit.commits WHERE id > 2") == ["olga"]
    settled(db)


def test_a_member_of_two_roles_grants_in_the_owners_name(db: Connection, connect: Connect) -> None:
    """PostgreSQL takes either of them for the grantor, and then a REVOKE would do nothing."""
    olga = connect("olga")
    for role in ("granting", "owner_of_t", "reading"):
        connect(role)
        db.execute(f"GRANT {role} TO olga")
    db.execute("ALTER SCHEMA public OWNER TO olga; GRANT ALL ON SCHEMA public TO owner_of_t")
    db.execute("SELECT pggit.grant_access('olga', 'admin'), pggit.commit('hers')")
    olga.execute("CREATE TABLE t (id integer, v text); GRANT SELECT (v) ON t TO reading")
    olga.execute("GRANT ALL ON t TO granting WITH GRANT OPTION; ALTER TABLE t OWNER TO owner_of_t")
    olga.execute("SELECT pggit.commit('granting'), pggit.tag('granting')")
    olga.execute("SET ROLE owner_of_t; GRANT SELECT ON t TO reading, PUBLIC; RESET ROLE")
    olga.execute("SELECT pggit.commit('all'), pggit.tag('all')")
    olga.execute("SET ROLE owner_of_t; REVOKE ALL ON t FROM reading, granting, PUBLIC; RESET ROLE")
    olga.execute("SELECT pggit.commit('none'), pggit.tag('none')")
    for ref in ("all", "granting", "none", "granting", "all", "none", "all"):
        olga.execute("SELECT * FROM pggit.checkout(%s)", [ref])
        settled(db)
    # the other role may have it from the default privileges that the table is made with
    db.execute("ALTER DEFAULT PRIVILEGES FOR ROLE olga GRANT ALL ON TABLES TO granting WITH GRANT OPTION")
    olga.execute("SELECT pggit.create_branch('later'); SELECT * FROM pggit.checkout('later')")
    olga.execute("SELECT pggit.commit('default'); DROP TABLE t; SELECT pggit.commit('zero'), pggit.tag('zero')")
    olga.execute(
        "CREATE TABLE t (id integer, v text); REVOKE ALL ON t FROM granting; ALTER TABLE t OWNER TO owner_of_t"
    )
    olga.execute("SELECT pggit.commit('one'), pggit.tag('one')")
    for ref in ("zero", "one", "zero", "one", "all"):
        olga.execute("SELECT * FROM pggit.checkout(%s)", [ref])
        settled(db)
    for one_ref, other in (("all", "granting"), ("granting", "none"), ("none", "all")):
        script = one(olga, "SELECT pggit.diff_sql(%s, %s)", one_ref, other)
        olga.execute(script)
        assert one(db, "SELECT pggit.tree_of('LIVE') = pggit.tree_of(%s)", other), script


def test_who_owns_a_table_takes_no_role_for_its_privileges(db: Connection, connect: Connect, pg: str) -> None:
    """Nor does a member of the owner alone: SET ROLE may be refused where GRANT is not."""
    olga = connect("olga")
    for role in ("own", "granting"):
        connect(role)
    db.execute("GRANT own TO olga" + (" WITH INHERIT TRUE, SET FALSE" if pg >= "16" else ""))
    db.execute("ALTER SCHEMA public OWNER TO olga; GRANT ALL ON SCHEMA public TO own")
    db.execute("SELECT pggit.grant_access('olga', 'admin')")
    db.execute("CREATE TABLE t (id integer); ALTER TABLE t OWNER TO own; CREATE TABLE hers (id integer)")
    db.execute("ALTER TABLE hers OWNER TO olga; REVOKE ALL ON SCHEMA public FROM own")
    for table in ("t", "hers"):
        db.execute(f"GRANT SELECT ON {table} TO granting WITH GRANT OPTION")
    db.execute("SELECT pggit.commit('with'), pggit.tag('with')")
    for table in ("t", "hers"):
        db.execute(f"GRANT INSERT ON {table} TO PUBLIC; REVOKE GRANT OPTION FOR SELECT ON {table} FROM granting")
    db.execute("SELECT pggit.commit('without'), pggit.tag('without')")
    olga.execute("""CREATE FUNCTION go(ref text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS
        $$ BEGIN PERFORM pggit.checkout(ref); END $$""")
    olga.execute("SELECT pggit.commit('go'), pggit.create_branch('other')")
    for ref in ("with", "without"):
        olga.execute("SELECT * FROM pggit.checkout(%s)", [ref])
        settled(db)


def test_privileges_that_were_given_on_and_on(db: Connection, connect: Connect) -> None:
    """Each grant needs the one that it rests on, whatever the names of the roles."""
    for role in ("d_owner", "c_first", "b_second", "a_third"):
        connect(role)
    db.execute("CREATE TABLE t (id integer, v text); CREATE FUNCTION f() RETURNS integer RETURN 1")
    db.execute("ALTER TABLE t OWNER TO d_owner; ALTER FUNCTION f() OWNER TO d_owner")
    db.execute("SELECT pggit.commit('herself'), pggit.tag('herself')")
    for what in ("SELECT ON t", "UPDATE (v) ON t", "EXECUTE ON FUNCTION f()"):
        for giver, taker in (("d_owner", "c_first"), ("c_first", "b_second"), ("b_second", "a_third")):
            db.execute(f"SET ROLE {giver}; GRANT {what} TO {taker} WITH GRANT OPTION; RESET ROLE")
    # b_second may give SELECT on, and has it from c_first, who has DELETE from b_second
    db.execute("SET ROLE d_owner; GRANT DELETE ON t TO b_second WITH GRANT OPTION; SET ROLE b_second")
    db.execute("GRANT DELETE ON t TO c_first WITH GRANT OPTION; SET ROLE c_first; GRANT DELETE, SELECT ON t TO a_third")
    # two who have it from the owner give it to each other
    db.execute("SET ROLE d_owner; GRANT INSERT, REFERENCES (id) ON t TO b_second, c_first WITH GRANT OPTION")
    for giver, taker in (("b_second", "c_first"), ("c_first", "b_second")):
        db.execute(f"SET ROLE {giver}; GRANT INSERT, REFERENCES (id) ON t TO {taker} WITH GRANT OPTION")
    db.execute("RESET ROLE; SELECT pggit.commit('by all'), pggit.tag('all')")
    there, back = (one(db, "SELECT pggit.diff_sql(%s, %s)", *refs) for refs in (("herself", "all"), ("all", "herself")))
    for _ in range(2):
        db.execute("SELECT * FROM pggit.checkout('herself'); SELECT * FROM pggit.checkout('all')")
        settled(db)
        for script in (back, there):
            db.execute(script)
        settled(db)


# Nobody's word is taken ----------------------------------------------------------------------------


def test_head_cannot_be_put_where_the_schema_is_not(two: Connection, connect: Connect) -> None:
    """What an ordinary role with every right to call gets by calling the inner functions itself."""
    mallory = connect("mallory")
    two.execute("GRANT USAGE ON SCHEMA pggit TO mallory; GRANT SELECT ON ALL TABLES IN SCHEMA pggit TO mallory")
    two.execute("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA pggit TO mallory")
    before = two.execute("SELECT * FROM pggit.branches").fetchall(), one(two, "SELECT pggit.head_name()")
    first = one(two, "SELECT hash FROM pggit.commits ORDER BY id LIMIT 1")
    for call, state in {
        "switch_head('other')": "GT034",
        f"switch_head('{first}')": "GT034",
        "switch_head('x; DROP TABLE base')": "GT004",
        "reset_branch('other')": "GT034",
        "forward_branch('other')": "GT006",
        "take_live('forged')": "GT034",
        "move_branch(1, (SELECT head FROM pggit.branches WHERE id = 1), 'forged', 'x')": "42501",
        "put_blob('TABLE', 'public.t', '{}')": "42501",
        "put_commit(1, 'tree', '{}', 'forged')": "42501",
    }.items():
        assert refused(mallory, f"SELECT pggit.{call}") == state, call
    assert (two.execute("SELECT * FROM pggit.branches").fetchall(), one(two, "SELECT pggit.head_name()")) == before
    assert mallory.execute("SELECT * FROM pggit.checkout('main')").fetchall() == []
    # his own rights are all he has for the schema
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        mallory.execute("SELECT * FROM pggit.checkout('other')")
    settled(two)


def test_an_ordinary_role_with_its_own_tables(db: Connection, connect: Connect) -> None:
    alice = connect("alice")
    db.execute("GRANT USAGE ON SCHEMA pggit TO alice; GRANT SELECT ON ALL TABLES IN SCHEMA pggit TO alice")
    db.execute("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA pggit TO alice; CREATE SCHEMA hers AUTHORIZATION alice")
    db.execute("SELECT pggit.commit('hers')")
    alice.execute("CREATE TABLE hers.t (id integer); SELECT pggit.commit('t')")
    alice.execute("SELECT pggit.create_branch('feature'); SELECT * FROM pggit.checkout('feature')")
    alice.execute("CREATE TABLE hers.u (id integer); COMMENT ON TABLE hers.t IS 'x'; SELECT pggit.commit('u')")
    alice.execute("SELECT * FROM pggit.checkout('main')")
    alice.execute(
        "ALTER TABLE hers.t ADD COLUMN v text; SELECT pggit.commit('v'); SELECT * FROM pggit.merge('feature')"
    )
    assert one(db, "SELECT author FROM pggit.log() LIMIT 1") == "alice"
    assert one(db, "SELECT obj_description('hers.t'::regclass)") == "x"
    assert differences(db) == []
    settled(db)
