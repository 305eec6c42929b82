"""`--extra-ca-file`: certificate authorities of a company's own upstreams."""

from pathlib import Path

from pai.cli.failures import CommandError


def authorities(file: str | None) -> str | None:
    """Return the file's text; "" for no file any more, None when nothing was said.

    Raises CommandError when it can't be read; the renderer judges what is in it.
    """
    if not file:
        return file
    try:
        return Path(file).read_text(encoding="ascii")
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or "not PEM"
        raise CommandError(f"--extra-ca-file: {file}: {said}") from None
