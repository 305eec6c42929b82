import json

import pytest
from tests.unit.dialect.gemini_calls import request

from pai.dialect import gemini
from pai.dialect.gemini import (
    GENERATE_CLIENT,
    GENERATE_VENDOR,
    model_body,
    models_body,
)
from pai.dialect.refused import UnreadableError
from pai.dialect.reply import Vectors


@pytest.mark.parametrize(
    ("base", "model", "path"),
    [
        ("", "gemini-3-flash", b"/v1beta/models/gemini-3-flash"),
        ("/v1beta", "gemini-3-flash", b"/v1beta/models/gemini-3-flash"),
        ("/v1", "gemini-3-flash", b"/v1/models/gemini-3-flash"),
        ("/v1beta1/x", "m", b"/v1beta1/x/models/m"),
        ("/proxy", "m", b"/proxy/v1beta/models/m"),
        ("", "models/m", b"/v1beta/models/m"),
        ("", "tunedModels/m", b"/v1beta/tunedModels/m"),
        ("", "m:b?c d", b"/v1beta/models/m%3Ab%3Fc%20d"),
    ],
)
def test_paths_for_a_base_with_or_without_the_version(base: str, model: str, path: bytes) -> None:
    assert GENERATE_VENDOR.target(base, model, stream=False) == path + b":generateContent"
    assert (
        GENERATE_VENDOR.target(base, model, stream=True) == path + b":streamGenerateContent?alt=sse"
    )


def test_names_and_key() -> None:
    assert GENERATE_VENDOR.name == GENERATE_CLIENT.name == "gemini.generate"
    assert GENERATE_VENDOR.key("secret") == (b"x-goog-api-key", b"secret")


def test_answers_hold_no_embeddings() -> None:
    with pytest.raises(UnreadableError):
        GENERATE_VENDOR.vectors(b"{}", "m")
    with pytest.raises(TypeError):
        GENERATE_CLIENT.vectors(Vectors(model="", vectors=()), request())


def test_models_in_googles_shape() -> None:
    (first, second) = json.loads(models_body([("fast", "openai"), ("slow", "x")]))["models"]
    assert (first["name"], first["displayName"]) == ("models/fast", "fast")
    assert "generateContent" in first["supportedGenerationMethods"]
    assert second == json.loads(model_body("slow", "x"))


def test_all_names_are_there_and_sorted() -> None:
    assert gemini.__all__ == sorted(gemini.__all__, key=lambda n: (not n.isupper(), n.islower(), n))
    assert all(hasattr(gemini, each) for each in gemini.__all__)
