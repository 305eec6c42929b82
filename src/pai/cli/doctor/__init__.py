"""`pai doctor`: everything that the platform needs from this machine, looked at one by one."""

from pai.cli.doctor.examination import examine

__all__ = ["examine"]
