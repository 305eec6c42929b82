"""Make the API server trust control's certificate, and so serve `platform.pai.io`."""

import base64

from pai.control.kubernetes.front import GROUP, VERSION
from pai.kube import Kube
from pai.kube.kinds import API_SERVICES
from pai.runtime.kubernetes.execute import MANAGER

NAME = f"{VERSION}.{GROUP}"


async def trust_front(kube: Kube, ca_pem: str) -> None:
    """Put our authority into the APIService, unless it is there. Raises KubeRefusedError."""
    found = await kube.get(API_SERVICES, NAME)
    bundle = base64.b64encode(ca_pem.encode()).decode()
    if found is not None and found["spec"].get("caBundle") == bundle:
        return
    change = {"spec": {"caBundle": bundle}}
    await kube.patch(API_SERVICES, NAME, None, change, manager=MANAGER)
