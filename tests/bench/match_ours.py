"""d365kit on two files of a set → its time, memory and figures as one line of JSON.

`propose`: once, as `d365kit match` does. `answers`: before and after a hundred answers to what `match.ask` asks.
`again`: a second time after two hundred decisions. `steady`: rows shuffled, sides swapped, a tenth of unrelated
records added.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from d365kit import match
from d365kit.ledger import Ledger
from d365kit.nouns import Pair, Proposals
from d365kit.workspace.two_files import FileMatch, match_files
from tests.bench.measured import Meter, Read, proposing, read, spent, tell
from tests.bench.sets import score

#: What an oracle is asked, and what is decided before proposing again.
ANSWERS, DECISIONS = 100, 200
_WHO = "the truth"
_WHEN = datetime(2024, 1, 1, tzinfo=UTC)
_ASSERTED = ("certain", "likely")
_NAMES = {"bc_id": "left_id", "dv_id": "right_id"}


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.match_ours", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kind", required=True)
    parser.add_argument("--what", choices=["propose", "answers", "again", "steady"], default="propose")
    parser.add_argument("--candidates", action="store_true", help="score all pairs too, for the best threshold")
    parser.add_argument("--other", type=Path, help="for steady: a set of other records, to add a tenth of them")
    options = parser.parse_args(words)
    meter = Meter()
    if options.what == "propose":
        return tell(
            {"matcher": "d365kit", **once(options.folder, options.kind, meter, candidates=options.candidates)}
        )
    with meter.running():
        if options.what == "answers":
            figures = answers(options.folder, options.kind)
        elif options.what == "again":
            figures = again(options.folder, options.kind)
        else:
            figures = steady(options.folder, options.kind, options.other)
    return tell({"matcher": "d365kit", **meter.figures(), **figures})


# --- once ------------------------------------------------------------------------------------------------


def once(folder: Path, kind: str, meter: Meter, *, candidates: bool) -> dict[str, Any]:
    """What the command does with two files; reading them is not timed."""
    found = _match(folder / "left.csv", folder / "right.csv", kind, meter)
    with meter.running():
        pairs = found.pairs()
    # The peak is taken here: scoring is none of the matcher's work.
    figures = meter.figures()
    scored = found.to_frame() if candidates else None
    if scored is not None:
        scored = scored[scored["left_id"].notna() & scored["right_id"].notna()]
    return {**score(folder, pairs, scored), **figures}


def _match(left: Path, right: Path, kind: str, meter: Meter | None = None) -> FileMatch:
    if meter is None:
        return match_files(left, right, kind=kind)
    original = match.propose

    def timed(*args: Any, **named: Any) -> Proposals:
        with meter.running():
            return original(*args, **named)

    with proposing(timed):
        return match_files(left, right, kind=kind)


# --- a hundred answers -----------------------------------------------------------------------------------


def answers(folder: Path, kind: str, number: int = ANSWERS) -> dict[str, Any]:
    """Figures before, after, and as they would be had the answers been written down and nothing learnt from them."""
    ask = getattr(match, "ask", None)
    if ask is None:
        return {"missing": "d365kit.match.ask is not there yet"}
    held, truth = read(folder, kind), _truth(folder)
    with tempfile.TemporaryDirectory() as home, Ledger.open(Path(home) / "ledger.db") as ledger:
        first = match.propose(held.snapshot, ledger, held.kind.name)
        before = _asserted(first.chosen(), held)
        asked = ask(held.snapshot, ledger, held.kind.name, number)
        asked = _same_of(first.frame, asked)
        confirmed, rejected = _answer(ledger, held, asked, truth)
        after = _all(match.propose(held.snapshot, ledger, held.kind.name), ledger, held)
    told = before[~_in(before, rejected)]
    for column in _NAMES.values():
        told = told[~told[column].isin(confirmed[column])]
    told = pd.concat([told, confirmed.assign(band="certain")], ignore_index=True)
    made: dict[str, Any] = {"asked": len(asked), "confirmed": len(confirmed), "rejected": len(rejected)}
    for name, pairs in (("before", before), ("told", told), ("after", after)):
        made |= {f"{key}_{name}": value for key, value in score(folder, pairs).items()}
    # Precision of what is still proposed: what people confirmed is right anyway.
    still = score(folder, after[~_in(after, confirmed)])
    return {**made, "certain_precision_after": still["certain_precision"], "shared": made["shared_after"]}


def _same_of(proposed: pd.DataFrame, asked: pd.DataFrame) -> pd.DataFrame:
    """The questions, each a pair once, with the fingerprint of its proposal."""
    pairs = asked[["bc_id", "dv_id"]].dropna().drop_duplicates()
    known = proposed[["bc_id", "dv_id", "score", "band", "fingerprint"]].dropna(subset=["bc_id", "dv_id"])
    return pairs.merge(known, on=["bc_id", "dv_id"], how="left")


def _answer(
    ledger: Ledger, held: Read, asked: pd.DataFrame, truth: Callable[[pd.DataFrame], pd.Series]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Confirm and reject as the truth says; returns what was confirmed and rejected, by hand.

    A record can have one partner only: the second of two right pairs (a duplicate) gets no answer.
    """
    asked = held.by_hand(asked)
    right = asked[truth(asked)]
    right = right[~right["bc_id"].duplicated() & ~right["dv_id"].duplicated()]
    wrong = asked[~truth(asked)]
    ledger.confirm(held.kind.name, _pairs(right), by=_WHO, at=_WHEN)
    ledger.reject(held.kind.name, _pairs(wrong), by=_WHO, at=_WHEN)
    columns = list(_NAMES.values())
    return right[columns].reset_index(drop=True), wrong[columns].reset_index(drop=True)


