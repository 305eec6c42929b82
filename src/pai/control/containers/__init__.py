"""Control's side of a container engine on one machine: its bridge, its ports, its replicas."""
