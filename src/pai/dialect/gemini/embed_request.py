"""A request for embeddings, read as far as it matters: of one text, or of several.

Source: https://ai.google.dev/api/embeddings
"""

from collections.abc import Mapping

import msgspec
from msgspec import Raw

from pai.budget.estimate import InputShape
from pai.dialect.body import NULL, Fields, quoted, read_body
from pai.dialect.conversation import Texts
from pai.dialect.gemini.shape import Content as ShapeContent
from pai.dialect.gemini.shape import Counted, input_shape, listed
from pai.dialect.gemini.spelling import check_spellings, in_camel_case
from pai.dialect.gemini.wire import Content
from pai.dialect.gemini.write import resource_of
from pai.dialect.refused import BadRequestError, UnsupportedError
from pai.dialect.sides import Call

BATCH = "batchEmbedContents"
_JOINT = "\n"
_ONE = ("model", "content")
_KNOWN = frozenset({"model", "content", "taskType", "title", "outputDimensionality"})


class _Sized(msgspec.Struct):
    content: ShapeContent | None = None


class _SizedBatch(_Sized):
    requests: list[_Sized] | _Sized | None = None


class _One(msgspec.Struct, rename="camel"):
    content: Content | None = None
    task_type: str | None = None
    title: str | None = None
    output_dimensionality: int | None = None


_sized = msgspec.json.Decoder(_SizedBatch)
_ones = msgspec.json.Decoder(_One)
_objects = msgspec.json.Decoder(dict[str, Raw])
_lists = msgspec.json.Decoder(list[dict[str, Raw]] | dict[str, Raw])


class EmbedRequest(msgspec.Struct, frozen=True):
    """A request for embeddings, read. requests: None where the body is the only one itself."""

    fields: Fields
    requests: tuple[Mapping[str, Raw], ...] | None
    model: str | None
    shape: InputShape
    stream: bool = False
    wants_usage: bool = False
    answers: int = 1
    cap: int = 0  # there is no output

    def body_for(self, model: str, cap: int, cap_field: str) -> bytes:
        """Return the body to send; each request of several names the model again."""
        if self.requests is None:
            return msgspec.json.encode({n: v for n, v in self.fields.items() if n != "model"})
        name = quoted(resource_of(model))
        requests = [{**each, "model": name} for each in self.requests]
        return msgspec.json.encode({**self.fields, "requests": requests})

    def meaning(self) -> Texts:
        """Return what it means in any dialect. Raises BadRequestError, UnsupportedError."""
        found = (self.fields,) if self.requests is None else self.requests
        wishes = [_wish(each) for each in found]
        if not wishes:
            raise BadRequestError("'requests' is empty", "requests")
        first = wishes[0]
        if any(_manner(each) != _manner(first) for each in wishes):
            raise UnsupportedError(
                "this model's vendor embeds all texts of a request alike; send one request for each"
                " 'taskType' and 'outputDimensionality'",
                "requests",
            )
        titles = {each.title or "" for each in wishes}
        return Texts(
            texts=tuple(_text(each) for each in wishes),
            dimensions=first.output_dimensionality,
            task=first.task_type or "",
            title=titles.pop() if len(titles) == 1 else "",
            advisory=() if not titles else ("title",),
        )


def read_embed(call: Call) -> EmbedRequest:
    """Read a request. Raises BadRequestError; see `read_body`."""
    fields, sized = read_body(call.body, _sized.decode)
    check_spellings(fields, (*_ONE, "requests"))
    requests = None
    if call.method == BATCH:
        requests = tuple(_requests(fields.get("requests", NULL)))
    contents = [each.content for each in (*listed(sized.requests), sized) if each.content]
    shape = input_shape(len(call.body), Counted(contents=contents))
    return EmbedRequest(fields, requests, call.model, shape)


def _requests(value: Raw) -> list[dict[str, Raw]]:
    try:
        found = listed(_lists.decode(value))
    except msgspec.DecodeError as error:
        raise BadRequestError("'requests' must be a list of objects", "requests") from error
    for each in found:
        check_spellings(each, _ONE)
    return found


def _wish(fields: Fields) -> _One:
    """Return one request. Raises BadRequestError, UnsupportedError for what is in no table."""
    body = msgspec.json.encode(fields)
    given, wish = read_body(body, lambda data: _ones.decode(in_camel_case(data)))
    for name in _objects.decode(in_camel_case(body)):
        if name not in _KNOWN:
            raise UnsupportedError(f"this model's vendor has nothing like '{name}'", name)
    if not given or wish.content is None:
        raise BadRequestError("a request for an embedding needs its 'content'", "content")
    return wish


def _manner(wish: _One) -> tuple[str, int | None]:
    return wish.task_type or "", wish.output_dimensionality


def _text(wish: _One) -> str:
    parts = listed(wish.content.parts) if wish.content else []
    texts = [each.text for each in parts if each.text is not None]
    if len(texts) != len(parts):
        raise UnsupportedError("this model's vendor embeds text only", "content")
    return _JOINT.join(texts)
