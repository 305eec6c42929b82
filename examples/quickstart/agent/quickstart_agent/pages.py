"""Pages, as plain HTML. Everything that comes from outside is escaped."""

import html
from collections.abc import Mapping

from quickstart_agent.work import Report

STYLE = """
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5b6675; --line: #d9dee6; --paper: #fff;
  --back: #f4f6f9; --accent: #2257d6; }
@media (prefers-color-scheme: dark) { :root { --ink: #e7ebf1; --soft: #9aa6b6; --line: #313b49;
  --paper: #171d26; --back: #0f141b; --accent: #7ea6ff; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--ink);
  font: 16px/1.6 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { max-width: 46rem; margin: 0 auto; padding: 3rem 1.25rem 4rem; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: .2rem 0 1.2rem; }
h2 { font-size: 1rem; margin: 2rem 0 .6rem; color: var(--soft); font-weight: 600; }
a { color: var(--accent); }
.card { background: var(--paper); border: 1px solid var(--line); border-radius: 12px;
  padding: 1.25rem 1.5rem; }
.card p:first-child { margin-top: 0; } .card p:last-child { margin-bottom: 0; }
.meta { color: var(--soft); font-size: .9rem; }
.facts { display: flex; flex-wrap: wrap; gap: .5rem 2rem; margin: 0; }
.facts dt { color: var(--soft); font-size: .8rem; } .facts dd { margin: 0; font-weight: 600; }
ol, ul { padding-left: 1.2rem; } li { margin: .25rem 0; overflow-wrap: anywhere; }
blockquote { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; color: var(--soft); }
code { font: .9em ui-monospace, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
textarea { width: 100%; min-height: 9rem; padding: .8rem; border-radius: 8px; font: inherit;
  border: 1px solid var(--line); background: var(--back); color: inherit; }
button { margin-top: .7rem; padding: .55rem 1.2rem; border: 0; border-radius: 8px; font: inherit;
  background: var(--accent); color: var(--paper); cursor: pointer; }
table { width: 100%; border-collapse: collapse; }
td, th { text-align: left; padding: .45rem .6rem .45rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
th { color: var(--soft); font-size: .8rem; font-weight: 500; }
"""


def page(title: str, body: str) -> str:
    """Return a whole document."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def index(reports: list[Mapping[str, str]], keys: Mapping[str, str]) -> str:
    """Return the front page: a form, all reports newest first, the keys this agent holds."""
    rows = "\n".join(
        f'<tr><td><a href="/reports/{html.escape(r["id"])}">{html.escape(r["title"])}</a></td>'
        f'<td class="meta">{html.escape(r["at"])}</td></tr>'
        for r in reports
    )
    listed = f"<table><tr><th>Report</th><th>Written</th></tr>{rows}</table>"
    nothing = '<p class="meta">None yet: hand in a text above.</p>'
    return page(
        "Quickstart agent",
        "<h1>Hand in a text, get a report</h1>\n"
        '<form class="card" method="post" action="/"><textarea name="text" required '
        'placeholder="Paste a text here"></textarea><button>Write a report</button></form>\n'
        f'<h2>Reports</h2>\n<div class="card">{listed if reports else nothing}</div>\n'
        f"{_keys(keys)}",
    )


def report_page(report: Report, keys: Mapping[str, str]) -> str:
    """Return one report."""
    steps = "".join(f"<li>{html.escape(step)}</li>" for step in report.steps)
    facts = {"Model": report.model, "Tokens": f"{report.tokens:,}", "Written": report.at}
    shown = "".join(
        f"<div><dt>{name}</dt><dd>{html.escape(value)}</dd></div>" for name, value in facts.items()
    )
    return page(
        report.title,
        f'<p class="meta"><a href="/">← all reports</a></p>\n<h1>{html.escape(report.title)}</h1>\n'
        f'<div class="card">{prose(report.answer)}</div>\n'
        f'<h2>Figures</h2>\n<dl class="card facts">{shown}</dl>\n'
        f'<h2>What the agent did</h2>\n<div class="card"><ol>{steps}</ol></div>\n'
        f'<h2>The text</h2>\n<div class="card"><blockquote>{html.escape(report.text)}'
        f"</blockquote></div>\n{_keys(keys)}",
    )


def error_page(status: int, message: str) -> str:
    """Return a page that says what went wrong."""
    return page(
        str(status),
        f'<h1>That did not work</h1>\n<div class="card"><p>{html.escape(message)}</p>'
        '<p><a href="/">Back</a></p></div>',
    )


def prose(text: str) -> str:
    """Turn plain text into paragraphs, and lines that begin with a dash into a list."""
    blocks: list[str] = []
    items: list[str] = []
    for line in [*text.splitlines(), ""]:
        item = line.strip().startswith(("- ", "* "))
        if items and not item:
            blocks.append(f"<ul>{''.join(items)}</ul>")
            items = []
        if item:
            items.append(f"<li>{html.escape(line.strip()[2:])}</li>")
        elif line.strip():
            blocks.append(f"<p>{html.escape(line.strip())}</p>")
    return "\n".join(blocks)


def _keys(keys: Mapping[str, str]) -> str:
    rows = "".join(
        f"<tr><td><code>{html.escape(name)}</code></td><td><code>{html.escape(value)}</code></td>"
        "</tr>"
        for name, value in keys.items()
    )
    return (
        '<h2>Keys this agent holds</h2>\n<div class="card"><table>'
        f'{rows}</table><p class="meta">Dummies: they have the shape that SDKs expect and are '
        "worth nothing outside. The real ones are put in on the way, where no agent can look."
        "</p></div>"
    )
