"""The same read by Microsoft's Dataverse client for Python: run in the environment of tests/foreign, alone."""

import json
import resource
import sys
import time
import warnings
from pathlib import Path

from azure.core.credentials import AccessToken
from PowerPlatform.Dataverse.client import DataverseClient


class Fixed:
    """A credential with one token."""

    def __init__(self, token):
        self.token = token

    def get_token(self, *scopes, **more):
        return AccessToken(self.token, int(time.time()) + 3600)


def main(root, token, columns):
    warnings.simplefilter("ignore")
    # The constructor wants https; a private attribute leads it to the plain listener, which spares it the TLS.
    client = DataverseClient("https://127.0.0.1", Fixed(token))
    client._base_url = root.removesuffix("/api/data/v9.2")
    start = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20
    began, used = time.perf_counter(), time.process_time()
    frame = client.dataframe.get("account", select=columns.split(","))
    result = {"rows": len(frame), "columns": len(columns.split(",")), "seconds": time.perf_counter() - began}
    result["cpu"] = time.process_time() - used
    result["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - start
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:4])
