"""A ledger that is locked, read-only, newer or damaged: a clear message, and nothing is lost."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from d365kit.errors import D365KitError, LedgerError, SettingsError
from d365kit.ledger import Ledger
from d365kit.nouns import Pair

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
WHO = {"by": "Ada", "at": AT}
MANY = [Pair(f"b{n}", f"d{n}") for n in range(400)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ledger with some decisions, closed and whole in its one file."""
    path = tmp_path / "ledger.db"
    with Ledger.open(path) as ledger:
        ledger.confirm("customer", MANY, **WHO)
    assert not path.with_name("ledger.db-wal").exists()
    return path


def clear(error: D365KitError) -> bool:
    """Two sentences, the first of which names the ledger."""
    return "ledger" in error.what.lower() and bool(error.todo) and "Traceback" not in str(error)


# ── Locked ────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(params=["sqlite", "postgres"])
def held(request, path: Path, monkeypatch) -> Iterator[str | Path]:
    """The address of a ledger on which another process is in the middle of writing."""
    monkeypatch.setattr("d365kit.ledger.dialects.BUSY_SECONDS", 0.2)
    address = path if request.param == "sqlite" else request.getfixturevalue("postgres").fresh()
    if request.param == "postgres":
        with Ledger.open(address) as ledger:
            ledger.confirm("customer", MANY, **WHO)
    script = (
        "import sys\nfrom sqlalchemy import text\nfrom d365kit.ledger import Ledger\n"
        "with Ledger.open(sys.argv[1]) as ledger, ledger._store.writing() as connection:\n"
        "    connection.execute(text('DELETE FROM couplings'))\n"
        "    print('writing', flush=True)\n"
        "    sys.stdin.readline()\n"
        "    connection.rollback()\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script, str(address)], stdin=-1, stdout=-1, text=True)
    assert process.stdout.readline() == "writing\n"
    yield address
    process.communicate("done\n", timeout=60)


def test_a_ledger_somebody_writes_to_can_be_read_and_says_so_to_writers(held):
    with Ledger.open(held) as ledger:
        assert len(ledger.couplings()) == 400, "reading goes on, and sees nothing of what is not finished"
        for act in (
            lambda: ledger.confirm("item", [Pair("A", "X")], **WHO), lambda: ledger.undo(**WHO),
            lambda: ledger.import_lines(b""),
        ):  # fmt: skip
            with pytest.raises(LedgerError, match="being written by another process") as caught:
                act()
            assert clear(caught.value)
        assert ledger.position == 400


# ── Read-only ─────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that another user than root can reach."""
    made = Path(tempfile.mkdtemp(prefix="d365kit-nobody-"))
    made.chmod(0o755)
    yield made
    made.chmod(0o755)
    shutil.rmtree(made, ignore_errors=True)


#: Everything is imported before root becomes nobody, whom permissions stop.
WRITES = """
import os, pwd, sys
from datetime import UTC, datetime
from d365kit.errors import D365KitError
from d365kit.ledger import Ledger
from d365kit.nouns import Pair
who = {"by": "n", "at": datetime(2026, 1, 1, tzinfo=UTC)}
with Ledger.open("sqlite://") as other:
    other.confirm("item", [Pair("A", "X")], **who)
    other.couplings()
if os.geteuid() == 0:
    user = pwd.getpwnam("nobody")
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
try:
    with Ledger.open(sys.argv[1]) as ledger:
        print(len(ledger.couplings()))
        ledger.confirm("item", [Pair("A", "X")], **who)
except D365KitError as error:
    print(type(error).__name__, error)
"""


def write_as_nobody(place: Path) -> str:
    done = subprocess.run([sys.executable, "-c", WRITES, str(place)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_ledger_that_may_only_be_read_says_so(path, folder, what):
    mine = folder / "ledger.db"
    shutil.copy(path, mine)
    mine.chmod(0o444 if what == "file" else 0o666)
    folder.chmod(0o777 if what == "file" else 0o555)
    before = mine.read_bytes()
    said = write_as_nobody(mine)
    assert "Error" in said
    assert "its folder may be written" in said
    assert mine.read_bytes() == before


def test_a_folder_in_which_no_ledger_can_be_made_says_so(folder):
    folder.chmod(0o555)
    for place in (folder / "ledger.db", folder / "deeper" / "ledger.db"):
        assert "SettingsError" in write_as_nobody(place)
    assert list(folder.iterdir()) == []


def test_a_ledger_on_a_medium_that_takes_no_writes_can_be_read(path):
    with Ledger.open(f"sqlite:///file:{path.as_posix()}?immutable=1&uri=true") as ledger:
        assert len(ledger.couplings()) == 400
        with pytest.raises(LedgerError, match="only be read") as caught:
            ledger.confirm("item", [Pair("A", "X")], **WHO)
        assert clear(caught.value)


def test_a_server_that_takes_no_writes_says_so(postgres):
    address = postgres.fresh()
    with Ledger.open(address) as ledger:
        ledger.confirm("customer", MANY[:3], **WHO)
    with Ledger.open(f"{address}%20-cdefault_transaction_read_only%3Don") as ledger:
        assert len(ledger.couplings()) == 3
        with pytest.raises(LedgerError, match="only be read") as caught:
            ledger.confirm("item", [Pair("A", "X")], **WHO)
        assert clear(caught.value)


# ── Out of reach ──────────────────────────────────────────────────────────────────────────────────


def test_a_server_that_is_not_there_or_knows_no_such_user_says_so(postgres):
    wrong = {
        "postgresql+psycopg://ada:secret@127.0.0.1:1/postgres": "cannot be reached",
        f"postgresql+psycopg://ada:secret@127.0.0.1:{postgres.port}/postgres": "cannot be|did not accept",
        f"postgresql+psycopg://d365kit:secret@127.0.0.1:{postgres.port}/elsewhere": "cannot be|no database",
    }
    for address, words in wrong.items():
        with pytest.raises((SettingsError, LedgerError), match=words) as caught:
            Ledger.open(address)
        assert clear(caught.value)
        assert "secret" not in str(caught.value)


def test_an_address_without_its_driver_says_what_to_install():
    with pytest.raises(SettingsError, match=r"d365kit\[postgres\].*postgresql\+psycopg://"):
        Ledger.open("postgresql+psycopg2://ada@host/db")


def test_a_server_that_stops_loses_the_act_and_nothing_else(postgres):
    address = postgres.fresh()
    with Ledger.open(address) as ledger:
        ledger.confirm("customer", MANY[:3], **WHO)
        ends = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        with pytest.raises(LedgerError) as caught, ledger._store.writing() as connection:  # noqa: PT012
            connection.exec_driver_sql("DELETE FROM couplings")
            postgres.run(ends)
            connection.exec_driver_sql("SELECT 1")
        assert clear(caught.value)
        assert len(ledger.couplings()) == 3
        postgres.run(ends)
        ledger.confirm("item", [Pair("A", "X")], **WHO)
        assert ledger.position == 4


def test_another_database_of_a_server_is_refused_and_left_alone(postgres):
    address = postgres.fresh()
    schema = address.rpartition("%3D")[2]
    postgres.run(f"CREATE TABLE {schema}.other (x integer)")
    with pytest.raises(SettingsError, match="no ledger"):
        Ledger.open(address)
    tables = postgres.run(f"SELECT table_name FROM information_schema.tables WHERE table_schema = '{schema}'")
    assert [name for (name,) in tables] == ["other"]


# ── Damaged ───────────────────────────────────────────────────────────────────────────────────────


def garbage(content: bytes) -> bytes:
    return content[:8192] + os.urandom(len(content) - 8192)


DAMAGE = {
    "cut in half": lambda c: c[: len(c) // 2],
    "cut after the first page": lambda c: c[:4096],
    "cut in the middle of a page": lambda c: c[: len(c) - 1000],
    "garbage pages": garbage,
    "garbage from the start": lambda c: os.urandom(len(c)),
    "zeros": lambda c: c[:4096] + bytes(len(c) - 4096),
    "another file's text": lambda c: b"PK\x03\x04" + c[4:],
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_ledger_is_named_and_made_no_worse(path, damage):
    content = DAMAGE[damage](path.read_bytes())
    path.write_bytes(content)
    with pytest.raises((LedgerError, SettingsError)) as caught, Ledger.open(path) as ledger:  # noqa: PT012
        ledger.decisions()
        ledger.couplings()
        ledger.confirm("item", [Pair("A", "X")], **WHO)
    assert clear(caught.value)
    assert path.read_bytes()[: len(content)][4096:] == content[4096:]


def test_an_old_ledger_that_is_damaged_is_not_migrated(tmp_path):
    path = tmp_path / "ledger.db"
    with closing(sqlite3.connect(path)) as raw:
        raw.executescript((Path(__file__).parent / "data" / "ledger_version_1.sql").read_text("utf-8"))
        raw.execute("CREATE TABLE filler (x)")
        raw.executemany("INSERT INTO filler VALUES (?)", [("x" * 1000,)] * 200)
        raw.commit()
    content = bytearray(path.read_bytes())
    content[4096 * 3 : 4096 * 25] = os.urandom(4096 * 22)
    path.write_bytes(content)
    with pytest.raises((LedgerError, SettingsError)) as caught:
        Ledger.open(path)
    assert caught.value.todo
    assert path.read_bytes() == bytes(content)


def test_an_empty_file_becomes_a_ledger(tmp_path):
    """SQLite makes an empty file before the first write; a process killed just then leaves it."""
    (tmp_path / "ledger.db").touch()
    with Ledger.open(tmp_path / "ledger.db") as ledger:
        assert ledger.position == 0
