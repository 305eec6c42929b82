"""Images, sound, video and documents: read from a request, and written into one.

Source: https://ai.google.dev/gemini-api/docs/file-input-methods
"""

from typing import Literal
from urllib.parse import urlsplit

from pai.dialect.conversation import Media
from pai.dialect.gemini import wire
from pai.dialect.refused import BadRequestError, UnsupportedError

_FIELD = "contents"
_Sort = Literal["image", "file", "audio", "video"]
_SORTS: dict[str, _Sort] = {"image": "image", "audio": "audio", "video": "video"}
_GOOGLES = "generativelanguage.googleapis.com"
_TYPES = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "gif": "image/gif",
    "heic": "image/heic",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "mp4": "video/mp4",
    "mp3": "audio/mp3",
    "wav": "audio/wav",
}
_ANY = {"image": "image/jpeg", "video": "video/mp4", "audio": "audio/mp3"}


def media_of_blob(blob: wire.Blob) -> Media:
    """Return inline data. Raises BadRequestError."""
    if not (blob.mime_type and blob.data):
        raise BadRequestError("inlineData needs its 'mimeType' and 'data'", _FIELD)
    data = blob.data
    if "-" in data or "_" in data:  # base64's other alphabet, which SDKs write
        data = data.replace("-", "+").replace("_", "/")
    padded = data + "=" * (-len(data) % 4)
    return Media(
        sort=_sort(blob.mime_type),
        media_type=blob.mime_type,
        data=padded,
        name=blob.display_name or "",
    )


def media_of_file(file: wire.FileData) -> Media:
    """Return a file of the web. Raises UnsupportedError for one that only Google has."""
    address = urlsplit(file.file_uri)
    if address.scheme != "https" or address.hostname == _GOOGLES:
        raise UnsupportedError(
            "this model's vendor has no files of Google's; send 'inlineData', or a 'fileUri' of the"
            " web with https",
            _FIELD,
        )
    kind = file.mime_type or _type_of(file.file_uri)
    return Media(sort=_sort(kind), media_type=kind, url=file.file_uri, name=file.display_name or "")


def part_of(media: Media) -> dict[str, object]:
    """Return a part for Google. Raises UnsupportedError for a file that only another vendor has."""
    kind = media.media_type or _type_of(media.url or media.name) or _ANY.get(media.sort, "")
    if media.data:
        if not kind:
            raise UnsupportedError("Gemini must be told of what type a file is", _FIELD)
        return {"inlineData": {"mimeType": kind, "data": media.data}}
    if media.file_id or not media.url.startswith("https://"):
        raise UnsupportedError(
            "Gemini has no files of another vendor's, and takes URLs with https only", _FIELD
        )
    file = {"mimeType": kind, "fileUri": media.url} if kind else {"fileUri": media.url}
    return {"fileData": file}


def _sort(kind: str) -> _Sort:
    return _SORTS.get(kind.partition("/")[0].lower(), "file")


def _type_of(address: str) -> str:
    """Return the media type that a name or URL suggests, "" when none."""
    path = address.partition("?")[0].partition("#")[0]
    return _TYPES.get(path.rpartition(".")[2].lower(), "")
