"""What `pai up` leaves running: it starts control, gateway and edge, and keeps them alive.

Each child has its own session and log, is restarted with backoff, and dies with the supervisor,
also when that is killed. `python -m pai.cli.supervisor` is the detached form.
"""
