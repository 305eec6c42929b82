"""The edge: public HTTP in, to the right agent's sidecar, from the addresses it allows."""
