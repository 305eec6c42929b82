"""Quantities as the API server gives them back, so that what is stored equals what was rendered.

Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/, canonical
form: the largest suffix with which the number stays whole.
"""

_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_DECIMAL = ("", "k", "M", "G", "T", "P", "E")


def cpu(milli: int) -> str:
    """Return cores, given in thousandths: `250m`, `2`."""
    return f"{milli}m" if milli % 1000 else _shortest(milli // 1000, 1000, _DECIMAL)


def size(amount: int) -> str:
    """Return bytes as people would write them: `512Mi`, `1G`."""
    texts = [_shortest(amount, 1000, _DECIMAL)]
    if amount % 1024 == 0:
        texts.append(_shortest(amount, 1024, _BINARY))
    return min(texts, key=len)


def _shortest(number: int, factor: int, suffixes: tuple[str, ...]) -> str:
    place = 0
    while number and number % factor == 0 and place < len(suffixes) - 1:
        number //= factor
        place += 1
    return f"{number}{suffixes[place]}"
