"""d365kit: reconcile Dynamics 365 Business Central with Dynamics 365 Sales from notebooks.

    import d365kit
    ws = d365kit.demo()          # or d365kit.open("contoso")
    ws.pull(); ws.propose("customer"); ws.confirm("customer", band="certain")
    ws.check(); plan = ws.plan(); ws.apply(plan); ws.report("today.html")

Everything heavy is imported when it is first used.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from d365kit.workspace import Workspace

__version__ = "0.1.0"

__all__ = ["Workspace", "__version__", "demo", "open"]


def open(path: str | Path = ".") -> Workspace:
    """Open the workspace in ``path``. Raises SettingsError when there is none or its settings are wrong."""
    from d365kit.workspace import Workspace

    return Workspace(path)


def demo(path: str | Path = "d365kit-demo", *, customers: int | None = None, seed: int | None = None) -> Workspace:
    """Open the demo company in ``path``, making it first if need be; needs no service and no sign-in."""
    from d365kit.workspace import Workspace

    return Workspace.demo(path, customers=customers, seed=seed)


def __getattr__(name: str) -> object:
    if name == "Workspace":
        from d365kit.workspace import Workspace

        return Workspace
    raise AttributeError(f"module 'd365kit' has no attribute {name!r}")
