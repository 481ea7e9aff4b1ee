"""The base of the tests of pipes that come, change and go."""

import json

from .case import BridgeCase


class ChangeCase(BridgeCase):
    def put(self, server, name, entry, **options):
        body = entry if isinstance(entry, bytes) else json.dumps(entry).encode()
        return server.request("PUT", f"/api/v1/pipes/{name}", body,
                              {"Content-Type": "application/json"}, **options)

    def patch(self, server, name, patch, media="application/merge-patch+json"):
        return server.request("PATCH", f"/api/v1/pipes/{name}", json.dumps(patch).encode(),
                              {"Content-Type": media})

    def delete(self, server, name, query=""):
        return server.request("DELETE", f"/api/v1/pipes/{name}{query}")

    def names(self, server):
        return [entry["name"] for entry in server.get("/api/v1/pipes").json["pipes"]]

    def files(self, server):
        return sorted(path.name for path in server.runtime.iterdir())
