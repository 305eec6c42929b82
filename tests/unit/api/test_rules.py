"""Every rule of the four kinds: what is refused, where, and with which words."""

from typing import Any

import pytest
from tests.unit.api.examples import DELETE, document

from pai.api.agentworkload import relay_hash
from pai.api.fault import DocumentErrors
from pai.api.validation import validate

AGENT, MODEL, PROVIDER, SECRET = "AgentWorkload", "ModelBinding", "Provider", "Secret"
VOLUME = {"name": "data", "mountPath": "/data", "size": "1Gi"}
FILE = {"path": "/data/a.json", "content": "{}"}
METRIC = {"type": "tokenRate", "targetValuePerReplica": 5}

# kind, place in the document, value there, path of the fault, part of its text.
REFUSED: list[tuple[str, str, Any, str, str]] = [
    (AGENT, "apiVersion", DELETE, "apiVersion", "required field is missing"),
    (AGENT, "apiVersion", "v1", "apiVersion", "must be 'pai.io/v1'"),
    (AGENT, "kind", DELETE, "kind", "required field is missing"),
    (AGENT, "kind", "AgentWorklod", "kind", "did you mean 'AgentWorkload'?"),
    (AGENT, "kind", 5, "kind", "unknown kind"),
    (AGENT, "metadata", DELETE, "metadata", "required field is missing"),
    (AGENT, "metadata", "x", "metadata", "must be a mapping of fields, not text"),
    (AGENT, "metadata.name", DELETE, "metadata.name", "required field is missing"),
    (AGENT, "metadata.name", "My_Agent", "metadata.name", "did you mean 'my-agent'?"),
    (AGENT, "metadata.name", "-a", "metadata.name", "is no name"),
    (AGENT, "metadata.name", "__", "metadata.name", "is no name"),
    (AGENT, "metadata.name", "a" * 41, "metadata.name", "longer than 40"),
    (AGENT, "metadata.name", 7, "metadata.name", "put quotes around it"),
    (AGENT, "metadata.namespace", "a" * 64, "metadata.namespace", "longer than 63"),
    (AGENT, "metadata.labels", {"a..b/c": "x"}, "metadata.labels[a..b/c]", "no label key"),
    (AGENT, "metadata.namespace", "A", "metadata.namespace", "did you mean 'a'?"),
    (AGENT, "metadata.labels", {"a b": "x"}, "metadata.labels[a b]", "no label key"),
    (AGENT, "metadata.labels", {"a": "x y"}, "metadata.labels.a", "at most 63"),
    (AGENT, "metadata.annotations", {"/": ""}, "metadata.annotations[/]", "no annotation key"),
    (AGENT, "metadata.annotations", {"a": "x" * 262_144}, "metadata.annotations", "262144"),
    (AGENT, "metadata.nme", "x", "metadata.nme", "did you mean 'name'?"),
    (AGENT, "spec", DELETE, "spec", "required field is missing"),
    (AGENT, "image", "x", "image", "it belongs into 'spec'"),
    (AGENT, "spec.image", DELETE, "spec.image", "required field is missing"),
    (AGENT, "spec.image", None, "spec.image", "must be text, not empty"),
    (AGENT, "spec.image", "", "spec.image", "no image reference"),
    (AGENT, "spec.image", "Acme/Agent", "spec.image", "lower case: 'acme/agent'"),
    (AGENT, "spec.image", "a b", "spec.image", "e.g. ghcr.io"),
    (AGENT, "spec.image", "a" * 513, "spec.image", "longer than 512"),
    (AGENT, "spec.modelBinding", [], "spec.modelBinding", "did you mean 'modelBindings'?"),
    (AGENT, "spec.models", [], "spec.models", "did you mean 'modelBindings'?"),
    (AGENT, "spec.model_bindings", [], "spec.model_bindings", "unknown field"),
    (AGENT, "spec.zzz", [], "spec.zzz", "unknown field"),
    (AGENT, "spec.replicas", -1, "spec.replicas", "at least 0"),
    (AGENT, "spec.replicas", 1001, "spec.replicas", "at most 1000"),
    (AGENT, "spec.replicas", "3", "spec.replicas", "leave the quotes out"),
    (AGENT, "spec.replicas", 1.5, "spec.replicas", "must be a whole number"),
    (AGENT, "spec.replicas", True, "spec.replicas", "not true or false"),
    (AGENT, "spec.runAsUser", 0, "spec.runAsUser", "0 is root"),
    (AGENT, "spec.runAsUser", -1, "spec.runAsUser", "at least 0"),
    (AGENT, "spec.runAsUser", 65530, "spec.runAsUser", "belongs to the platform"),
    (AGENT, "spec.runAsUser", 65531, "spec.runAsUser", "belongs to the platform"),
    (AGENT, "spec.runAsUser", 2**31, "spec.runAsUser", "at most 2147483647"),
    (AGENT, "spec.command", "run", "spec.command", "must be a list, not text"),
    (AGENT, "spec.command", [1], "spec.command[0]", "must be text, not a number"),
    (AGENT, "spec.command", ["a\0"], "spec.command[0]", "NUL"),
    (AGENT, "spec.modelBindings", ["a", "a"], "spec.modelBindings[1]", "given twice"),
    (AGENT, "spec.modelBindings", ["A"], "spec.modelBindings[0]", "did you mean 'a'?"),
    (AGENT, "spec.providers", ["a", "b", "a"], "spec.providers[2]", "first at [0]"),
    (AGENT, "spec.inbound", {}, "spec.inbound.port", "required field is missing"),
    (AGENT, "spec.inbound", [], "spec.inbound", "must be a mapping of fields, not a list"),
    (AGENT, "spec.inbound", {"port": 0}, "spec.inbound.port", "at least 1"),
    (AGENT, "spec.inbound", {"port": 65536}, "spec.inbound.port", "at most 65535"),
    *[
        (AGENT, "spec.inbound", {"port": port}, "spec.inbound.port", "is taken")
        for port in (8000, 8053, 8081, 8082, 8083, 8084, 8443)
    ],
    *[
        (AGENT, "spec.inbound", {"port": 1, "allowCIDRs": [block]}, place, "is no CIDR block")
        for place in ("spec.inbound.allowCIDRs[0]",)
        for block in (
            "",
            "/",
            "10.0.0.0/255.0.0.0",
            "10.0.0.0/08",
            "010.0.0.0/8",
            "10.0.0/8",
            "10.0.0.0/33",
            "::ffff:10.0.0.0/104",
            "fe80::%1/64",
            "::1/0",
            " ::/0",
        )
    ],
    (
        AGENT,
        "spec.inbound",
        {"port": 1, "allowCIDRs": ["10.0.0.1/8"]},
        "spec.inbound.allowCIDRs[0]",
        "did you mean '10.0.0.0/8'?",
    ),
    (
        AGENT,
        "spec.inbound",
        {"port": 1, "allowCIDRs": ["1.2.3.4"]},
        "spec.inbound.allowCIDRs[0]",
        "did you mean '1.2.3.4/32'?",
    ),
    (
        AGENT,
        "spec.inbound",
        {"port": 1, "allowCIDRs": ["everyone"]},
        "spec.inbound.allowCIDRs[0]",
        "is no CIDR block",
    ),
    (
        AGENT,
        "spec.inbound",
        {"port": 1, "allowCidrs": []},
        "spec.inbound.allowCidrs",
        "did you mean 'allowCIDRs'?",
    ),
    (AGENT, "spec.volumes", [{**VOLUME, "name": "config"}], "spec.volumes[0].name", "reserved"),
    (
        AGENT,
        "spec.volumes",
        [VOLUME, {**VOLUME, "mountPath": "/b"}],
        "spec.volumes[1].name",
        "given twice",
    ),
    (
        AGENT,
        "spec.volumes",
        [VOLUME, {**VOLUME, "name": "b"}],
        "spec.volumes[1].mountPath",
        "given twice",
    ),
    (
        AGENT,
        "spec.volumes",
        [VOLUME, {**VOLUME, "name": "b", "mountPath": "/data/x"}],
        "spec.volumes[1].mountPath",
        "lies inside volume 'data'",
    ),
    *[
        (AGENT, "spec.volumes", [{**VOLUME, "mountPath": path}], "spec.volumes[0].mountPath", part)
        for path, part in (
            ("/", "the directory '/'"),
            ("/proc", "reserved"),
            ("/proc/self", "reserved"),
            ("/sys", "reserved"),
            ("/dev/shm", "reserved"),
            ("/run/pai", "reserved"),
            ("/run/pai/", "reserved"),
            ("/var/run/pai/x", "reserved"),
            ("data", "did you mean '/data'?"),
            ("/a/../b", "written out"),
            ("/a//b", "written out"),
            ("/a/./b", "written out"),
            ("//", "written out"),
            ("/a/..", "written out"),
            ("/a\nb", "control characters"),
            ("/" + "a" * 1024, "at most 1024"),
        )
    ],
    *[
        (AGENT, "spec.volumes", [{**VOLUME, "size": size}], "spec.volumes[0].size", part)
        for size, part in (
            ("5GB", "did you mean '5Gi'?"),
            ("512m", "did you mean '512Mi'?"),
            ("1K", "did you mean '1Ki'?"),
            ("0", "above zero"),
            ("-1Gi", "not a quantity"),
            ("1e30", "too large"),
            ("9223372036854775807", "too large"),
            ("8Ei", "too large"),
            ("0e9", "above zero"),
            ("1" * 41, "not a quantity"),
            ("+1Gi", "not a quantity"),
            ("1 Gi", "did you mean '1Gi'?"),
            ("", "not a quantity"),
            (True, "must be text"),
        )
    ],
    (AGENT, "spec.volumes", [VOLUME] * 65, "spec.volumes", "at most 64 entries"),
    *[
        (AGENT, "spec.configFiles", [{**FILE, "path": path}], "spec.configFiles[0].path", part)
        for path, part in (
            ("a.json", "did you mean '/a.json'?"),
            ("/a.json", "lies in the directory '/'"),
            ("/a/../b", "written out"),
            ("/a/", "is a directory"),
            ("/a/" + "b" * 510, "at most 512"),
            ("/", "is a directory"),
            ("/proc/x", "reserved"),
            ("/run/pai/x/y", "reserved"),
            ("/run/pai", "reserved"),
        )
    ],
    (AGENT, "spec.configFiles", [FILE] * 129, "spec.configFiles", "at most 128 entries"),
    (AGENT, "spec.configFiles", [FILE, FILE], "spec.configFiles[1].path", "given twice"),
    (
        AGENT,
        "spec.configFiles",
        [FILE, {**FILE, "path": "/data/a.json/b"}],
        "spec.configFiles[1].path",
        "which is a file itself",
    ),
    (
        AGENT,
        "spec.configFiles",
        [{**FILE, "content": "é" * 500_001}],
        "spec.configFiles",
        "1000000 bytes",
    ),
    (AGENT, "spec.configFiles", [{**FILE, "content": 5}], "spec.configFiles[0].content", "quotes"),
    (AGENT, "spec.env", [{"name": "A"}], "spec.env[0].value", "required field is missing"),
    (AGENT, "spec.env", [{"name": "A", "value": 80}], "spec.env[0].value", "put quotes around it"),
    (AGENT, "spec.env", [{"name": "PAI_X", "value": ""}], "spec.env[0].name", "reserved"),
    (AGENT, "spec.env", [{"name": "1A", "value": ""}], "spec.env[0].name", "no variable name"),
    (AGENT, "spec.env", [{"name": "A=B", "value": ""}], "spec.env[0].name", "no variable name"),
    (AGENT, "spec.env", [{"name": "A", "value": "\0"}], "spec.env[0].value", "NUL"),
    (AGENT, "spec.env", [{"name": "A", "value": "x" * 131_072}], "spec.env[0].value", "130560"),
    (AGENT, "spec.env", [{"name": "A", "value": "é" * 70_000}], "spec.env[0].value", "longer"),
    (AGENT, "spec.env", [{"name": "A" * 257, "value": ""}], "spec.env[0].name", "at most 256"),
    (AGENT, "spec.env", [{"name": "A", "value": ""}] * 2, "spec.env[1].name", "given twice"),
    (AGENT, "spec.env", {"A": "b"}, "spec.env", "must be a list, not a mapping"),
    (
        AGENT,
        "spec.resources",
        {"requests": {"cpu": 2}, "limits": {"cpu": "500m"}},
        "spec.resources.requests.cpu",
        "requests.cpu is above limits.cpu",
    ),
    (
        AGENT,
        "spec.resources",
        {"requests": {"memory": "1Gi"}, "limits": {"memory": "1G"}},
        "spec.resources.requests.memory",
        "requests.memory is above limits.memory",
    ),
    (
        AGENT,
        "spec.resources",
        {"limits": {"gpu": 1}},
        "spec.resources.limits.gpu",
        "did you mean 'cpu'?",
    ),
    (
        AGENT,
        "spec.resources",
        {"requests": {"cpu": "100.9m"}, "limits": {"cpu": "100.1m"}},
        "spec.resources.requests.cpu",
        "requests.cpu is above limits.cpu",
    ),
    (AGENT, "spec.resources", {"limits": {"cpu": 0}}, "spec.resources.limits.cpu", "above zero"),
    (AGENT, "spec.tokens", {"maxPerDay": 0}, "spec.tokens.maxPerDay", "at least 1"),
    (AGENT, "spec.tokens", {"maxPerRequest": "9"}, "spec.tokens.maxPerRequest", "quotes"),
    *[
        (
            AGENT,
            "spec.expose",
            [{"urlPath": path, "directory": "/data"}],
            "spec.expose[0].urlPath",
            part,
        )
        for path, part in (
            ("reports", "did you mean '/reports'?"),
            ("/a/../b", "no plain URL path"),
            ("/a//b", "no plain URL path"),
            ("/a?b", "no plain URL path"),
            ("/a%2fb", "no plain URL path"),
            ("/.pai/x", "platform's own"),
        )
    ],
    (
        AGENT,
        "spec.expose",
        [{"urlPath": "/a", "directory": "/d"}, {"urlPath": "/a/b", "directory": "/e"}],
        "spec.expose[1].urlPath",
        "overlaps '/a' of [0]",
    ),
    (
        AGENT,
        "spec.expose",
        [{"urlPath": "/a", "directory": "/d"}, {"urlPath": "/a/", "directory": "/e"}],
        "spec.expose[1].urlPath",
        "given twice",
    ),
    (
        AGENT,
        "spec.expose",
        [{"urlPath": "/a", "directory": "d"}],
        "spec.expose[0].directory",
        "absolute",
    ),
    (
        AGENT,
        "spec.expose",
        [{"urlPath": "/a", "directory": "/"}],
        "spec.expose[0].directory",
        "the directory '/'",
    ),
    (
        AGENT,
        "spec.expose",
        [{"urlPath": "/a", "directory": "/d", "allowCIDRs": ["x"]}],
        "spec.expose[0].allowCIDRs[0]",
        "no CIDR block",
    ),
    *[
        (AGENT, "spec.egress", {"allow": [{"host": host}]}, "spec.egress.allow[0].host", part)
        for host, part in (
            ("https://a.example/x", "did you mean 'a.example'?"),
            ("a.example/x", "did you mean 'a.example'?"),
            ("a.example:443", "leave the port out"),
            ("10.0.0.1", "is an address"),
            ("2130706433", "is an address"),
            ("[::1]", "is an address"),
            ("*", "only be the first label"),
            ("*.com", "too wide"),
            ("a.*.com", "only be the first label"),
            ("localhost", "own machine"),
            ("x.localhost", "own machine"),
            ("a..b", "no host name"),
            ("a.b.", "final '.'"),
            ("bücher.example", "xn--"),
            ("a\u212a.example", "xn--"),
            ("a" * 63 + ".b" * 96, "no host name"),
            ("a" * 64 + ".b", "no host name"),
            ("a_b .c", "no host name"),
        )
    ],
    (
        AGENT,
        "spec.egress",
        {"allow": [{"host": "a.b", "ports": []}]},
        "spec.egress.allow[0].ports",
        "at least 1 entry",
    ),
    (
        AGENT,
        "spec.egress",
        {"allow": [{"host": "a.b", "ports": [0]}]},
        "spec.egress.allow[0].ports[0]",
        "at least 1",
    ),
    (AGENT, "spec.egress", {"mode": "alow"}, "spec.egress.mode", "one of 'deny' or 'audit'"),
    (
        AGENT,
        "spec.filesystem",
        {"writablePaths": ["x"]},
        "spec.filesystem.writablePaths[0]",
        "must be absolute",
    ),
    (
        AGENT,
        "spec.filesystem",
        {"readOnlyPaths": ["/a/.."]},
        "spec.filesystem.readOnlyPaths[0]",
        "written out",
    ),
    (
        AGENT,
        "spec.filesystem",
        {"enforcement": "stric"},
        "spec.filesystem.enforcement",
        "did you mean 'strict'?",
    ),
    (AGENT, "spec.autoscaling", {}, "spec.autoscaling.maxReplicas", "required field is missing"),
    (
        AGENT,
        "spec.autoscaling",
        {"minReplicas": 3, "maxReplicas": 2},
        "spec.autoscaling.minReplicas",
        "above maxReplicas",
    ),
    (
        AGENT,
        "spec.autoscaling",
        {"maxReplicas": 0},
        "spec.autoscaling.maxReplicas",
        "at least 1",
    ),
    (
        AGENT,
        "spec.autoscaling",
        {"maxReplicas": 1, "pollIntervalSeconds": 0},
        "spec.autoscaling.pollIntervalSeconds",
        "at least 1",
    ),
    (
        AGENT,
        "spec.autoscaling",
        {"maxReplicas": 1, "scaleUpCooldownSeconds": -1},
        "spec.autoscaling.scaleUpCooldownSeconds",
        "at least 0",
    ),
    *[
        (
            AGENT,
            "spec.autoscaling",
            {"maxReplicas": 2, "metrics": [{**METRIC, **change}]},
            f"spec.autoscaling.metrics[0]{path}",
            part,
        )
        for change, path, part in (
            ({"type": "cpu"}, ".type", "one of 'tokenRate' or 'http'"),
            ({"type": "http"}, "", "type http needs url"),
            ({"url": "http://a.b"}, ".url", "only type http has url"),
            ({"jsonPath": "a"}, ".jsonPath", "only type http has jsonPath"),
            ({"targetValuePerReplica": 0}, ".targetValuePerReplica", "above 0"),
            ({"targetValuePerReplica": "5"}, ".targetValuePerReplica", "must be a number"),
            ({"type": "http", "url": "ftp://a"}, ".url", "http:// or https://"),
            ({"type": "http", "url": "http://u:p@a"}, ".url", "credentials"),
            ({"type": "http", "url": "http://a.b", "jsonPath": "a..b"}, ".jsonPath", "no path"),
            ({"type": "http", "url": "http://a.b", "jsonPath": "[x]"}, ".jsonPath", "no path"),
        )
    ],
    (AGENT, "spec.cdpRelay", {}, "spec.cdpRelay.token", "required field is missing"),
    (AGENT, "spec.cdpRelay", {"token": ""}, "spec.cdpRelay.token", "must not be empty"),
    (AGENT, "spec.cdpRelay", {"token": "a\nb"}, "spec.cdpRelay.token", "line breaks"),
    (AGENT, "spec.ops", {}, "spec.ops.instructions", "required field is missing"),
    (
        AGENT,
        "spec.ops",
        {"instructions": "x" * 65_537},
        "spec.ops.instructions",
        "at most 65536 characters",
    ),
    (AGENT, "spec.paused", "yes", "spec.paused", "must be true or false, not text"),
    (MODEL, "spec.provider", DELETE, "spec.provider", "required field is missing"),
    (MODEL, "spec.provider", "opanai", "spec.provider", "did you mean 'openai'?"),
    (MODEL, "spec.provider", 5, "spec.provider", "must be one of"),
    (MODEL, "spec.model", "", "spec.model", "must not be empty"),
    (MODEL, "spec.model", "a b", "spec.model", "white space"),
    (MODEL, "spec.model", "a" * 257, "spec.model", "at most 256 characters"),
    (MODEL, "spec.maxTokensPerDay", 0, "spec.maxTokensPerDay", "at least 1"),
    (MODEL, "spec.maxTokensPerRequest", -1, "spec.maxTokensPerRequest", "at least 1"),
    (MODEL, "spec.apiKeySecretRef", {}, "spec.apiKeySecretRef.name", "missing"),
    (
        MODEL,
        "spec.apiKeySecretRef",
        {"name": "a", "key": "a/b"},
        "spec.apiKeySecretRef.key",
        "is no key",
    ),
    *[
        (MODEL, "spec.endpoint", url, "spec.endpoint", part)
        for url, part in (
            ("api.example.com", "http:// or https://"),
            ("file:///etc/passwd", "http:// or https://"),
            ("http://", "http:// or https://"),
            ("https://key@a.example", "must not hold credentials"),
            ("https://:p@a.example", "must not hold credentials"),
            ("https://a.example?key=1", "must not have a query"),
            ("https://a.example#x", "must not have a fragment"),
            ("https://a.example:99999", "is no URL"),
            ("https://a b", "is no URL"),
            ("https://a\\b", "is no URL"),
            ("https://[::1", "is no URL"),
            ("https://-a.example", "no host name"),
            ("https://a.example:", "is no URL"),
            ("https://a.example:080", "is no URL"),
            ("https://[::ffff:10.0.0.1]", "is no URL"),
            ("https://[fe80::1%25eth0]", "is no URL"),
            ("https://[::g]", "is no URL"),
            ("https://a.example/\u2003x", "is no URL"),
            ("https://a.example/" + "a" * 2048, "at most 2048"),
        )
    ],
    (MODEL, "spec.retry", {"maxAttempts": 0}, "spec.retry.maxAttempts", "at least 1"),
    (
        MODEL,
        "spec.retry",
        {"minBackoffMs": 9, "maxBackoffMs": 8},
        "spec.retry.minBackoffMs",
        "above maxBackoffMs",
    ),
    (MODEL, "spec.prices", {"input": -1, "output": 1}, "spec.prices.input", "at least 0"),
    (MODEL, "spec.prices", {"input": 1}, "spec.prices.output", "missing"),
    (MODEL, "spec.prices", {"input": float("inf"), "output": 1}, "spec.prices.input", "finite"),
    (MODEL, "spec.fallback", 1, "spec.fallback", "must be true or false, not a number"),
    (PROVIDER, "spec.type", DELETE, "spec.type", "missing"),
    (PROVIDER, "spec.type", "githb", "spec.type", "did you mean 'github'?"),
    (PROVIDER, "spec.host", DELETE, "spec", "type http-token needs host"),
    (PROVIDER, "spec.host", "*.example.com", "spec.host", "name one host"),
    (PROVIDER, "spec.host", "127.0.0.1", "spec.host", "is an address"),
    (PROVIDER, "spec.auth.type", "aws-sigv4", "spec.auth.type", "takes 'api-key' or"),
    (PROVIDER, "spec.auth.secretRef", "A", "spec.auth.secretRef", "did you mean 'a'?"),
    (PROVIDER, "spec.auth.secretKey", "", "spec.auth.secretKey", "is no key"),
    (PROVIDER, "spec.auth.agentEnvVar", "PAI_KEY", "spec.auth.agentEnvVar", "reserved"),
    (PROVIDER, "spec.auth.header", "X Y", "spec.auth.header", "no header name"),
    (PROVIDER, "spec.auth.header", "X\r\nY", "spec.auth.header", "no header name"),
    (PROVIDER, "spec.auth.header", "", "spec.auth.header", "no header name"),
    (PROVIDER, "spec.auth.header", "Content-Length", "spec.auth.header", "can't carry a token"),
    (PROVIDER, "spec.auth.prefix", "a\r\nb: ", "spec.auth.prefix", "line breaks"),
    (PROVIDER, "spec.auth.prefix", "ä", "spec.auth.prefix", "printable ASCII"),
    (PROVIDER, "spec.auth.param", "a&b", "spec.auth.param", "no parameter name"),
    (
        PROVIDER,
        "spec.auth",
        {"param": "key", "header": "X-Key"},
        "spec.auth.param",
        "one or the other",
    ),
    (PROVIDER, "spec.auth", {"param": "key", "prefix": ""}, "spec.auth.param", "one or the other"),
    (PROVIDER, "spec.config", {"region": "x"}, "spec.config", "only types aws, gcp and azure"),
    (PROVIDER, "spec.mcp", {"url": "http://a.b"}, "spec", "type mcp, and no other, has mcp"),
    (PROVIDER, "spec.policy", {"mcp": {}}, "spec.policy.mcp", "only type mcp has policy.mcp"),
    (PROVIDER, "spec", {"type": "mcp"}, "spec", "type mcp, and no other, has mcp"),
    (
        PROVIDER,
        "spec",
        {"type": "github", "auth": {"header": "X-Key"}},
        "spec.auth",
        "only type http-token has header",
    ),
    *[
        (PROVIDER, "spec", {"type": "mcp", "mcp": mcp}, path, part)
        for mcp, path, part in (
            ({}, "spec.mcp", "this transport needs url"),
            ({"transport": "stdio"}, "spec.mcp", "transport stdio needs command"),
            (
                {"transport": "stdio", "command": ["a"], "url": "http://a.b"},
                "spec.mcp.url",
                "transport stdio has no url",
            ),
            ({"url": "http://a.b", "command": ["a"]}, "spec.mcp.command", "only transport stdio"),
        )
    ],
    (PROVIDER, "spec.policy", {"allow": [""]}, "spec.policy.allow[0]", "must not be empty"),
    (PROVIDER, "spec.policy", {"deny": ["a b"]}, "spec.policy.deny[0]", "white space"),
    (
        PROVIDER,
        "spec.policy",
        {"httpRules": [{}]},
        "spec.policy.httpRules[0].effect",
        "required field is missing",
    ),
    *[
        (
            PROVIDER,
            "spec.policy",
            {"httpRules": [{"effect": "allow", **rule}]},
            f"spec.policy.httpRules[0].{path}",
            part,
        )
        for rule, path, part in (
            ({"effect": "block"}, "effect", "one of 'allow' or 'deny'"),
            ({"methods": ["G T"]}, "methods[0]", "no HTTP method"),
            ({"paths": ["v1/x"]}, "paths[0]", "did you mean '/v1/x'?"),
            ({"paths": ["/a/../b"]}, "paths[0]", "can never match"),
            ({"paths": ["/a//b"]}, "paths[0]", "can never match"),
            ({"paths": ["/a?b=1"]}, "paths[0]", "can never match"),
        )
    ],
    (PROVIDER, "spec.scope", {"repositories": [5]}, "spec.scope.repositories[0]", "quotes"),
    (PROVIDER, "spec.audit", {"enforcement": "x"}, "spec.audit.enforcement", "must be one of"),
    (PROVIDER, "spec.audit", {"logRequests": "no"}, "spec.audit.logRequests", "true or false"),
    (SECRET, "stringData", DELETE, "stringData", "required field is missing"),
    (SECRET, "stringData", {}, "stringData", "at least one entry"),
    (SECRET, "stringData", {"token": ""}, "stringData.token", "must not be empty"),
    (SECRET, "stringData", {"token": None}, "stringData.token", "must be text, not empty"),
    (SECRET, "stringData", {"token": 12345}, "stringData.token", "put quotes around it"),
    (SECRET, "stringData", {"a/b": "x"}, "stringData[a/b]", "is no key"),
    (SECRET, "stringData", {"token": "x" * 1_000_001}, "stringData", "1000000 bytes"),
    (SECRET, "data", {"token": "eA=="}, "data", "did you mean 'stringData'?"),
    (SECRET, "type", "Opaque", "type", "unknown field"),
]


