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
    #: Limits are enforced, on both sides; off, requests are only counted (103 to 106, 263 to 266).
    service_protection: bool = True
    #: BC's 429 carries a Retry-After, which is not promised (103).
    bc_retry_after: bool = False
    #: How Dataverse writes the codes of errors: hex, decimal, zero (``0x0``) or empty (263, 270).
    dv_error_codes: str = "hex"
    #: Dataverse tells in two headers what is left of the limits (269).
    dv_ratelimit_headers: bool = True
    #: Dataverse asks clients to stay with one web server (272), and how many there are, each with limits of its own.
    dv_affinity_cookie: bool = True
    dv_web_servers: int = 1
    #: The most rows of one page; on-premises BC has a setting for it (19, 135).
    bc_page_maximum: int = 20_000
    dv_page_maximum: int = 5_000
    #: Dataverse: a status reason of another state takes the state along instead of being refused (261).
    dv_reason_moves_state: bool = False
    #: Dataverse: the status of a write that a duplicate detection rule refuses; older documents say 500 (200).
    dv_duplicate_status: int = 412
    #: Dataverse: how long a new alternate key is built, in seconds of the sandbox's clock (210).
    dv_key_build_seconds: float = 0.0
    #: Dataverse: the status of a change to a document that is closed; 400 in some reports (259).
    dv_read_only_status: int = 403
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
    #: How many requests at once Dataverse recommends in a header of every answer (122).
    dv_dop_hint: int = 16
