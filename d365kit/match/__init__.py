"""Snapshot + ledger → Proposals: for every uncoupled record of a kind, its ranked candidates on the other side.

`propose` is the verb. `work` gathers what no decision changes: `prepare` the normalised records, and for kinds
with many fields the candidates, which `blocking` and `grams` find and `levels` compares (`linkage`), on DuckDB or on
`spark` (`engines`). Then either `rules` lets codes decide, or `evidence` weighs: `train` learns weights and
probabilities, `learn` what people's answers add, `assign` chooses one to one and draws the bands (`weigh`). `rivals`,
`explain` and `ranking` write down.

The rule “exact” goes another way, that of Business Central's own coupling: `criteria` says which fields, `agreeing`
which records agree in them, `exact` who is coupled with whom, and `exact_words` why the others are not.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

import pandas as pd

from d365kit.errors import SettingsError
from d365kit.kinds import Catalogue, default_catalogue
from d365kit.match.criteria import groups_of
from d365kit.match.engines import ENGINES, check
from d365kit.match.evidence import by_evidence, questions
from d365kit.match.exact import by_criteria
from d365kit.match.prepare import Couplings
from d365kit.match.ranking import Tell as Progress
from d365kit.match.ranking import write
from d365kit.match.rules import by_keys
from d365kit.match.work import State, work_on
from d365kit.nouns import Proposals, Snapshot

#: By the kind's own matching rules, or by equal values as Business Central couples.
RULES = ("evidence", "exact")


def propose(
    snapshot: Snapshot,
    ledger: Couplings,
    kind: str,
    *,
    rule: str = "evidence",
    criteria: str | Sequence[str] | None = None,
    catalogue: Catalogue | None = None,
    progress: Progress | None = None,
    details: bool = True,
    engine: str = "duckdb",
) -> Proposals:
    """Propose couplings for the records of ``kind`` that have none.

    Records already coupled, or marked to be created, take no part; a rejected pair comes back only when one of
    its compared values changed. Every other record appears, at least with the band “nothing found”.
    With ``rule`` “exact”, equal values decide, as in Business Central's match-based coupling. ``criteria`` are its
    groups of fields in the order in which they are tried, such as ``["number", "name+city!"]``: all fields of a
    group must agree, ``!`` minds upper and lower case; None takes those of exact.toml. `Proposals.reasons` counts
    why records stayed free.
    ``progress`` is called with a text, the steps done and the steps there are. Without ``details`` the columns
    evidence, runner_up, settles and fingerprint stay empty, which for a million records spares much.
    ``engine`` is what candidates are found and compared with, ``duckdb`` or ``spark`` (docs/matching_spark.md).

    Raises UnknownKind when the catalogue or the snapshot lacks the kind, and SettingsError when the kind has no
    matching rules or its rules cannot be read, for an unknown rule or engine, and for criteria as
    `criteria.groups_of` does.
    """
    tell = progress or (lambda text, done, total: None)
    known = (catalogue or default_catalogue())[kind]
    _check_rule(rule, criteria)
    check(engine)
    if rule == "exact":
        groups = groups_of(known, criteria, snapshot)
        records, ranking, prints = by_criteria(snapshot, ledger, known, groups, tell, details=details)
        frame = write(records, ranking, prints if details else None)
        tell(f"{known.title}: done", 4, 4)
        return Proposals(kind, snapshot.id, ledger.position, frame)
    ways = {"keys": by_keys, "evidence": by_evidence}
    way = ways.get(str(known.match.get("by", "")))
    if way is None:
        raise SettingsError(
            f"There are no matching rules for “{kind}”.",
            f"Give it a table in matching.toml with by = one of: {', '.join(ways)}.",
        )
    work = work_on(snapshot, ledger, known, tell, engine)
    ranking = way(work, State.of(work, ledger), tell, details=details)
    frame = write(work.pool, ranking, work.prints if details else None)
    tell(f"{known.title}: done", 4, 4)
    return Proposals(kind, snapshot.id, ledger.position, frame)


def ask(
    snapshot: Snapshot,
    ledger: Couplings,
    kind: str,
    count: int = 20,
    *,
    catalogue: Catalogue | None = None,
    progress: Progress | None = None,
    engine: str = "duckdb",
) -> pd.DataFrame:
    """The pairs of ``kind`` on which an answer teaches most: rows of `Proposals`, the most doubtful first.

    Confirm or reject each of them in the ledger, and propose again: comparisons and thresholds follow the answers.
    No record stands in two rows. Fewer rows, or none, come back where fewer pairs are in doubt.
    Raises as `propose` does, and SettingsError for a kind that codes decide.
    """
    tell = progress or (lambda text, done, total: None)
    known = (catalogue or default_catalogue())[kind]
    if known.match.get("by") != "evidence":
        raise SettingsError(
            f"Codes decide for “{kind}”, so there is nothing to learn from answers.", f"Run: d365kit propose {kind}."
        )
    if count < 1:
        raise SettingsError(f"{count} questions teach nothing.", "Ask for 20 or so.")
    work = work_on(snapshot, ledger, known, tell, check(engine))
    state = State.of(work, ledger)
    return write(work.pool, questions(work, state, count), work.prints, in_order=True)


def _check_rule(rule: str, criteria: object) -> None:
    if rule not in RULES:
        near = get_close_matches(rule, RULES, 1, 0.5)
        raise SettingsError(
            f"There is no rule “{rule}”.",
            f"Did you mean “{near[0]}”?" if near else f"Use one of: {', '.join(RULES)}.",
        )
    if rule != "exact" and criteria is not None:
        raise SettingsError("Criteria were given, which only the rule “exact” goes by.", "Add --rule exact.")


__all__ = ["ENGINES", "RULES", "Couplings", "Progress", "ask", "propose"]
