"""Snapshot + ledger → Proposals: for every uncoupled record of a kind, its ranked candidates on the other side.

`propose` is the verb. `prepare` gathers who takes part, normalised. Then either `rules` lets codes decide, or
`evidence` weighs many fields: `linkage` finds candidate pairs and their levels of agreement, `train` learns
weights and probabilities, `assign` chooses one to one and draws the bands. `ranking` and `explain` write down.
"""

from __future__ import annotations

from collections.abc import Callable

from d365kit.errors import SettingsError
from d365kit.kinds import Catalogue, default_catalogue
#from d365kit.match.evidence import by_evidence
from d365kit.match.prepare import Couplings, pool
#from d365kit.match.ranking import Prints, rows_of
#from d365kit.match.rules import by_keys
from d365kit.nouns import Proposals, Snapshot

Progress = Callable[[str, int, int], None]


def propose(
    snapshot: Snapshot,
    ledger: Couplings,
    kind: str,
    *,
    catalogue: Catalogue | None = None,
    progress: Progress | None = None,
) -> Proposals:
    """Propose couplings for the records of ``kind`` that have none.

    Records already coupled, or marked to be created, take no part; a rejected pair comes back only when one of
    its compared values changed. Every other record appears, at least with the band “nothing found”.
    ``progress`` is called with a text, the steps done and the steps there are.

    Raises UnknownKind when the catalogue or the snapshot lacks the kind, and SettingsError when the kind has no
    matching rules or its rules cannot be read.
    """
    tell = progress or (lambda text, done, total: None)
    known = (catalogue or default_catalogue())[kind]
    ways = {"keys": by_keys, "evidence": by_evidence}
    way = ways.get(str(known.match.get("by", "")))
    if way is None:
        raise SettingsError(
            f"There are no matching rules for “{kind}”.",
            f"Give it a table in matching.toml with by = one of: {', '.join(ways)}.",
        )
    tell(f"{known.title}: preparing", 0, 4)
    gathered = pool(snapshot, ledger, known)
    prints = Prints(gathered)
    ranking = way(gathered, prints.refused(ledger.rejected(kind)), tell)
    rows = rows_of(gathered, ranking, prints)
    tell(f"{known.title}: done", 4, 4)
    return Proposals.from_rows(kind, snapshot.id, ledger.position, rows)


__all__ = ["Couplings", "Progress", "propose"]
