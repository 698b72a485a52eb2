"""Work of a kind with many fields → Ranking: candidates weighed, assigned one to one, banded, and explained."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from d365kit.match.assign import Assignment, assign, bands
from d365kit.match.explain import evidence_column, reason_column
from d365kit.match.linkage import Candidates
from d365kit.match.rivals import relations, runner_ups, settling
from d365kit.match.ranking import Ranking, Tell, ranks
from d365kit.match.templates import MISSING
from d365kit.match.train import Model
from d365kit.match.weigh import Weighed
from d365kit.match.work import State, Work

#: A candidate less probable than this, were it the only one, is not worth a look.
WORTH_A_LOOK = 0.02
#: So many candidates of one record are shown.
SHOWN = 5
