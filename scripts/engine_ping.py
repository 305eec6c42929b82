"""Exit 0 when a container engine answers at the given URL: `python3 engine_ping.py unix:///…`.

Standard library only: it runs before anything of Pai is installed.
"""

import socket
import sys


def answers(url: str) -> bool:
    """Say whether `/_ping` at a unix:// URL gives 200 within two seconds."""
    if not url.startswith("unix://"):
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(2.0)
        try:
            connection.connect(url.removeprefix("unix://"))
            connection.sendall(b"GET /_ping HTTP/1.0\r\nHost: engine\r\n\r\n")
            return b" 200 " in connection.recv(256).split(b"\r\n")[0] + b" "
        except OSError:
            return False


if __name__ == "__main__":
    sys.exit(0 if len(sys.argv) == 2 and answers(sys.argv[1]) else 1)
