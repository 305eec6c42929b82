"""A platform on Kubernetes, spoken to through the cluster's own API server and credentials."""