@pytest.mark.parametrize(
    ("kind", "place", "value", "path", "part"),
    REFUSED,
    ids=[f"{row[0]}-{row[1]}-{number}" for number, row in enumerate(REFUSED)],
)
def test_a_broken_rule_is_named_with_its_place(
    kind: str, place: str, value: object, path: str, part: str
) -> None:
    with pytest.raises(DocumentErrors) as caught:
        validate(document(kind, place, value))
    told = [(fault.path, f"{fault.message} {fault.hint or ''}") for fault in caught.value.faults]
    assert any(where == path and part in text for where, text in told), told


# kind, place in the document, value there: all of this is legal.
ACCEPTED: list[tuple[str, str, Any]] = [
    (AGENT, "", None),
    (AGENT, "status", {"phase": "anything"}),
    (AGENT, "metadata.managedFields", [{}]),
    (AGENT, "metadata.namespace", "a" * 63),
    (AGENT, "metadata.annotations", {"UP.example/A": "x\0"}),
    (
        AGENT,
        "metadata",
        {
            "name": "a",
            "generateName": "a-",
            "selfLink": "/",
            "uid": "u",
            "resourceVersion": "7",
            "generation": 2,
            "creationTimestamp": None,
            "deletionTimestamp": "2026-01-01T00:00:00Z",
            "deletionGracePeriodSeconds": 0,
            "finalizers": ["foregroundDeletion"],
            "ownerReferences": [{"uid": "u"}],
            "managedFields": [{"manager": "kubectl"}],
        },
    ),
    (AGENT, "metadata.uid", "u"),
    (AGENT, "spec.providers", None),
    (AGENT, "spec.image", "localhost:5000/a/b:v1@sha256:" + "0" * 64),
    (AGENT, "spec.replicas", 0),
    (AGENT, "spec.replicas", 1000),
    (AGENT, "spec.runAsUser", 65532),
    (AGENT, "spec.inbound", {"port": 3000, "allowCIDRs": []}),
    (AGENT, "spec.inbound", {"port": 3000, "allowCIDRs": ["::/0", "203.0.113.7/32"]}),
    (AGENT, "spec.inbound", {"port": 9222}),
    (AGENT, "spec.volumes", [VOLUME, {**VOLUME, "name": "b", "mountPath": "/data-b"}]),
    (AGENT, "spec.resources", {"requests": {"cpu": 0.5}, "limits": {"cpu": "500m"}}),
    (AGENT, "spec.resources", {"requests": {"memory": 1e9}, "limits": {"memory": "1G"}}),
    (AGENT, "spec.egress", {"allow": [{"host": "*.Example.com", "ports": [22, 443]}]}),
    (AGENT, "spec.autoscaling", {"minReplicas": 0, "maxReplicas": 1, "metrics": [METRIC]}),
    (
        AGENT,
        "spec.autoscaling",
        {
            "maxReplicas": 3,
            "metrics": [
                {
                    "type": "http",
                    "url": "https://q.example/d?x=1",
                    "jsonPath": "items[0].n.0",
                    "targetValuePerReplica": 0.5,
                }
            ],
        },
    ),
    (AGENT, "spec.expose", [{"urlPath": "/", "directory": "/data"}]),
    (
        AGENT,
        "spec.expose",
        [{"urlPath": "/a", "directory": "/d"}, {"urlPath": "/ab", "directory": "/d"}],
    ),
    (MODEL, "spec.endpoint", "http://127.0.0.1:9000/v1/"),
    (MODEL, "spec.endpoint", "http://[::1]:9000"),
    (MODEL, "spec.endpoint", "HTTPS://A.example.:65535/%zz@x"),
    (MODEL, "spec.endpoint", "http://2130706433"),
    (MODEL, "spec.prices", {"input": 1, "output": 2.5, "cached": 0}),
    (PROVIDER, "spec.auth", {"header": "X-Api-Key", "prefix": ""}),
    (PROVIDER, "spec.auth", {"param": "api_key"}),
    (PROVIDER, "spec", {"type": "mcp", "mcp": {"url": "https://m.example/sse"}}),
    (PROVIDER, "spec", {"type": "mcp", "mcp": {"transport": "stdio", "command": ["x"]}}),
    (PROVIDER, "spec", {"type": "aws", "config": {"region": "eu-west-1", "services": ["s3"]}}),
    (
        PROVIDER,
        "spec.policy",
        {"httpRules": [{"methods": ["get"], "paths": ["/**"], "effect": "allow"}]},
    ),
    (SECRET, "keys", [{"name": "token"}]),
]


