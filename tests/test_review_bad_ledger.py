"""A review on a ledger that is locked, read-only, newer or damaged: it says so, and nothing is lost."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from d365kit.errors import D365KitError
from d365kit.ledger import Ledger
from d365kit.nouns import Pair
from d365kit.widgets.review import Review
from d365kit.workspace import Workspace
from tests.helpers_browser import Stage, chromium
from tests.helpers_match import NOW
from tests.helpers_review import Desk, small

HOLD = """
import sqlite3, sys
raw = sqlite3.connect(sys.argv[1], isolation_level=None)
raw.execute("BEGIN IMMEDIATE")
raw.execute("DELETE FROM couplings")
print("writing", flush=True)
sys.stdin.readline()
raw.rollback()
"""
DECIDING = (
    {"op": "confirm", "id": None, "note": "mine"}, {"op": "none"}, {"op": "defer"}, {"op": "undo"}, {"op": "batch"},
)  # fmt: skip


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("d365kit.ledger.dialects.BUSY_SECONDS", 0.2)


@pytest.fixture
def desk(impatient: None, tmp_path: Path) -> Desk:
    made = small(tmp_path)
    made.ledger.confirm("customer", [Pair("b8", "d8")], by="ben", at=NOW)
    return made


@pytest.fixture
def hold() -> Iterator[Callable[[Path], Callable[[], None]]]:
    """Have another process in the middle of writing to a ledger; what is returned lets go of it."""
    running: list[subprocess.Popen] = []

    def start(path: Path) -> Callable[[], None]:
        process = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdin=-1, stdout=-1, text=True)
        running.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        return lambda: (process.communicate("done\n", timeout=60), None)[1]

    yield start
    for process in running:
        if process.poll() is None:
            process.communicate("done\n", timeout=60)


def opened(desk: Desk) -> tuple[Review, list[dict]]:
    review, sent = Review(desk, "customer", bands=("likely",)), []
    review.send = lambda content, buffers=None: sent.append(content)
    review._take(review, {"op": "hello"})
    return review, sent


def two_sentences(text: str) -> bool:
    """What is wrong with the ledger, and what to do."""
    return "ledger" in text.lower() and len(re.findall(r"[.!](?:\s|$)", text)) >= 2 and "Traceback" not in text


def lines(path: Path) -> list[tuple[str, str]]:
    with Ledger.open(path) as ledger:
        return [(d.verdict, d.note) for d in ledger.decisions()]


def test_a_locked_ledger_is_said_and_deciding_goes_on_when_it_is_free(desk: Desk, hold) -> None:
    review, sent = opened(desk)
    first, free = review.current, hold(desk.path)
    for message in DECIDING:
        review._take(review, message)
        assert "is being written by another process" in sent[-1]["error"]
        assert two_sentences(sent[-1]["error"])
        assert "decided" not in sent[-1]
        assert sent[-1]["card"] == first, "the record stays, with what was chosen about it"
    # Looking goes on meanwhile.
    for message in ({"op": "go", "at": 1}, {"op": "search", "q": "tail"}, {"op": "look"}, {"op": "go", "at": 0}):
        review._take(review, message)
        assert "error" not in sent[-1]
    free()
    review._take(review, DECIDING[0])
    assert sent[-1]["decided"]
    assert lines(desk.path) == [("confirm", ""), ("confirm", "mine")]


@pytest.mark.browser
def test_a_locked_ledger_on_the_screen_keeps_the_comment(desk: Desk, hold) -> None:
    free = hold(desk.path)
    with chromium() as browser:
        stage = Stage(browser, Review(desk, "customer"))
        was = stage.text(".own .name")
        stage.press("c")
        stage.page.keyboard.type("by phone")
        stage.page.keyboard.press("Enter")
        stage.press("2", "y")  # of a tie
        assert "is being written by another process" in stage.text(".banner")
        assert stage.text(".own .name") == was
        assert "Comment ●" in stage.text(".tools")
        stage.shot("locked_light")
        free()
        stage.press("y")
        assert stage.text(".own .name") != was
        assert stage.wrong == []
    assert lines(desk.path)[-1] == ("confirm", "by phone")
    assert set(desk.ledger.couplings("customer")["dv_id"]) == {"d3", "d8"}


def test_a_read_only_ledger_can_be_looked_at_and_says_so(desk: Desk) -> None:
    desk.ledger.close()
    before = desk.path.read_bytes()
    desk.ledger = Ledger.open(f"sqlite:///file:{desk.path.as_posix()}?immutable=1&uri=true")
    review, sent = opened(desk)
    first = review.current
    for message in DECIDING:
        review._take(review, message)
        assert "may only be read" in sent[-1]["error"]
        assert two_sentences(sent[-1]["error"])
        assert sent[-1]["card"] == first
    assert desk.path.read_bytes() == before


#: The review as another user: everything is imported and made before root becomes nobody, whom permissions stop.
AS_NOBODY = """
import os, pwd, sys
from pathlib import Path
from d365kit.widgets.review import Review
from tests.helpers_review import small
desk = small(Path(sys.argv[1]))
review = Review(desk, "customer", bands=("likely",))
review._on_confirm({"id": None})
review.press("undo")
desk.ledger.close()
folder = Path(sys.argv[1])
(folder / "ledger.db").chmod(0o444)
folder.chmod(0o555)
if os.geteuid() == 0:
    user = pwd.getpwnam("nobody")
    os.setgroups([]); os.setgid(user.pw_gid); os.setuid(user.pw_uid)
