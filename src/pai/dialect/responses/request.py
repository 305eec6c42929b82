"""Read a Responses request as far as it matters, and write it anew with few changes.

`meaning` is for vendors of another dialect, and the only part that looks further.
"""

from typing import Annotated

import msgspec
from msgspec import Raw

from pai.budget.estimate import InputShape
from pai.dialect.body import MOST_CAP, NULL, Fields, check_names, quoted, read_body
from pai.dialect.conversation import Conversation
from pai.dialect.refused import BadRequestError, UnsupportedError
from pai.dialect.responses.fields import NAMES, NOT_SERVED
from pai.dialect.responses.meaning import conversation
from pai.dialect.responses.shape import Counted, input_shapes, stored_state


class _Known(Counted):
    """What is looked at, checked in the one pass that reads it."""

    model: str | None = None
    stream: bool | None = None
    max_output_tokens: Annotated[int, msgspec.Meta(ge=1, le=MOST_CAP)] | None = None


_known = msgspec.json.Decoder(_Known)
_LISTED = NAMES - NOT_SERVED.keys()


class ResponsesReading(msgspec.Struct, frozen=True):
    """A Responses request, read.

    fields: top-level values as sent. translated_shape: the shape for a vendor of another dialect,
    who is spared what a translation leaves out. stored_state: the field that needs what the vendor
    has stored; "" when the request says all there is.
    """

    fields: Fields
    model: str | None
    stream: bool
    cap: int | None
    shape: InputShape
    translated_shape: InputShape
    stored_state: str

    @property
    def answers(self) -> int:
        """How many answers are wanted: this API gives one."""
        return 1

    @property
    def wants_usage(self) -> bool:
        """Whether a stream's usage is to be passed on: it is part of the last event."""
        return True

    def body_for(self, model: str, cap: int, cap_field: str) -> bytes:
        """Return the body to send: `model` set, output cap lowered to `cap`.

        cap_field: of no use, the cap has one spelling here.
        """
        fields = dict(self.fields)
        fields["model"] = quoted(model)
        if self.cap is None or self.cap > cap:
            fields["max_output_tokens"] = Raw(b"%d" % cap)
        return msgspec.json.encode(fields)

    def meaning(self) -> Conversation:
        """Return what it means, for a vendor of another dialect.

        Raises BadRequestError, UnsupportedError.
        """
        return conversation(self.fields, self.stored_state, stream=self.stream)


def read_request(body: bytes) -> ResponsesReading:
    """Read a request. Raises BadRequestError."""
    fields, known = read_body(body, _known.decode)
    if known.background:
        raise UnsupportedError(
            "an answer that is made in the background can't be fetched; send background: false",
            "background",
        )
    try:
        state = stored_state(known)
        shape, translated = input_shapes(len(body), known, state)
    except msgspec.DecodeError as error:
        raise BadRequestError(f"input: {error}", "input") from error
    if not fields.keys() <= _LISTED:
        check_names(fields, NAMES)
        for name, reason in NOT_SERVED.items():
            if fields.get(name, NULL) != NULL:
                raise BadRequestError(f"'{name}' is not served: {reason}", name)
    return ResponsesReading(
        fields, known.model, bool(known.stream), known.max_output_tokens, shape, translated, state
    )
