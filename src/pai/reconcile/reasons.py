"""Every reason a condition may carry, each with its one meaning. Source of docs/reference."""

CONDITIONS: dict[str, str] = {
    "Ready": "at least one replica serves",
    "Accepted": "every name the spec refers to exists",
    "Paused": "no replica is wanted",
    "BudgetExhausted": "the agent's tokens of the day are spent",
    "Exposed": "the directories of `expose` are served; only with `expose`",
    "FilesystemConfined": "writing is confined as asked; only with `filesystem`",
    "ScalingActive": "the autoscaler decides the replica count; only with `autoscaling`",
    "FieldsIgnored": "the spec holds fields without effect in this version; only then",
}

REASONS: dict[str, str] = {
    "Serving": "a replica's sidecar is ready, its agent runs and its port, if any, accepts",
    "Starting": "containers are being started, or have just been",
    "WaitsItsTurn": "the replica is replaced once another one serves",
    "PullingImage": "an image is on its way",
    "ImagePullFailed": "an image could not be pulled; tried again with backoff",
    "StartRefused": "the engine refused to create or start a container; tried again with backoff",
    "SidecarNotReady": "the sidecar runs and has no valid configuration yet",
    "PortClosed": "the agent runs and does not accept connections on `inbound.port`",
    "Exited": "a container ended; started again with backoff",
    "OOMKilled": "a container went over its memory limit; started again with backoff",
    "NetworkLost": "the container that holds a replica's network ended; the replica is rebuilt",
    "Resolved": "all references were found",
    "RefNotFound": "a name in the spec points to nothing",
    "InvalidSpec": "the spec can't work as written",
    "PausedByUser": "`paused` is true",
    "ScaledToZero": "`replicas` is 0",
    "Active": "replicas are wanted",
    "Deleting": "deletion has begun",
    "BudgetSpent": "a limit of tokens per day was reached; ends at midnight UTC",
    "WithinBudget": "tokens are left for today",
    "Served": "all exposed directories lie on volumes of the agent",
    "OutsideVolumes": "an exposed directory lies on no volume and can't be seen from outside",
    "NotBuilt": "this version accepts the field and does nothing with it",
}
