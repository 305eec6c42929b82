"""The API for gateway, edge and sidecars: each proves its role and gets only what that needs."""
