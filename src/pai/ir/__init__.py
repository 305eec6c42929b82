"""The resolved, frozen form of everything: what the rest of Pai reasons about.

Built by `pai.translate` from resources, read by `pai.render`, `pai.reconcile` and the data plane.
Secrets are names here; only `pai.ir.snapshot` carries values, and only to the process that may
hold them. All types are msgspec structs: frozen, comparable, encodable as JSON and cheap to load,
so that the data plane needs no other library for them.
"""
