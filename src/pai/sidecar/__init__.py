"""The sidecar: the only way out of an agent's network namespace, and the only way in.

One process a replica, in a container of its own. It answers the agent's DNS questions, ends the
TLS of the services the agent may use, applies their policy, puts credentials in on the way out
and takes them out of what comes back. Keys are in its memory only.
"""
