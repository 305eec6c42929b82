"""What the tests with a real Kubernetes stand on."""