from d365kit.errors import D365KitError
from d365kit.ledger import Ledger
try:
    desk.ledger = Ledger.open(desk.path)
    review = Review(desk, "customer", bands=("likely",))
    print(review.press("confirm"))
except D365KitError as problem:
    print(problem)
"""


@pytest.fixture
def ours() -> Iterator[Path]:
    """A folder that everybody can reach: pytest's own are for one user alone."""
    home = Path(tempfile.mkdtemp(prefix="d365kit-ours-"))
    home.chmod(0o755)
    folder = home / "ours"
    folder.mkdir(mode=0o755)
    yield folder
    shutil.rmtree(home)


def test_a_ledger_of_somebody_else_says_so(ours: Path) -> None:
    folder = ours
    done = subprocess.run([sys.executable, "-c", AS_NOBODY, str(folder)], capture_output=True, text=True, timeout=120)
    folder.chmod(0o755)
    assert done.returncode == 0, done.stderr
    assert "may be written" in done.stdout
    assert two_sentences(done.stdout)
    (folder / "ledger.db").chmod(0o644)
    assert [v for v, _ in lines(folder / "ledger.db")] == ["confirm", "undo"]


def test_a_ledger_of_a_newer_version_is_not_reviewed(impatient: None, tmp_path: Path) -> None:
    with Workspace.demo(tmp_path / "ws", customers=20, progress=False) as ws:
        ws.pull(["currency", "payment_terms", "salesperson", "customer"])
        ws.propose("customer")
        with ws.ledger._store.writing() as connection:
            connection.exec_driver_sql("UPDATE meta SET value = '99' WHERE key = 'schema'")
        ws.ledger.close()
        ws._ledger = None
        before = (tmp_path / "ws" / "ledger.db").read_bytes()
        with pytest.raises(D365KitError) as caught:
            ws.review("customer")
        assert "schema version 99" in str(caught.value)
        assert two_sentences(str(caught.value))
        assert (tmp_path / "ws" / "ledger.db").read_bytes() == before


@pytest.mark.parametrize("message", [*DECIDING, {"op": "look_around"}, {"op": "go", "at": 1}], ids=lambda m: m["op"])
def test_a_ledger_damaged_while_it_is_looked_through_says_so_and_leaves_the_screen_free(
    desk: Desk, message: dict
) -> None:
    # What was written stands in the file itself, as after any close; the review then opens it anew.
    desk.ledger.close()
    whole = desk.path.read_bytes()
    desk.ledger = Ledger.open(desk.path)
    review, sent = opened(desk)
    first = review.current
    desk.ledger._store.engine.dispose()  # what SQLite holds in memory would hide the damage
    desk.path.write_bytes(whole[:4096] + os.urandom(len(whole) - 4096))
    sent.clear()
    review._take(review, message)
    assert len(sent) == 1
    assert two_sentences(sent[0]["error"])
    assert "decided" not in sent[0]
    # A copy is brought back: the review goes on where it was.
    desk.ledger._store.engine.dispose()
    for left in ("-wal", "-shm"):
        desk.path.with_name(desk.path.name + left).unlink(missing_ok=True)
    desk.path.write_bytes(whole)
    review._take(review, {"op": "go", "at": 0})
    assert review.current == first
    review._take(review, DECIDING[0])
    assert sent[-1]["decided"]
    assert lines(desk.path) == [("confirm", ""), ("confirm", "mine")]