def _pairs(rows: pd.DataFrame) -> list[Pair]:
    """Rows of proposals as the ledger takes them."""
    known = rows.fillna({"band": "", "fingerprint": ""})
    return [
        Pair(r.bc_id, r.dv_id, None if pd.isna(r.score) else float(r.score), r.band, [], r.fingerprint)
        for r in known.itertuples()
    ]


def _all(proposals: Proposals, ledger: Ledger, held: Read) -> pd.DataFrame:
    """What is coupled, as certain, and what is proposed as certain or likely."""
    coupled = ledger.couplings(held.kind.name)[["bc_id", "dv_id"]].assign(band="certain")
    return pd.concat([held.by_hand(coupled), _asserted(proposals.chosen(), held)], ignore_index=True)


def _asserted(chosen: pd.DataFrame, held: Read) -> pd.DataFrame:
    kept = chosen[chosen["band"].isin(_ASSERTED)]
    return held.by_hand(kept)[[*_NAMES.values(), "band"]]


def _in(pairs: pd.DataFrame, others: pd.DataFrame) -> pd.Series:
    known = set(zip(others["left_id"], others["right_id"], strict=True))
    return pd.Series([p in known for p in zip(pairs["left_id"], pairs["right_id"], strict=True)], index=pairs.index)


def _truth(folder: Path) -> Callable[[pd.DataFrame], pd.Series]:
    """Tells of pairs by hand whether both records have the same entity."""
    entity = {
        hand: pd.read_csv(folder / f"truth_{hand}.csv", dtype={"id": str}).set_index("id")["entity"]
        for hand in ("left", "right")
    }

    def same(pairs: pd.DataFrame) -> pd.Series:
        left, right = (pairs[f"{hand}_id"].map(entity[hand]) for hand in ("left", "right"))
        return left == right

    return same


# --- again -----------------------------------------------------------------------------------------------


