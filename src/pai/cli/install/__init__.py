"""`pai install kubernetes` and `pai uninstall kubernetes`: the platform put on a cluster."""
