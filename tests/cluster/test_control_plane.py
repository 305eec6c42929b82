"""The stage itself: a control plane without a node."""

import json

from tests.cluster.stage.cluster import Cluster


def test_the_aggregation_layer_is_configured(control_plane: Cluster) -> None:
    shown = control_plane.get(
        "configmap", "extension-apiserver-authentication", "-n", "kube-system"
    )
    assert "BEGIN CERTIFICATE" in shown["data"]["requestheader-client-ca-file"]
    assert json.loads(shown["data"]["requestheader-allowed-names"]) == ["front-proxy-client"]


def test_the_cluster_survives_its_api_server(control_plane: Cluster) -> None:
    before = control_plane.pids
    control_plane.restart_api_server()
    after = control_plane.pids
    changed = {part for part in before if before[part] != after[part]}
    assert changed == {"kube-apiserver"}
    assert control_plane.get("namespace", "default")["status"]["phase"] == "Active"