def again(folder: Path, kind: str, number: int = DECISIONS) -> dict[str, Any]:
    """Seconds of proposing, and of proposing again after decisions: half on doubtful pairs, half on certain ones."""
    held, truth = read(folder, kind), _truth(folder)
    with tempfile.TemporaryDirectory() as home, Ledger.open(Path(home) / "ledger.db") as ledger:
        first, seconds, cpu = _timed(held, ledger)
        chosen = first.chosen().sort_values(["probability", "bc_id", "dv_id"])
        ends = pd.concat([chosen.head(number // 2), chosen.tail(number - number // 2)]).drop_duplicates(
            ["bc_id", "dv_id"]
        )
        confirmed, rejected = _answer(ledger, held, ends, truth)
        second, later, cpu_later = _timed(held, ledger)
        pairs = _all(second, ledger, held)
    return {
        "first_seconds": seconds, "again_seconds": later, "ratio": later / seconds, "cpu_ratio": cpu_later / cpu,
        "decisions": len(confirmed) + len(rejected), **score(folder, pairs),
    }  # fmt: skip


def _timed(held: Read, ledger: Ledger) -> tuple[Proposals, float, float]:
    """Proposals, and the seconds on the wall and of the processor that they took."""
    began, used = time.perf_counter(), spent()
    found = match.propose(held.snapshot, ledger, held.kind.name)
    return found, time.perf_counter() - began, spent() - used


# --- steady ----------------------------------------------------------------------------------------------


def steady(folder: Path, kind: str, other: Path | None) -> dict[str, Any]:
    """How many proposals differ when rows are shuffled, sides swapped, and unrelated records added."""
    first = _match(folder / "left.csv", folder / "right.csv", kind).pairs()
    certain = first[first["band"] == "certain"]
    made: dict[str, Any] = {"pairs": len(first), "certain": len(certain)}
    with tempfile.TemporaryDirectory() as home:
        for hand in ("left", "right"):
            rows = pd.read_csv(folder / f"{hand}.csv", dtype=str, keep_default_na=False)
            rows.sample(frac=1.0, random_state=1).to_csv(Path(home) / f"{hand}.csv", index=False)
        shuffled = _match(Path(home) / "left.csv", Path(home) / "right.csv", kind).pairs()
        swapped = _match(folder / "right.csv", folder / "left.csv", kind).pairs()
        swapped = swapped.rename(columns={"left_id": "right_id", "right_id": "left_id"})
        made |= {"shuffled": _differing(first, shuffled), "swapped": _differing(first, swapped)}
        made["scores_apart"] = max(_scores_apart(first, shuffled), _scores_apart(first, swapped))
        if other is not None:
            for hand in ("left", "right"):
                _grow(folder / f"{hand}.csv", other / hand / f"{hand}.csv", Path(home) / f"{hand}.csv")
            grown = _match(Path(home) / "left.csv", Path(home) / "right.csv", kind).pairs()
            grown = grown[grown["band"] == "certain"]
            made["grown"] = _differing(certain, grown[~_strange(grown, folder)])
            made["grown_lost"] = int((~_in(certain, grown)).sum())
            made["grown_in_thousand"] = 1000 * made["grown"] / max(len(certain), 1)
    return made


def _differing(one: pd.DataFrame, other: pd.DataFrame) -> int:
    """How many pairs are in one of two lists only, or in both with another band."""
    columns = ["left_id", "right_id", "band"]
    lists = [set(f[columns].itertuples(index=False, name=None)) for f in (one, other)]
    return len({p[:2] for p in lists[0] ^ lists[1]})


def _scores_apart(one: pd.DataFrame, other: pd.DataFrame) -> float:
    """How far the scores of a pair that both lists have are apart at the most."""
    both = one.merge(other, on=["left_id", "right_id"])
    return float((both["score_x"] - both["score_y"]).abs().max()) if len(both) else 0.0


def _strange(pairs: pd.DataFrame, folder: Path) -> pd.Series:
    """Pairs with a record that was added."""
    return ~(pairs["left_id"].isin(_ids(folder, "left")) & pairs["right_id"].isin(_ids(folder, "right")))


def _ids(folder: Path, hand: str) -> pd.Series:
    return pd.read_csv(folder / f"{hand}.csv", dtype=str, usecols=["id"])["id"]


def _grow(file: Path, other: Path, to: Path) -> None:
    """A tenth more rows, taken from another file, with numbers of their own.

    The generator numbers the records of every seed alike: without that a third of the strangers would have the
    number of a record here, and would teach, rightly, that a number says little.
    """
    rows, more = (pd.read_csv(f, dtype=str, keep_default_na=False) for f in (file, other))
    if "number" in more:
        hand = "8" if "left" in file.name else "9"
        more["number"] = (hand + more["number"]).where(more["number"] != "", "")
    pd.concat([rows, more.head(len(rows) // 10)], ignore_index=True).to_csv(to, index=False)


if __name__ == "__main__":
    raise SystemExit(main())
