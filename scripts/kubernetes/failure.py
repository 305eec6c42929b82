"""The one error of these scripts."""


class ClusterError(Exception):
    """The cluster can't be had; the text is for a person."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(f"{message}\nhint:  {hint}" if hint else message)
