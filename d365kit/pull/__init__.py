"""Two services → Snapshot: every kind on both sides with the same columns and one blank, whole or not at all."""

from d365kit.pull.declared import Problem, check_catalogue
from d365kit.pull.pull import Progress, pull
from d365kit.pull.reading import Reader

__all__ = ["Problem", "Progress", "Reader", "check_catalogue", "pull"]
