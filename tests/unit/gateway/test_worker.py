"""A worker as it runs in a pod: control over TLS, a certificate from it, probes, an orderly end."""

import asyncio
import ssl
from pathlib import Path

import pytest
from tests.unit.gateway.far_control import (
    CREDENTIAL,
    LIVE,
    METRICS_TOKEN,
    MODELS,
    READY,
    Gateway,
    far_gateway,
)
from tests.unit.wire.certificates import Authority
from tests.unit.wire.kernel import Kernel, read_response, until

from pai.gateway.__main__ import main

METRICS = (
    f"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
    f"authorization: Bearer {METRICS_TOKEN}\r\n\r\n"
).encode()


async def until_served(gateway: Gateway, authority: Authority) -> None:
    """Wait until new connections get a certificate of this authority."""
    async with asyncio.timeout(10):
        while True:
            try:
                _, writer = await gateway.connect(authority)
            except ssl.SSLCertVerificationError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


async def test_a_certificate_comes_is_renewed_and_a_bad_one_is_refused(
    kernel: Kernel, tmp_path: Path
) -> None:
    async with far_gateway(kernel, tmp_path, "--worker", "3") as (control, gateway):
        # without a snapshot: alive, unready, and no TLS
        await gateway.until(LIVE, 200)
        assert await gateway.probe(READY) == 503
        with pytest.raises(ConnectionRefusedError):
            await gateway.connect(control.authority)

        control.publish(1)
        await gateway.until(READY, 200)
        reader, writer = await gateway.connect(control.authority)
        tls = writer.get_extra_info("ssl_object")
        assert (tls.version(), tls.selected_alpn_protocol()) == ("TLSv1.3", "http/1.1")
        writer.write(MODELS)
        assert (await read_response(reader))[0].startswith(b"HTTP/1.1 401 ")

        renewed = Authority("renewed")
        control.publish(2, renewed)
        await until_served(gateway, renewed)
        writer.write(MODELS)  # the connection from before lives on
        assert (await read_response(reader))[0].startswith(b"HTTP/1.1 401 ")

        control.publish(3, key_pem="canary-key")
        await until(lambda: "certificate refused" in gateway.log.read_text())
        await until_served(gateway, renewed)
        assert await gateway.probe(READY) == 200
        assert "canary-key" not in gateway.log.read_text()


async def test_without_a_certificate_for_its_listener_it_is_not_ready(
    kernel: Kernel, tmp_path: Path
) -> None:
    async with far_gateway(kernel, tmp_path, "--worker", "0") as (control, gateway):
        control.publish(1, cert_pem="", key_pem="")
        await until(lambda: control.served == 1)
        await gateway.until(LIVE, 200)
        assert await gateway.probe(READY) == 503
        control.publish(2, cert_pem="broken")
        await until(lambda: "certificate refused" in gateway.log.read_text())
        assert await gateway.probe(READY) == 503
        control.publish(3)
        await gateway.until(READY, 200)


async def test_figures_open_to_the_metrics_token_alone(kernel: Kernel, tmp_path: Path) -> None:
    async with far_gateway(kernel, tmp_path, "--worker", "0") as (control, gateway):
        await gateway.until(LIVE, 200)
        assert b" 401 " in await kernel.ask(gateway.metrics, METRICS)  # no snapshot yet
        control.publish(1)
        await gateway.until(READY, 200)
        assert b'pai_gateway_active{worker="0"}' in await kernel.ask(gateway.metrics, METRICS)
        for guess in (b"guess", CREDENTIAL.encode()):
            wrong = METRICS.replace(METRICS_TOKEN.encode(), guess)
            answer = await kernel.ask(gateway.metrics, wrong)
            assert b" 401 " in answer.split(b"\r\n")[0] and b"pai_" not in answer
        assert control.refused == 0
        for secret in (CREDENTIAL, METRICS_TOKEN):
            assert secret not in gateway.log.read_text()


async def test_at_its_end_it_is_unready_first_and_serves_on(kernel: Kernel, tmp_path: Path) -> None:
    words = ("--worker", "0", "--drain-lead-seconds", "1.5")
    async with far_gateway(kernel, tmp_path, *words) as (control, gateway):
        control.publish(1)
        await gateway.until(READY, 200)
        reader, writer = await gateway.connect(control.authority)
        ending = asyncio.ensure_future(gateway.stop())
        await gateway.until(READY, 503)
        assert await gateway.probe(LIVE) == 200
        late_reader, late = await gateway.connect(control.authority)
        for streams in ((late_reader, late), (reader, writer)):
            streams[1].write(MODELS)
            head, _ = await read_response(streams[0])
            assert head.startswith(b"HTTP/1.1 401 ")
            assert b"connection: close" in head
        assert await ending == 0
        assert await gateway.probe(LIVE) == 0


@pytest.mark.parametrize(
    "words",
    [
        ["--data", "/d", "--worker", "0"],
        ["--data", "/d", "--listen", "127.0.0.1:1"],
        ["--worker", "0", "--listen", "127.0.0.1:1"],
        ["--data", "/d", "--bootstrap", "/b", "--worker", "0", "--listen", "127.0.0.1:1"],
        ["--data", "/d", "--worker", "0", "--workers", "2", "--listen", "127.0.0.1:1"],
        ["--data", "/d", "--workers", "0", "--listen", "127.0.0.1:1"],
        ["--data", "/d", "--worker", "0", "--listen", "8000"],
    ],
)
def test_what_makes_no_sense_on_the_command_line_is_refused(words: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2


def test_a_missing_bootstrap_file_is_one_clear_line(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--bootstrap", "/no/such", "--worker", "0", "--listen", "127.0.0.1:1"]
    assert main(words) == 1
    assert capsys.readouterr().err == "error: /no/such: No such file or directory\n"
