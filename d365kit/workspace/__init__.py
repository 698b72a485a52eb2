"""The desk: a folder with its settings, and the verbs wired together; it decides nothing itself."""

from d365kit.workspace.desk import Workspace

__all__ = ["Workspace"]
