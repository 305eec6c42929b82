"""What the edge itself answers: JSON for programs, a page for browsers. Pure."""

from html import escape
from typing import NamedTuple

import msgspec

from pai.wire.message import Headers

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8">{refresh}<title>{title}</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:36rem;margin:15vh auto;padding:0 1rem}}
h1{{font-size:1.3rem}}p{{color:#555}}</style><h1>{title}</h1><p>{message}</p></html>
"""


class Page(NamedTuple):
    """An answer in the making. retry_after: seconds, None = no use in trying again."""

    status: int
    code: str
    title: str
    message: str
    retry_after: int | None = None


def render(page: Page, accept: bytes | None) -> tuple[int, Headers, bytes]:
    """Return status, fields and body of `page` in the form that `accept` asks for."""
    headers: Headers = [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]
    if page.retry_after is not None:
        headers.append((b"retry-after", b"%d" % page.retry_after))
    if b"text/html" in (accept or b"").lower():
        again = page.retry_after
        refresh = "" if again is None else f'<meta http-equiv="refresh" content="{again}">'
        text = _PAGE.format(refresh=refresh, title=escape(page.title), message=escape(page.message))
        headers.append((b"content-type", b"text/html; charset=utf-8"))
        return page.status, headers, text.encode()
    headers.append((b"content-type", b"application/json"))
    body = msgspec.json.encode({"error": {"code": page.code, "message": page.message}})
    return page.status, headers, body
