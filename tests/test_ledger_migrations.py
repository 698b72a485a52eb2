"""A ledger of an older version is brought up to date when it is opened, with a copy first, or stays as it was."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

from d365kit.errors import LedgerError, SettingsError
from d365kit.ledger import Ledger
from d365kit.ledger.store import Store, revision
from d365kit.ledger.tables import SCHEMA_VERSION, metadata
from d365kit.nouns import Outcome, Pair

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
WHO = {"by": "Ada", "at": AT}

#: What d365kit wrote before there were migrations: its tables, some decisions, an agreement and a failed change.
VERSION_1 = Path(__file__).parent / "data" / "ledger_version_1.sql"
STATE = {("A", "X"), ("B", "Y")}


@pytest.fixture
def old(tmp_path) -> Path:
    path = tmp_path / "ledger.db"
    with closing(sqlite3.connect(path)) as raw:
        raw.executescript(VERSION_1.read_text("utf-8"))
    return path


def old_on_a_server(address: str) -> str:
    """Make a ledger of version 1 at ``address`` by the first migration, which equals what version 1 made."""
    engine = create_engine(address)
    with engine.begin() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(text("DROP TABLE alembic_version"))
        connection.execute(text("INSERT INTO meta VALUES ('schema', '1')"))
        row = "'2026-03-01T12:00:00.000000+00:00', 'Ada', 'customer', 'confirm'"
        for at, bc_id, dv_id in ((1, "A", "X"), (2, "B", "Y")):
            connection.execute(
                text(f"INSERT INTO decisions VALUES ({at}, {row}, '{bc_id}', '{dv_id}', 1, 1, '', '[]', '', '', '')")
            )
            connection.execute(text(f"INSERT INTO couplings VALUES ({at}, 'customer', '{bc_id}', '{dv_id}')"))
    engine.dispose()
    return address


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "d365kit.ledger:migrations")
    config.set_main_option("path_separator", "os")
    return config


def pairs(ledger: Ledger) -> set[tuple[str, str]]:
    return set(ledger.couplings("customer")[["bc_id", "dv_id"]].itertuples(index=False, name=None))


def version(path: Path) -> str:
    with closing(sqlite3.connect(path)) as raw:
        return raw.execute("SELECT value FROM meta").fetchone()[0]


def schema(path: Path) -> list[tuple]:
    """Tables, columns, indexes and triggers, as the database has them."""
    with closing(sqlite3.connect(path)) as raw:
        things = raw.execute("SELECT type, name, tbl_name FROM sqlite_master ORDER BY 1, 2").fetchall()
        columns = [(n, *c) for t, n, _ in things if t == "table" for c in raw.execute(f"PRAGMA table_info({n})")]
        triggers = raw.execute("SELECT sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name").fetchall()
    return [*things, *columns, *triggers]


def test_what_an_old_ledger_holds_is_there_afterwards(old):
    with Ledger.open(old) as ledger:
        assert pairs(ledger) == STATE
        assert [d.first for d in ledger.decisions()] == [""] * ledger.position
        assert ledger.agreements("customer") == {("A", "X"): {"name": {"bc": "a", "dv": "a"}}}
        assert ledger.outcomes("R000001")[0].state == "failed"
        assert ledger.skipped().empty
        ledger.confirm("customer", [Pair("C", "Z")], **WHO, first="dv")
        with pytest.raises(LedgerError, match="only ever appended"), ledger._store.writing() as connection:
            connection.execute(text("DELETE FROM decisions"))
        for _ in range(3):
            ledger.undo(**WHO)
        assert pairs(ledger) == set()
    assert version(old) == str(SCHEMA_VERSION)


def test_a_copy_of_the_old_ledger_is_put_beside_it(old):
    Ledger.open(old).close()
    Ledger.open(old).close()
    (copy,) = old.parent.glob("ledger.db.backup*")
    assert copy.name == "ledger.db.backup-of-version-1"
    assert version(copy) == "1"
    with closing(sqlite3.connect(copy)) as raw:
        assert raw.execute("SELECT COUNT(*) FROM decisions").fetchone() == (3,)
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_copy_is_never_overwritten(old):
    first = old.with_name("ledger.db.backup-of-version-1")
    first.write_text("somebody's own")
    Ledger.open(old).close()
    assert first.read_text() == "somebody's own"
    assert version(old.with_name("ledger.db.backup-of-version-1-2")) == "1"


def test_what_only_the_log_of_sqlite_holds_is_in_the_copy(old):
    """A process of the old version may still have it open: what it committed stands in the file beside."""
    raw = sqlite3.connect(old)
    raw.execute("PRAGMA journal_mode=WAL")
    raw.execute("INSERT INTO couplings VALUES (1, 'item', 'I', 'J')")
    raw.commit()
    with Ledger.open(old) as ledger:
        assert ledger.partner("item", "bc", "I") == "J"
    with closing(sqlite3.connect(old.with_name("ledger.db.backup-of-version-1"))) as copy:
        assert copy.execute("SELECT dv_id FROM couplings WHERE bc_id = 'I'").fetchone() == ("J",)
    raw.execute(
        "INSERT INTO decisions (position, at, by, kind, verdict, bc_id, dv_id, batch, score, band, evidence,"
        " fingerprint, note, run, undoes) SELECT 4, at, by, kind, verdict, bc_id, dv_id, 9, score, band, evidence,"
        " fingerprint, note, run, undoes FROM decisions WHERE position = 3"
    )
    raw.commit()  # the old version, which knows nothing of the new columns, goes on
    raw.close()


def test_a_fresh_ledger_and_a_migrated_one_are_the_same(old, tmp_path):
    Ledger.open(old).close()
    Ledger.open(tmp_path / "fresh.db").close()
    assert schema(old) == schema(tmp_path / "fresh.db")


def test_the_migrations_lead_to_the_tables_of_this_version(tmp_path, postgres):
    scripts = ScriptDirectory.from_config(_config())
    assert scripts.get_heads() == [revision(SCHEMA_VERSION)]
    assert len(list(scripts.walk_revisions())) == SCHEMA_VERSION
    for address in (f"sqlite:///{tmp_path / 'made.db'}", postgres.fresh()):
        engine = create_engine(address)
        with engine.begin() as connection:
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            more = {"compare_type": True, "compare_server_default": True}
            assert compare_metadata(MigrationContext.configure(connection, opts=more), metadata) == []
        engine.dispose()
    Ledger.open(tmp_path / "fresh.db").close()
    assert schema(tmp_path / "made.db") == schema(tmp_path / "fresh.db")


def test_version_1_is_what_version_1_was(old, tmp_path):
    """The first migration makes what d365kit made before there were migrations."""
    engine = create_engine(f"sqlite:///{tmp_path / 'made.db'}")
    with engine.begin() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(text("DROP TABLE alembic_version"))
    engine.dispose()
    assert schema(tmp_path / "made.db") == schema(old)


def test_a_server_is_brought_up_to_date_in_one_transaction(postgres, monkeypatch):
    address = old_on_a_server(postgres.fresh())
    with monkeypatch.context() as broken:
        broken.setattr("d365kit.ledger.upgrade.SCHEMA_VERSION", 99)
        with pytest.raises(LedgerError, match="could not be brought up"):
            Ledger.open(address)
    engine = create_engine(address)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT value FROM meta")) == "1"
        assert "first" not in connection.execute(text("SELECT * FROM decisions")).mappings().first()
    engine.dispose()
    with Ledger.open(address) as ledger:
        assert pairs(ledger) == STATE
        ledger.confirm("customer", [Pair("C", "Z")], **WHO, first="bc")
        for change in ("UPDATE decisions SET by = 'Eve'", "DELETE FROM decisions", "TRUNCATE decisions CASCADE"):
            with pytest.raises(LedgerError, match="only ever appended"), ledger._store.writing() as connection:
                connection.execute(text(change))


BREAKS = {
    "before": "d365kit.ledger.upgrade._migrate",
    "after": "d365kit.ledger.upgrade.update",
    "the copy": "d365kit.ledger.upgrade.os.replace",
}


@pytest.mark.parametrize("where", BREAKS)
def test_a_migration_that_fails_leaves_the_old_ledger(old, monkeypatch, where):
    before = old.read_bytes()

    def fail(*_: object, **__: object) -> None:
        raise OSError("no room left")

    monkeypatch.setattr(BREAKS[where], fail)
    with pytest.raises(LedgerError, match="no room left") as caught:
        Ledger.open(old)
    assert "It is as it was" in caught.value.todo
    assert old.read_bytes() == before
    assert not list(old.parent.glob("*unfinished*"))
    monkeypatch.undo()
    with Ledger.open(old) as ledger:
        assert pairs(ledger) == STATE


def test_a_migration_that_is_killed_leaves_the_old_ledger(old):
    script = (
        "import os, signal, sys\nimport d365kit.ledger.upgrade as upgrade\nfrom d365kit.ledger import Ledger\n"
        "upgrade.update = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\nLedger.open(sys.argv[1])"
    )
    assert subprocess.run([sys.executable, "-c", script, str(old)]).returncode == -9
    assert version(old) == "1"
    with Ledger.open(old) as ledger:
        assert pairs(ledger) == STATE


def open_at_once(address: str, number: int = 2) -> list[str]:
    script = (
        "import sys\nfrom d365kit.ledger import Ledger\nprint('ready', flush=True)\nsys.stdin.readline()\n"
        "ledger = Ledger.open(sys.argv[1])\nprint(len(ledger.couplings()))"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", script, address], stdin=-1, stdout=-1, stderr=-1, text=True)
        for _ in range(number)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0] * number, said
    return [out.strip() for out, _ in said]


def test_processes_that_open_an_old_ledger_at_once_are_safe(old, postgres):
    assert open_at_once(str(old)) == ["2"] * 2
    assert [p.name for p in old.parent.glob("*backup*")] == ["ledger.db.backup-of-version-1"]
    assert open_at_once(old_on_a_server(postgres.fresh())) == ["2"] * 2


def test_processes_that_make_a_ledger_at_once_are_safe(postgres, tmp_path):
    assert open_at_once(postgres.fresh()) == ["0"] * 2
    assert open_at_once(str(tmp_path / "new.db")) == ["0"] * 2


def test_an_old_ledger_that_may_only_be_read_says_so(old):
    before = old.read_bytes()
    with pytest.raises(LedgerError, match="version") as caught:
        Ledger.open(f"sqlite:///file:{old.as_posix()}?mode=ro&uri=true")
    assert "only be read" in str(caught.value)
    assert old.read_bytes() == before


def test_a_newer_ledger_is_refused_and_left_alone(old, postgres):
    with closing(sqlite3.connect(old)) as raw:
        raw.execute("UPDATE meta SET value = '99'")
        raw.commit()
    before, address = old.read_bytes(), postgres.fresh()
    Ledger.open(address).close()
    postgres.run(f"UPDATE {address.rpartition('%3D')[2]}.meta SET value = '99'")
    for place in (old, address):
        with pytest.raises(SettingsError, match="version 99"):
            Ledger.open(place)
    assert old.read_bytes() == before


def test_alembic_is_imported_only_for_an_old_ledger(old, tmp_path):
    fresh = tmp_path / "fresh.db"
    for path, wanted in ((fresh, "False"), (fresh, "False"), (old, "True")):
        script = (
            "import sys\nfrom d365kit.ledger import Ledger\nLedger.open(sys.argv[1])\nprint('alembic' in sys.modules)"
        )
        done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == wanted


def test_a_store_knows_where_its_file_is_whatever_its_address(old, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(old, tmp_path / "other.db")
    Store.open("sqlite:///other.db").close()
    assert (tmp_path / "other.db.backup-of-version-1").is_file()


def test_a_failed_change_of_before_does_not_count_as_a_first_failure(old):
    with Ledger.open(old) as ledger:
        run = ledger.begin_run("again", "f", **WHO)
        refused = Outcome("c1", "customer", "update", "dv", "A", "X", "Adatum", "failed", "no", 400)
        ledger.settle(run, refused, **WHO)
        assert ledger.skipped().empty
