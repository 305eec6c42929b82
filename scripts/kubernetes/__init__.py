"""A real Kubernetes of one node for the tests, made from packages and Go modules alone."""
