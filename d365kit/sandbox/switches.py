"""Named switches: what live services do differently between releases and deployments."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Switches:
    """How the emulated services behave where live ones differ; every field may be set while the sandbox runs.

    The defaults are what the newest online services do. Source: conformance.md, the lines named.
    """

    #: BC runs on-premises: access keys sign in (16), the API service may be off (15).
    bc_on_premises: bool = False
    #: The API service of a BC on-premises server; off, every call answers 405 (15).
    bc_api_enabled: bool = True
    #: What BC answers to a refused token: "json", "empty" or "html" (3).
    bc_refused_body: str = "json"
    #: The status for an application without a permission set, 401 or 403 (5).
    bc_unpermitted_status: int = 403
    #: The name of the company that requests without one go to; "" leaves them refused when there are several (10).
    bc_default_company: str = ""
    #: NextLinks pass a gateway: another casing of the environment, and the tenant as an option (23).
    bc_gateway_links: bool = False
    #: A URL that is too long is refused by the web server in HTML instead of JSON (41).
    bc_long_url_html: bool = True
    #: The status for a duplicate key, 400 or 409 (60).
    bc_duplicate_status: int = 400
    #: The status for a stale etag: 409, or 412 as older documents have it (73, 74).
    bc_stale_status: int = 409
    #: A PATCH with equal values still counts as a change (76).
    bc_equal_values_touch: bool = False
    #: A batch whose first part fails answers that part only (97).
    bc_batch_ends_at_first: bool = True
    #: The status for a published service that does not exist (119).
    bc_unpublished_status: int = 404
