"""The command line of every part; pure."""

from scripts.kubernetes.place import (
    API_PORT,
    CONTROLLERS_PORT,
    ETCD_PEER_PORT,
    ETCD_PORT,
    NODE,
    NODE_IP,
    POD_RANGE,
    SCHEDULER_PORT,
    SERVICE_RANGE,
    Place,
)

CONTROL_PLANE = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
NODE_PARTS = ("containerd", "kubelet", "kube-proxy", "coredns")


def command(place: Place, part: str) -> list[str]:
    """Return what starts a part."""
    builders = {
        "etcd": etcd,
        "kube-apiserver": api_server,
        "kube-controller-manager": controllers,
        "kube-scheduler": scheduler,
        "containerd": containerd,
        "kubelet": kubelet,
        "kube-proxy": proxy,
        "coredns": coredns,
    }
    return builders[part](place)


def etcd_url(place: Place) -> str:
    """Return where etcd answers."""
    return f"http://127.0.0.1:{place.port(ETCD_PORT)}"


def etcd(place: Place) -> list[str]:
    """Return etcd's. It never syncs: what it holds does not outlive the machine anyway."""
    peers = f"http://127.0.0.1:{place.port(ETCD_PEER_PORT)}"
    return [
        place.part("etcd"),
        f"--data-dir={place.root / 'etcd'}",
        f"--listen-client-urls={etcd_url(place)}",
        f"--advertise-client-urls={etcd_url(place)}",
        f"--listen-peer-urls={peers}",
        f"--initial-advertise-peer-urls={peers}",
        f"--initial-cluster=default={peers}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def api_server(place: Place) -> list[str]:
    """Return the API server's, with the aggregation layer.

    Aggregator routing goes straight to endpoints, so that an aggregated API can be a process of
    the machine where there is no kube-proxy.
    """
    pki = place.pki
    return [
        place.part("kube-apiserver"),
        f"--etcd-servers={etcd_url(place)}",
        f"--service-cluster-ip-range={SERVICE_RANGE}",
        "--bind-address=0.0.0.0",
        f"--advertise-address={NODE_IP}",
        f"--secure-port={place.port(API_PORT)}",
        f"--tls-cert-file={pki / 'apiserver.crt'}",
        f"--tls-private-key-file={pki / 'apiserver.key'}",
        f"--client-ca-file={pki / 'ca.crt'}",
        f"--service-account-key-file={pki / 'service-accounts.pub'}",
        f"--service-account-signing-key-file={pki / 'service-accounts.key'}",
        "--service-account-issuer=https://kubernetes.default.svc",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged",
        f"--kubelet-client-certificate={pki / 'admin.crt'}",
        f"--kubelet-client-key={pki / 'admin.key'}",
        f"--kubelet-certificate-authority={pki / 'ca.crt'}",
        "--kubelet-preferred-address-types=InternalIP",
        *_aggregation(place),
    ]


def _aggregation(place: Place) -> list[str]:
    """Return the flags by which the API server vouches for users to an aggregated API."""
    return [
        f"--requestheader-client-ca-file={place.pki / 'front-proxy-ca.crt'}",
        "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-username-headers=X-Remote-User",
        f"--proxy-client-cert-file={place.pki / 'front-proxy-client.crt'}",
        f"--proxy-client-key-file={place.pki / 'front-proxy-client.key'}",
        "--enable-aggregator-routing=true",
    ]


def controllers(place: Place) -> list[str]:
    """Return the controller manager's; volumes are directories of the node."""
    return [
        place.part("kube-controller-manager"),
        f"--kubeconfig={place.kubeconfig('controllers')}",
        "--bind-address=127.0.0.1",
        f"--secure-port={place.port(CONTROLLERS_PORT)}",
        f"--root-ca-file={place.pki / 'ca.crt'}",
        f"--service-account-private-key-file={place.pki / 'service-accounts.key'}",
        "--use-service-account-credentials",
        "--leader-elect=false",
        "--enable-hostpath-provisioner",
        "--kube-api-qps=500",  # it begins with an account and a token for every controller
        "--kube-api-burst=500",
    ]


def scheduler(place: Place) -> list[str]:
    """Return the scheduler's."""
    kubeconfig = f"--kubeconfig={place.kubeconfig('scheduler')}"
    return [
        place.part("kube-scheduler"),
        kubeconfig,
        "--bind-address=127.0.0.1",
        f"--secure-port={place.port(SCHEDULER_PORT)}",
        "--leader-elect=false",
    ]


def containerd(place: Place) -> list[str]:
    """Return containerd's."""
    return ["containerd", f"--config={place.root / 'containerd.toml'}"]


def kubelet(place: Place) -> list[str]:
    """Return the kubelet's."""
    return [
        place.part("kubelet"),
        f"--config={place.root / 'kubelet.json'}",
        f"--kubeconfig={place.kubeconfig('kubelet')}",
        f"--root-dir={place.root / 'kubelet'}",
        f"--hostname-override={NODE}",
        f"--node-ip={NODE_IP}",
    ]


def proxy(place: Place) -> list[str]:
    """Return kube-proxy's; what all of the machine shares (conntrack's size) stays as it is."""
    return [
        place.part("kube-proxy"),
        f"--kubeconfig={place.kubeconfig('proxy')}",
        "--proxy-mode=nftables",
        f"--cluster-cidr={POD_RANGE}",
        f"--hostname-override={NODE}",
        "--conntrack-max-per-core=0",
    ]


def coredns(place: Place) -> list[str]:
    """Return CoreDNS'."""
    return [place.part("coredns"), "-conf", str(place.root / "Corefile")]
