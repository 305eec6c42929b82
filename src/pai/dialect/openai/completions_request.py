"""Legacy completions, read as far as it matters; translated, a prompt is one turn of the user's.

Source: https://platform.openai.com/docs/api-reference/completions/create
"""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Raw

from pai.budget.estimate import InputShape
from pai.dialect.body import MOST_CAP, NULL, Fields, check_names, quoted, read_body
from pai.dialect.conversation import Conversation, Text, Turn
from pai.dialect.openai.meaning import advice_among, options_of, stops_of
from pai.dialect.openai.request import with_usage
from pai.dialect.openai.request_shape import StreamOptions
from pai.dialect.refused import BadRequestError, UnsupportedError

DEFAULT_CAP = 16
"""What the API takes for `max_tokens` when the client says nothing."""

_CAP = "max_tokens"
_MOST_ANSWERS = 128
_OURS = frozenset({"model", "models", "preset", "n", "best_of", _CAP, "stream", "stream_options"})
_NOT_SERVED = ("models", "preset")
_ADVISORY = frozenset({"user", "metadata", "provider", "transforms", "route", "usage"})
_Answers = Annotated[int, msgspec.Meta(ge=1, le=_MOST_ANSWERS)]


class _Known(msgspec.Struct):
    model: str | None = None
    prompt: str | list[str | int | list[int]] | None = None
    n: _Answers | None = None
    best_of: _Answers | None = None
    max_tokens: Annotated[int, msgspec.Meta(ge=1, le=MOST_CAP)] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None


class _Wish(_Known):
    suffix: str | None = None
    echo: bool | None = None
    logprobs: int | None = None
    stop: str | list[str] | None = None
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None


_known = msgspec.json.Decoder(_Known)
_wishes = msgspec.json.Decoder(_Wish)
_KNOWN = frozenset(_Wish.__struct_fields__) | frozenset(_NOT_SERVED)


class CompletionRequest(msgspec.Struct, frozen=True):
    """A legacy completion request, read. answers: all that are made, `best_of` of each prompt.

    own_cap: the client's own; where there is none the API's default is the cap, and is sent.
    """

    fields: Fields
    model: str | None
    stream: bool
    wants_usage: bool
    answers: int
    own_cap: int | None
    shape: InputShape

    @property
    def cap(self) -> int:
        """The output cap of each answer."""
        return DEFAULT_CAP if self.own_cap is None else self.own_cap

    def body_for(self, model: str, cap: int, cap_field: str) -> bytes:
        """Return the body to send: `model`, output cap lowered to `cap`, usage asked for.

        cap_field: is not looked at; this API has one spelling.
        """
        fields = {**self.fields, "model": quoted(model)}
        if self.own_cap is None or self.own_cap > cap:
            fields[_CAP] = Raw(b"%d" % min(cap, self.cap))
        if self.stream and not self.wants_usage:
            fields["stream_options"] = with_usage(fields.get("stream_options", NULL))
        return msgspec.json.encode(fields)

    def meaning(self) -> Conversation:
        """Return what it means in any dialect. Raises BadRequestError, UnsupportedError."""
        advisory = set(advice_among(self.fields, _KNOWN, _ADVISORY))
        _, wish = read_body(msgspec.json.encode(self.fields), _wishes.decode)
        _refuse_untranslatable(wish)
        if "include_obfuscation" in options_of(self.fields.get("stream_options", NULL)):
            advisory.add("stream_options.include_obfuscation")
        return Conversation(
            turns=(Turn("user", (Text(text=_only_prompt(wish.prompt)),)),),
            stops=stops_of(wish.stop),
            temperature=wish.temperature,
            top_p=wish.top_p,
            seed=wish.seed,
            presence_penalty=wish.presence_penalty,
            frequency_penalty=wish.frequency_penalty,
            answers=wish.n or 1,
            stream=self.stream,
            advisory=tuple(sorted(advisory)),
        )


def _refuse_untranslatable(wish: _Wish) -> None:
    message = "only models that complete text take '{}'; leave it out"
    asked = {
        "suffix": bool(wish.suffix),
        "echo": bool(wish.echo),
        "best_of": (wish.best_of or 1) > 1,
        "logprobs": wish.logprobs is not None,
    }
    for name, given in asked.items():
        if given:
            raise UnsupportedError(message.format(name), name)


def _only_prompt(prompt: str | Sequence[object] | None) -> str:
    if isinstance(prompt, str):
        found: object = prompt
    else:
        found = prompt[0] if prompt and len(prompt) == 1 else prompt
    if isinstance(found, str) and found:
        return found
    if not found:
        raise BadRequestError("'prompt' is empty", "prompt")
    message = "this model's vendor takes one prompt at a time, as text"
    raise UnsupportedError(message, "prompt")


def read_completion(body: bytes) -> CompletionRequest:
    """Read a request. Raises BadRequestError; see `read_body`."""
    fields, known = read_body(body, _known.decode)
    check_names(fields, _OURS)
    for name in _NOT_SERVED:
        if fields.get(name, NULL) != NULL:
            raise BadRequestError(f"'{name}' is not served: send 'model'", name)
    stream = bool(known.stream)
    options = known.stream_options
    prompts = _prompts(known.prompt)
    return CompletionRequest(
        fields,
        known.model,
        stream,
        stream and options is not None and bool(options.include_usage),
        max(known.n or 1, known.best_of or 1) * prompts,
        known.max_tokens,
        InputShape(len(body), messages=prompts),
    )


def _prompts(prompt: str | Sequence[str | int | list[int]] | None) -> int:
    """Return how many prompts there are; a list of numbers is one, in tokens."""
    if prompt is None or isinstance(prompt, str):
        return 1
    tokens = sum(isinstance(each, int) for each in prompt)
    return max(1, len(prompt) - tokens + bool(tokens))
