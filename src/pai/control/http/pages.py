"""The pages a person may open in a browser: a list of all calls, without any foreign script."""

from html import escape
from typing import Any

_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "code{background:#8882;padding:.1rem .3rem;border-radius:.2rem}"
    "td{padding:.2rem .8rem .2rem 0;vertical-align:top}h2{margin-top:2rem}"
    "@media(prefers-color-scheme:dark){body{background:#111;color:#ddd}a{color:#8bf}}"
)


def api_page(schema: dict[str, Any]) -> str:
    """Return the page that lists all calls of an OpenAPI schema."""
    groups: dict[str, list[str]] = {}
    for path, calls in schema["paths"].items():
        for method, call in calls.items():
            group = (call.get("tags") or ["platform"])[0]
            groups.setdefault(group, []).append(_row(method, path, call))
    body = "".join(
        f"<h2>{escape(group)}</h2><table>{''.join(rows)}</table>" for group, rows in groups.items()
    )
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Pai API</title>"
        f"<style>{_STYLE}</style><h1>Pai API {escape(schema['info']['version'])}</h1>"
        "<p>Every call but the open ones needs the header <code>Authorization: Bearer pai_tok_…"
        "</code>. Machine-readable: <a href=openapi.json>openapi.json</a>.</p>"
        f"{body}</html>"
    )


def _row(method: str, path: str, call: dict[str, Any]) -> str:
    parameters = ", ".join(
        f"<code>{escape(parameter['name'])}</code>"
        for parameter in call.get("parameters", ())
        if parameter["in"] == "query"
    )
    return (
        f"<tr><td><code>{escape(method.upper())} {escape(path)}</code></td>"
        f"<td>{escape(call.get('summary', ''))}</td><td>{parameters}</td></tr>"
    )
