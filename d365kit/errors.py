"""What went wrong, as one tree; every error says what happened and what to do.

D365KitError
├ SettingsError            a setting, a file of the workspace, or the command's own words
│ └ UnknownKind            a kind the catalogue does not have
├ ServiceError             one of the two services, or the way to it
│ ├ Unreachable            no answer at all
│ ├ SignInFailed           401
│ ├ Forbidden              403
│ ├ Throttled              429, after all the waiting the service asked for
│ ├ StaleRecord            the record changed since it was read (BC 409, DV 412)
│ ├ NotThere               404: the record, or the table
│ └ Refused                the service understood and said no; its words are in the message
├ PullIncomplete           rows are missing, or a side that had rows is empty
├ LedgerError
│ ├ AlreadyCoupled         one of the two records has another partner
│ ├ UnknownRecord          no such record in the snapshot or the ledger
│ └ NothingToUndo
├ SuiteError               an expectation suite that cannot be trusted
└ PlanError
  ├ StalePlan              the snapshot or the ledger moved since the plan was made
  ├ UnsafePlan             more changes than the limits allow
  └ Unresolved             conflicts without an answer
"""

from __future__ import annotations


class D365KitError(Exception):
    """Base of all errors a user can cause or meet.

    ``what`` says what happened and ``todo`` what to do about it, each in one sentence; ``str()`` gives
    both. ``exit_code`` is what the command line ends with.
    """

    exit_code = 2

    def __init__(self, what: str, todo: str = "") -> None:
        super().__init__(what, todo)
        self.what = what
        self.todo = todo

    def __str__(self) -> str:
        return f"{self.what} {self.todo}".strip()


class SettingsError(D365KitError, ValueError):
    """A setting or a workspace file is missing, misspelt or of another version."""


class UnknownKind(SettingsError):
    """A kind that the catalogue does not have."""


class ServiceError(D365KitError):
    """A service could not be asked, or did not do what was asked.

    ``side`` is ``bc`` or ``dv``; ``status`` is the HTTP status or 0 when there was no answer; ``code`` is
    the service's own code; ``request_id`` is what the service's support asks for; ``transient`` says
    whether the same request may succeed later.
    """

    exit_code = 3
    transient = False

    def __init__(
        self,
        what: str,
        todo: str = "",
        *,
        side: str = "",
        method: str = "",
        url: str = "",
        status: int = 0,
        code: str = "",
        request_id: str = "",
        transient: bool | None = None,
    ) -> None:
        super().__init__(what, todo)
        self.side, self.method, self.url = side, method, url
        self.status, self.code, self.request_id = status, code, request_id
        if transient is not None:
            self.transient = transient


class Unreachable(ServiceError, ConnectionError):
    """No answer came, or an answer that broke off."""

    transient = True


class SignInFailed(ServiceError, PermissionError):
    """The service did not accept who we say we are (401)."""


class Forbidden(ServiceError, PermissionError):
    """The service knows us and does not let us (403)."""


class Throttled(ServiceError):
    """The service's limits were met and waiting did not help (429)."""

    transient = True


class StaleRecord(ServiceError):
    """The record changed since it was read (BC 409 Request_EntityChanged, DV 412 0x80060882)."""


class NotThere(ServiceError, LookupError):
    """The record or the table is not there (404)."""


class Refused(ServiceError):
    """The service understood the request and refused it; its own words are in the message."""


class PullIncomplete(D365KitError):
    """Rows are missing: a page, a table, or a side that had rows last time and has none now."""

    exit_code = 3


class LedgerError(D365KitError):
    """The ledger refuses what would break it."""


class AlreadyCoupled(LedgerError):
    """One of the two records is already coupled to another one (coupling.md section 2)."""


class UnknownRecord(LedgerError, LookupError):
    """A record id that neither the snapshot nor the ledger knows."""


class NothingToUndo(LedgerError):
    """There is no decision left to take back."""


class SuiteError(D365KitError):
    """An expectation suite cannot be trusted: unknown expectation, missing frame or column, empty suite."""


class PlanError(D365KitError):
    """The plan must not be applied as it stands."""

    exit_code = 4


class StalePlan(PlanError):
    """The snapshot or the ledger moved since the plan was made."""


class UnsafePlan(PlanError):
    """The plan changes more than the limits allow."""


class Unresolved(PlanError):
    """The plan holds conflicts nobody has answered."""
