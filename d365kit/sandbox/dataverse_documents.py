"""Actions that close, win, convert and lock sales documents → Reply. Source: dataverse.md section 15."""

from __future__ import annotations

from collections.abc import Callable

from d365kit.sandbox.dataverse_call import Call
from d365kit.sandbox.wire import Reply

DOCUMENT_ACTIONS: dict[str, Callable[[Call], Reply]] = {}
