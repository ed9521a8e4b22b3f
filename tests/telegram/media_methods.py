"""Methods of the Bot API that carry files: photos, documents, and fetching what people sent.

The rule: a picture must be one (PNG or JPEG, whole, of sane size), a file must have content and keep the
limits; a file id once given stays good.
"""

from __future__ import annotations

import struct
from typing import Any

from tests.telegram.message_methods import Method, caption_of, markup_of, own_message, revise, send
from tests.telegram.parameters import Json, Params, Refusal, bad_request
from tests.telegram.world import Content, StoredFile, World

_DOWNLOAD_LIMIT = 20 * 1024 * 1024


def picture_size(data: bytes) -> tuple[int, int]:
    """Width and height of a whole PNG or JPEG; raises Refusal for anything else."""
    if data.startswith(b"\x89PNG\r\n\x1a\n") and data[12:16] == b"IHDR" and data[-8:-4] == b"IEND":
        width, height = struct.unpack(">II", data[16:24])
        return int(width), int(height)
    if data.startswith(b"\xff\xd8") and data.rstrip(b"\0").endswith(b"\xff\xd9"):
        at = 2
        while at + 9 < len(data) and data[at] == 0xFF:
            marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
            if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
                height, width = struct.unpack(">HH", data[at + 5 : at + 9])
                return int(width), int(height)
            at += 2 + length
    raise bad_request("IMAGE_PROCESS_FAILED")


def stored_media(world: World, params: Params, kind: str, key: str | None = None) -> StoredFile:
    """The file of a message: uploaded now, or named by its id. Raises Refusal."""
    upload = params.upload(key or kind)
    if upload is None:
        reference = params.text(key or kind)
        if not reference:
            raise bad_request(f"there is no {kind} in the request")
        known = world.files.get(reference)
        if known is None:
            raise bad_request("wrong remote file identifier specified: Wrong string length")
        if (kind == "photo") != bool(known.width):
            raise bad_request(f"can't use file of type {'Photo' if known.width else 'Document'} as {kind.title()}")
        return known
    size = len(upload.data)
    if size > world.file_limit:
        raise Refusal(413, "Request Entity Too Large")
    if not size:
        raise bad_request("file must be non-empty")
    if kind != "photo":
        return world.keep_file(upload.name, upload.data, upload.mime_type)
    if size > world.photo_limit:
        raise bad_request(
            f"file of size {size} bytes is too big for a photo; the maximum size is {world.photo_limit} bytes"
        )
    width, height = picture_size(upload.data)
    if width + height > 10_000 or max(width, height) > 20 * min(width, height):
        raise bad_request("PHOTO_INVALID_DIMENSIONS")
    return world.keep_file(upload.name, upload.data, upload.mime_type, width, height)


def _send_media(world: World, params: Params, kind: str) -> Json:
    def content() -> Content:
        text, raw, entities = caption_of(params)
        world.reachable(world.chat_of(params.text("chat_id")))
        return Content(kind, text, raw, entities, stored_media(world, params, kind))

    return send(world, params, content)


def send_photo(world: World, params: Params) -> Json:
    """sendPhoto."""
    return _send_media(world, params, "photo")


def send_document(world: World, params: Params) -> Json:
    """sendDocument."""
    return _send_media(world, params, "document")


def edit_message_media(world: World, params: Params) -> Json:
    """editMessageMedia: a photo or a document takes the place of what was there, caption included."""
    media: Any = params.structure("media", "input media")
    if not isinstance(media, dict) or media.get("type") not in ("photo", "document"):
        raise bad_request('can\'t parse InputMedia: Field "type" must be photo or document')
    kind = str(media["type"])
    inner = Params(dict(media), params.uploads)
    text, raw, entities = caption_of(inner, "MEDIA_CAPTION_TOO_LONG")
    markup = markup_of(params, inline_only=True)
    message = own_message(world, params)
    content = Content(kind, text, raw, entities, stored_media(world, inner, kind, "media"))
    return revise(world, message, content, markup)


def get_file(world: World, params: Params) -> Json:
    """getFile: where to fetch it, for files up to 20 MB."""
    stored = world.files.get(params.text("file_id"))
    if stored is None:
        raise bad_request("invalid file_id")
    if len(stored.data) > _DOWNLOAD_LIMIT:
        raise bad_request("file is too big")
    return {
        "file_id": stored.file_id,
        "file_unique_id": "u" + stored.file_id[-6:],
        "file_size": len(stored.data),
        "file_path": f"{'photos' if stored.width else 'documents'}/{stored.file_id}",
    }


METHODS: dict[str, Method] = {
    "sendPhoto": send_photo,
    "sendDocument": send_document,
    "editMessageMedia": edit_message_media,
    "getFile": get_file,
}
