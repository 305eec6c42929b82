"""nginx as the yardstick: one worker, keep-alive on both sides, nothing but proxying."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.load import executable
from bench.process import free_port, running
from bench.target import Target, Way

CONFIG = """
daemon off; user root; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000; client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u;
  scgi_temp_path {folder}/s; client_body_buffer_size 1m;
  upstream mock {{ server 127.0.0.1:{upstream}; keepalive 64; keepalive_requests 1000000; }}
  server {{
    listen 127.0.0.1:{port}{listen_tls}; {tls}
    location / {{
      proxy_pass {scheme}://mock; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_buffering off; {upstream_tls}
    }}
  }}
}}
"""
TLS = "ssl_certificate {cert}; ssl_certificate_key {key}; ssl_session_cache shared:s:1m;"
UPSTREAM_TLS = (
    "proxy_ssl_verify on; proxy_ssl_trusted_certificate {ca}; proxy_ssl_name {host};"
    " proxy_ssl_server_name on; proxy_ssl_session_reuse on;"
)


def command(folder: Path, port: int, upstream: int, tls: dict[str, str] | None = None) -> list[str]:
    """Write a configuration and return the command. tls: cert, key, ca, host for both sides."""
    folder.mkdir(parents=True, exist_ok=True)
    text = CONFIG.format(
        folder=folder,
        port=port,
        upstream=upstream,
        scheme="https" if tls else "http",
        listen_tls=" ssl" if tls else "",
        tls=TLS.format(**tls) if tls else "",
        upstream_tls=UPSTREAM_TLS.format(**tls) if tls else "",
    )
    (folder / "nginx.conf").write_text(text)
    return [executable("nginx", "nginx-light"), "-c", str(folder / "nginx.conf"), "-e", "stderr"]


@contextmanager
def nginx(folder: Path, upstream: int) -> Iterator[Target]:
    """Run nginx in front of the mock; it asks nobody who they are."""
    port = free_port()
    plain = command(folder, port, upstream)
    with running(plain, ready=port, cpu=0, log=folder / "nginx.log") as started:
        yield Target("nginx", port, started, Way("gpt-test"), idle_mib=started.rss_mib())
