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
