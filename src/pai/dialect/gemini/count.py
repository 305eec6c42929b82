"""Count a prompt's tokens without an answer: bare contents, or a whole request.

Source: https://ai.google.dev/api/tokens
"""

import msgspec
from msgspec import Raw

from pai.budget.estimate import InputShape
from pai.dialect.body import NULL, Fields, object_of, quoted, read_body
from pai.dialect.conversation import Conversation
from pai.dialect.gemini.meaning import meaning_of
from pai.dialect.gemini.request import read_request
from pai.dialect.gemini.spelling import check_spellings, spelling_of
from pai.dialect.gemini.write import resource_of
from pai.dialect.refused import BadRequestError
from pai.dialect.sides import Call

_WHOLE, _CONTENTS, _MODEL = "generateContentRequest", "contents", "model"
_MOST = 2**40
_objects = msgspec.json.Decoder(dict[str, Raw])


class _Answer(msgspec.Struct, rename="camel"):
    total_tokens: int


_answers = msgspec.json.Decoder(_Answer)


class CountRequest(msgspec.Struct, frozen=True):
    """A request to count a prompt. whole: its name for the whole request that it holds, or ""."""

    fields: Fields
    whole: str
    prompt: bytes
    model: str | None
    shape: InputShape

    def count_body_for(self, model: str) -> bytes:
        """Return the body to send to Google; a whole request in it names the model again."""
        fields = {name: value for name, value in self.fields.items() if name != _MODEL}
        if self.whole:
            inner = {**object_of(fields[self.whole]), _MODEL: quoted(resource_of(model))}
            fields[self.whole] = Raw(msgspec.json.encode(inner))
        return msgspec.json.encode(fields)

    def meaning(self) -> Conversation:
        """Return what it means. Raises BadRequestError, UnsupportedError."""
        return meaning_of(self.prompt, stream=False)


def read_count(call: Call) -> CountRequest:
    """Read a request to count. Raises BadRequestError."""
    fields, _ = read_body(call.body, _objects.decode)
    check_spellings(fields, (_WHOLE, _CONTENTS, _MODEL))
    whole = spelling_of(fields, _WHOLE)
    if fields.get(whole, NULL) == NULL:
        request = read_request(call)
        return CountRequest(fields, "", call.body, call.model, request.shape)
    if fields.get(_CONTENTS, NULL) != NULL:
        raise BadRequestError(f"send either '{_CONTENTS}' or '{whole}'", whole)
    prompt = bytes(fields[whole])
    request = read_request(Call(prompt, call.model))
    return CountRequest(fields, whole, prompt, call.model, request.shape)


def count_body_of(request: bytes, model: str) -> bytes | None:
    """Return the body that counts a request for an answer."""
    whole = {**_objects.decode(request), _MODEL: quoted(resource_of(model))}
    return msgspec.json.encode({_WHOLE: whole})


def count_answer(input_tokens: int) -> bytes:
    """Return a count as Google answers it."""
    return msgspec.json.encode({"totalTokens": input_tokens})


def read_count_answer(body: bytes) -> int | None:
    """Return the count in Google's answer; None when absent or impossible."""
    try:
        count = _answers.decode(body).total_tokens
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
    return count if 0 <= count <= _MOST else None
