"""Control on a cluster: every replica mirrors, publishes and answers; the one that leads writes."""
