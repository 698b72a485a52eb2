"""The nouns of the pipeline: frozen, made of frames and plain values, and able to show themselves."""

from d365kit.nouns.findings import COVERAGE_COLUMNS, FINDING_COLUMNS, SEVERITIES, Findings
from d365kit.nouns.ledger_lines import FIRSTS, VERDICTS, Decision, Pair
from d365kit.nouns.plan import ACTIONS, Change, FieldChange, Limits, Plan
from d365kit.nouns.proposals import BANDS, PROPOSAL_COLUMNS, Proposals
from d365kit.nouns.report import Report
from d365kit.nouns.run import OUTCOME_COLUMNS, Outcome, Run, Skipped
from d365kit.nouns.snapshot import Provenance, Sides, Snapshot
from d365kit.nouns.unlocks import UNLOCK_COLUMNS, Unlocks

__all__ = [
    "ACTIONS",
    "BANDS",
    "COVERAGE_COLUMNS",
    "FINDING_COLUMNS",
    "FIRSTS",
    "OUTCOME_COLUMNS",
    "PROPOSAL_COLUMNS",
    "SEVERITIES",
    "UNLOCK_COLUMNS",
    "VERDICTS",
    "Change",
    "Decision",
    "FieldChange",
    "Findings",
    "Limits",
    "Outcome",
    "Pair",
    "Plan",
    "Proposals",
    "Provenance",
    "Report",
    "Run",
    "Sides",
    "Skipped",
    "Snapshot",
    "Unlocks",
]
