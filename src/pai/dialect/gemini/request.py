"""Read a request for an answer as far as it matters, and write it anew with little change.

Source: https://ai.google.dev/api/generate-content
"""

from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Raw

from pai.budget.estimate import InputShape
from pai.dialect.body import MOST_CAP, NULL, Fields, read_body
from pai.dialect.conversation import Conversation
from pai.dialect.gemini.meaning import meaning_of
from pai.dialect.gemini.shape import Counted, input_shape
from pai.dialect.gemini.spelling import check_spellings, snake_of, spelling_of
from pai.dialect.refused import BadRequestError
from pai.dialect.sides import Call

STREAM = "streamGenerateContent"
_MOST_ANSWERS = 128
_CONFIG, _CAP, _ANSWERS = "generationConfig", "maxOutputTokens", "candidateCount"
_OURS = ("contents", "systemInstruction", "tools", _CONFIG, "cachedContent", "model")
_OUR_CONFIG = (_CAP, _ANSWERS)
_OTHER_MODEL = ("routingConfig", "modelSelectionConfig", "modelConfig")
_USUAL = frozenset({*_OURS, "toolConfig", "safetySettings"})  # nothing to look into


class _Known(Counted, rename={"config": _CONFIG}):
    config: dict[str, Raw] | None = None
    generation_config: dict[str, Raw] | None = None


_known = msgspec.json.Decoder(_Known)
_caps = msgspec.json.Decoder(Annotated[int, msgspec.Meta(ge=1, le=MOST_CAP)] | None)
_counts = msgspec.json.Decoder(Annotated[int, msgspec.Meta(ge=1, le=_MOST_ANSWERS)] | None)


class GenerateRequest(msgspec.Struct, frozen=True):
    """A request for an answer, read; see `pai.dialect.sides.Reading`.

    config: its `generationConfig`; config_name, cap_name: in which spelling that, and the output
    cap in it, was or would be given. sse: a stream is of events, else a JSON array.
    """

    body: bytes
    fields: Fields
    config: Mapping[str, Raw]
    config_name: str
    cap_name: str
    model: str | None
    stream: bool
    sse: bool
    answers: int
    cap: int | None
    shape: InputShape
    wants_usage: bool = True

    def body_for(self, model: str, cap: int, cap_field: str) -> bytes:
        """Return the body to send: output cap lowered to `cap`; the model stands in the path.

        The config is written anew, so that of a name given twice there is one left.
        """
        fields, config = dict(self.fields), dict(self.config)
        fields.pop("model", None)
        if self.cap is None or self.cap > cap:
            config[self.cap_name] = Raw(b"%d" % cap)
        fields[self.config_name] = Raw(msgspec.json.encode(config))
        return msgspec.json.encode(fields)

    def meaning(self) -> Conversation:
        """Return what it means. Raises BadRequestError, UnsupportedError."""
        return meaning_of(self.body, stream=self.stream)


def read_request(call: Call) -> GenerateRequest:
    """Read a request. Raises BadRequestError; see `read_body`."""
    fields, known = read_body(call.body, _known.decode)
    if not fields.keys() <= _USUAL:
        check_spellings(fields, _OURS)
        for name in _OURS:
            spelling_of(fields, name)
    config_name = spelling_of(fields, _CONFIG)
    config = known.config or known.generation_config or {}
    check_spellings(config, (*_OUR_CONFIG, *_OTHER_MODEL))
    _check_model(config)
    cap_name = spelling_of(config, _CAP)
    cap = _number(_caps, config, cap_name)
    answers = _number(_counts, config, spelling_of(config, _ANSWERS)) or 1
    return GenerateRequest(
        body=call.body,
        fields=fields,
        config=config,
        config_name=config_name,
        cap_name=cap_name,
        model=call.model,
        stream=call.method == STREAM,
        sse=call.query.get("alt") == "sse",
        answers=answers,
        cap=cap,
        shape=_shape(call.body, known),
    )


def _shape(body: bytes, known: Counted) -> InputShape:
    try:
        return input_shape(len(body), known)
    except msgspec.DecodeError as error:
        raise BadRequestError(f"functionDeclarations: {error}", "tools") from error


def _check_model(config: Mapping[str, Raw]) -> None:
    for name in _OTHER_MODEL:
        for spelled in (name, snake_of(name)):
            if config.get(spelled, NULL) != NULL:
                raise BadRequestError(
                    f"'{spelled}' is not served: another model could answer than the one that was"
                    " allowed; name the model in the path",
                    spelled,
                )


def _number(
    decoder: "msgspec.json.Decoder[int | None]", config: Mapping[str, Raw], name: str
) -> int | None:
    """Return a whole number that the config holds, None when absent. Raises BadRequestError."""
    try:
        return decoder.decode(config.get(name, NULL))
    except msgspec.DecodeError as error:
        raise BadRequestError(f"generationConfig.{name}: {error}", name) from error
