"""Methods of the Bot API that write, change, remove and pin messages.

The rule: a function takes the world and the parameters, answers the `result` or raises Refusal; validity is
looked at before the flood gate, the flood gate before any effect.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.telegram.html_rules import (
    Entity,
    ParseFailure,
    command_entities,
    parse_html,
    trimmed,
    utf16_length,
    utf16_slice,
)
from tests.telegram.keyboards import accepted_markup
from tests.telegram.parameters import Json, Params, bad_request
from tests.telegram.world import Answer, Content, Message, World

Method = Callable[[World, Params], Any]

MOST_TEXT = 4096
MOST_CAPTION = 1024
_NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same as a"
    " current content and reply markup of the message"
)
_DELETABLE_SECONDS = 48 * 3600


def formatted(params: Params, key: str) -> tuple[str, list[Entity]]:
    """Text under `key` as a person will see it, with its entities; raises Refusal when it does not parse."""
    raw = params.text(key).replace("\r", "")
    mode = params.text("parse_mode")
    if not mode:
        given = params.structure("entities" if key == "text" else "caption_entities", "entities") or []
        text, entities = raw, [entity for entity in given if isinstance(entity, dict)]
    elif mode.lower() == "html":
        try:
            text, entities = parse_html(raw)
        except ParseFailure as failure:
            raise bad_request(f"can't parse entities: {failure}") from None
    else:
        raise bad_request("unsupported parse_mode")  # Markdown is spoken by the real server, not by this one
    text, entities = trimmed(text, entities)
    return text, sorted([*entities, *_commands_outside(text, entities)], key=lambda entity: entity["offset"])


def _commands_outside(text: str, entities: list[Entity]) -> list[Entity]:
    taken = [(e["offset"], e["offset"] + e["length"]) for e in entities if e["type"] in ("code", "pre", "text_link")]
    return [
        found
        for found in command_entities(text)
        if not any(start < found["offset"] + found["length"] and found["offset"] < end for start, end in taken)
    ]


def text_content(params: Params, too_long: str) -> Content:
    """The text of a message; raises Refusal when there is none or too much."""
    if not params.text("text"):
        raise bad_request("message text is empty")
    text, entities = formatted(params, "text")
    if not text:
        raise bad_request("text must be non-empty")
    if utf16_length(text) > MOST_TEXT:
        raise bad_request(too_long)
    return Content("text", text, params.text("text"), tuple(entities))


def caption_of(params: Params, too_long: str = "message caption is too long") -> tuple[str, str, tuple[Entity, ...]]:
    """Plain caption, raw caption, entities; raises Refusal when too long."""
    text, entities = formatted(params, "caption")
    if utf16_length(text) > MOST_CAPTION:
        raise bad_request(too_long)
    return text, params.text("caption"), tuple(entities)


def markup_of(params: Params, *, inline_only: bool = False) -> Json | None:
    """The keyboard sent along."""
    return accepted_markup(params.structure("reply_markup", "reply keyboard markup"), inline_only=inline_only)


def send(world: World, params: Params, content: Callable[[], Content]) -> Json:
    """What every send has in common: the chat, the keyboard, the message replied to, the flood gate."""
    chat = world.chat_of(params.text("chat_id"))
    markup = markup_of(params)
    made = content()
    reply = params.structure("reply_parameters", "reply parameters") or {}
    reply_to = int(reply.get("message_id", 0)) or params.integer("reply_to_message_id")
    lenient = bool(reply.get("allow_sending_without_reply")) or params.flag("allow_sending_without_reply")
    world.reachable(chat)
    if reply_to and world.find(chat, reply_to) is None:
        if not lenient:
            raise bad_request("message to be replied not found")
        reply_to = 0
    if chat.type == "channel" and markup is not None and "inline_keyboard" not in markup:
        raise bad_request("inline keyboard expected")
    world.admit(chat)
    message = world.post(
        chat,
        world.bot,
        made,
        from_bot=True,
        markup=markup,
        reply_to=reply_to,
        silent=params.flag("disable_notification"),
    )
    return world.message_json(message)


def own_message(world: World, params: Params, missing: str = "message to edit not found") -> Message:
    """The bot's message a call is about; raises Refusal when it is gone or somebody else's."""
    if params.text("inline_message_id"):
        raise bad_request("MESSAGE_ID_INVALID")
    chat = world.chat_of(params.text("chat_id"))
    if not params.integer("message_id"):
        raise bad_request("message identifier is not specified")
    world.reachable(chat)
    message = world.find(chat, params.integer("message_id"))
    if message is None:
        raise bad_request(missing)
    if not message.from_bot or (message.markup is not None and "inline_keyboard" not in message.markup):
        raise bad_request("message can't be edited")
    return message


def revise(world: World, message: Message, content: Content, markup: Json | None) -> Json:
    """What every edit has in common: the flood gate, the refusal to change nothing, the new version."""
    world.admit(message.chat)
    old = message.now.content
    same = (old.kind, old.text, old.entities) == (content.kind, content.text, content.entities)
    if same and old.file == content.file and message.markup == markup:
        raise bad_request(_NOT_MODIFIED)
    world.revise(message, content, markup)
    return world.message_json(message)


def send_message(world: World, params: Params) -> Json:
    """sendMessage."""
    return send(world, params, lambda: text_content(params, "message is too long"))


def edit_message_text(world: World, params: Params) -> Json:
    """editMessageText; without reply_markup the buttons go, as there."""
    content = text_content(params, "MESSAGE_TOO_LONG")
    markup = markup_of(params, inline_only=True)
    message = own_message(world, params)
    if message.kind != "text":
        raise bad_request("there is no text in the message to edit")
    return revise(world, message, content, markup)


def edit_message_caption(world: World, params: Params) -> Json:
    """editMessageCaption."""
    text, raw, entities = caption_of(params, "MEDIA_CAPTION_TOO_LONG")
    markup = markup_of(params, inline_only=True)
    message = own_message(world, params)
    if message.kind == "text":
        raise bad_request("there is no caption in the message to edit")
    return revise(world, message, Content(message.kind, text, raw, entities, message.file), markup)


def edit_message_reply_markup(world: World, params: Params) -> Json:
    """editMessageReplyMarkup."""
    markup = markup_of(params, inline_only=True)
    message = own_message(world, params)
    return revise(world, message, message.now.content, markup)


def delete_message(world: World, params: Params) -> bool:
    """deleteMessage: any message of a private chat, the bot's own elsewhere, for 48 hours."""
    chat = world.chat_of(params.text("chat_id"))
    if not params.integer("message_id"):
        raise bad_request("message identifier is not specified")
    world.reachable(chat)
    message = world.find(chat, params.integer("message_id"))
    if message is None:
        raise bad_request("message to delete not found")
    if world.clock() - message.date > _DELETABLE_SECONDS:
        raise bad_request("message can't be deleted for everyone")
    if not message.from_bot and chat.type != "private":
        raise bad_request("message can't be deleted")
    message.deleted = True
    if message.id in chat.pinned:
        chat.pinned.remove(message.id)
    world.changed()
    return True


