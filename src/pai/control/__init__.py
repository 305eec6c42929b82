"""Control: the one process that knows everything and decides.

`http` is the API for people, `internal` the one for gateway, edge and sidecars; `worker` brings
agents to what their documents say; `publish` tells the data plane. Started by `pai up` as
`python -m pai.control --data DATA`.
"""
