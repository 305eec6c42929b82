"""`pai doctor`: everything that the platform needs, looked at one by one."""

from pai.cli.doctor.examination import examine

__all__ = ["examine"]