@pytest.mark.parametrize(("kind", "place", "value"), ACCEPTED)
def test_legal_documents_are_accepted_and_survive_a_round_trip(
    kind: str, place: str, value: object
) -> None:
    resource = validate(document(kind, place, value))
    assert validate(resource.to_wire()) == resource
    assert list(resource.to_wire())[:3] == ["apiVersion", "kind", "metadata"]


def test_a_browser_needs_its_port() -> None:
    data = document(AGENT, "spec.inbound", {"port": 9222})
    data["spec"]["cdpRelay"] = {"token": "abc"}
    with pytest.raises(DocumentErrors, match=r"spec\.inbound\.port: port 9222 is taken"):
        validate(data)


def test_all_faults_come_at_once() -> None:
    data = document(AGENT, "spec.runAsUser", 0)
    data["spec"] |= {"replicas": -1, "imag": "x", "volumes": [{**VOLUME, "name": "config"}]}
    data["apiVersion"] = "v1"
    with pytest.raises(DocumentErrors) as caught:
        validate(data)
    assert [fault.path for fault in caught.value.faults] == [
        "apiVersion",
        "spec.imag",
        "spec.replicas",
        "spec.runAsUser",
        "spec.volumes[0].name",
    ]


def test_values_are_normalised() -> None:
    agent = validate(document(AGENT, "spec.volumes", [{**VOLUME, "mountPath": "/data/"}]))
    assert agent.to_wire()["spec"]["volumes"][0]["mountPath"] == "/data"
    model = validate(document(MODEL, "spec.endpoint", "https://a.example/v1/"))
    assert model.to_wire()["spec"]["endpoint"] == "https://a.example/v1"
    provider = validate(document(PROVIDER, "spec.host", "CRM.Example.com"))
    assert provider.to_wire()["spec"]["host"] == "crm.example.com"


def test_a_relays_token_is_hashed_once() -> None:
    kept = relay_hash("s3cr3t")
    assert kept.startswith("sha256:")
    assert "s3cr3t" not in kept
    assert relay_hash(kept) == kept
    assert relay_hash("sha256:s3cr3t") != "sha256:s3cr3t"
