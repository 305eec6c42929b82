"""The platform's objects in the order in which they are applied."""

from pai.render.platform.access import control_access, service_accounts
from pai.render.platform.configuration import data_claim, settings_map, system_namespace
from pai.render.platform.control import api_service, control_deployment, control_service
from pai.render.platform.data_plane import (
    edge_deployment,
    edge_ingress,
    edge_service,
    gateway_deployment,
    gateway_service,
)
from pai.render.platform.manifest import CONTROL, EDGE, GATEWAY, Manifest
from pai.render.platform.network import network_policies
from pai.render.platform.options import Options, checked
from pai.render.platform.people import roles_for_people
from pai.render.platform.pods import disruption_budget


def render_platform(options: Options) -> tuple[Manifest, ...]:
    """Return everything but the resource definitions, in the order to apply it.

    Raises SpecError when no platform can be made of `options`.
    """
    options = checked(options)
    return (
        system_namespace(options),
        *service_accounts(options),
        *control_access(options),
        *roles_for_people(),
        settings_map(options),
        *([data_claim(options)] if options.database == "sqlite" else []),
        *network_policies(options),
        control_service(options),
        gateway_service(options),
        edge_service(options),
        *([edge_ingress(options)] if options.tls_secret else []),
        *_budgets(options),
        control_deployment(options),
        gateway_deployment(options),
        edge_deployment(options),
        api_service(options),
    )


def _budgets(options: Options) -> tuple[Manifest, ...]:
    """Return a budget for what runs more than once; one SQLite control may always be moved."""
    components = (CONTROL, GATEWAY, EDGE) if options.controls > 1 else (GATEWAY, EDGE)
    return tuple(disruption_budget(options, component) for component in components)