def delete_messages(world: World, params: Params) -> bool:
    """deleteMessages: those that can go do, the others are passed over."""
    ids = params.structure("message_ids", "message identifiers")
    if not isinstance(ids, list) or not 1 <= len(ids) <= 100:
        raise bad_request("message identifiers are not specified")
    chat = world.reachable(world.chat_of(params.text("chat_id")))
    for message_id in ids:
        if world.find(chat, int(message_id)) is not None:
            delete_message(world, Params({"chat_id": chat.id, "message_id": message_id}))
    return True


def pin_chat_message(world: World, params: Params) -> bool:
    """pinChatMessage."""
    chat = world.reachable(world.chat_of(params.text("chat_id")))
    message = world.find(chat, params.integer("message_id"))
    if message is None:
        raise bad_request("message to pin not found")
    if message.id in chat.pinned:
        chat.pinned.remove(message.id)
    chat.pinned.append(message.id)
    world.changed()
    return True


def unpin_chat_message(world: World, params: Params) -> bool:
    """unpinChatMessage: the one named, or the newest."""
    chat = world.reachable(world.chat_of(params.text("chat_id")))
    message_id = params.integer("message_id") or max(chat.pinned, default=0)
    if message_id not in chat.pinned:
        raise bad_request("message to unpin not found")
    chat.pinned.remove(message_id)
    world.changed()
    return True


def unpin_all(world: World, params: Params) -> bool:
    """unpinAllChatMessages."""
    world.reachable(world.chat_of(params.text("chat_id"))).pinned.clear()
    world.changed()
    return True


def answer_callback_query(world: World, params: Params) -> bool:
    """answerCallbackQuery: once, soon."""
    press = world.presses.get(params.text("callback_query_id"))
    if press is None or press.answers or world.clock() - press.at > world.callback_lifetime:
        raise bad_request("query is too old and response timeout expired or query ID is invalid")
    if len(params.text("text")) > 200:
        raise bad_request("MESSAGE_TOO_LONG")
    press.answers.append(Answer(params.text("text"), params.flag("show_alert")))
    world.changed()
    return True


def quoted(message: Message, kind: str) -> list[str]:
    """The parts of a message formatted as `kind` (bold, code, pre, …), as a person sees them."""
    return [
        utf16_slice(message.text, entity["offset"], entity["length"])
        for entity in message.entities
        if entity["type"] == kind
    ]


METHODS: dict[str, Method] = {
    "sendMessage": send_message,
    "editMessageText": edit_message_text,
    "editMessageCaption": edit_message_caption,
    "editMessageReplyMarkup": edit_message_reply_markup,
    "deleteMessage": delete_message,
    "deleteMessages": delete_messages,
    "pinChatMessage": pin_chat_message,
    "unpinChatMessage": unpin_chat_message,
    "unpinAllChatMessages": unpin_all,
    "answerCallbackQuery": answer_callback_query,
}
