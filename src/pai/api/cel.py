"""Rules over one text or number as the API server checks them, twins of the field types' checks.

Patterns are those of the checks themselves: what they use means the same in RE2. Strings in rules
are raw, and each rule says what is wrong, as its twin does.
"""

from pai.api.model import Cel

# White space and control characters: what `str.isspace` and `scalars.CONTROL` know.
_INVISIBLE = r"\x00-\x20\x7f\x{85}\p{Z}"


def literal(text: str) -> str:
    """Return text as CEL writes it. Raises ValueError for a text that holds both quotes."""
    for quote in ('"', "'"):
        if quote not in text:
            return f"r{quote}{text}{quote}"
    raise ValueError("a rule's text with both quotes")


def matches(pattern: str, message: str, hint: str | None = None) -> Cel:
    """Return the rule that a whole text matches a pattern."""
    return Cel(f"self.matches({literal(f'^(?:{pattern})$')})", message, hint=hint)


def lacks(pattern: str, message: str, hint: str | None = None) -> Cel:
    """Return the rule that nothing in a text matches a pattern."""
    return Cel(f"!self.matches({literal(pattern)})", message, hint=hint)


def none_of(values: tuple[int, ...] | tuple[str, ...], message: str, hint: str | None) -> Cel:
    """Return the rule that a value is none of a few."""
    words = ", ".join(str(value) if isinstance(value, int) else literal(value) for value in values)
    return Cel(f"!(self in [{words}])", message, hint=hint)


NO_WHITE_SPACE = matches(rf"[^{_INVISIBLE}]+", "must not be empty or contain white space")
ONE_LINE = lacks(r"[\x00-\x1f\x7f]", "must not contain line breaks or control characters")
NOT_BLANK = Cel("self.trim() != ''", "must not be empty")
PRINTABLE_ASCII = matches(r"[\x20-\x7e]*", "must be printable ASCII without line breaks")

# Quantities. The API server takes what is larger than 2^63-1 for that number.
_AMOUNT = r"([0-9]+(\.[0-9]*)?|\.[0-9]+)([numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]{1,2})?"
_UNITS = "write a number with an optional unit, e.g. 500m, 2, 512Mi, 5Gi"
_IS_AMOUNT = f"string(self).matches({literal(f'^{_AMOUNT}$')})"
QUANTITY = (
    Cel(_IS_AMOUNT, "not a quantity", hint=_UNITS),
    Cel(
        f"!({_IS_AMOUNT}) || quantity(string(self)).isGreaterThan(quantity('0'))",
        "must be above zero",
    ),
    Cel(
        f"!({_IS_AMOUNT}) || quantity(string(self)).isLessThan(quantity('9223372036854775807'))",
        "too large",
    ),
)
WHOLE_BYTES = Cel(
    "!string(self).endsWith('m')", "a fraction of a byte", hint="did you mean Mi in place of m?"
)
