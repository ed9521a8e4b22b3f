"""Methods of the Bot API about the bot itself and the chats it is in.

The rule: as in the other rooms of methods; what needs a long wait (getUpdates) lives in the server, not here.
"""

from __future__ import annotations

import json
import re

from tests.telegram.message_methods import Method
from tests.telegram.parameters import Json, Params, Refusal, bad_request
from tests.telegram.world import World

_COMMAND = re.compile(r"[a-z0-9_]{1,32}")
_ACTIONS = frozenset({
    "typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice",
    "upload_document", "choose_sticker", "find_location", "record_video_note", "upload_video_note",
})  # fmt: skip


def get_me(world: World, params: Params) -> Json:
    """getMe."""
    return {
        **world.bot,
        "can_join_groups": True,
        "can_read_all_group_messages": True,
        "supports_inline_queries": False,
    }


def _command_key(world: World, params: Params) -> str:
    scope = params.structure("scope", "BotCommandScope") or {"type": "default"}
    if not isinstance(scope, dict) or "type" not in scope:
        raise bad_request("can't parse BotCommandScope: Can't find field \"type\"")
    if "chat_id" in scope:
        world.chat_of(str(scope["chat_id"]))
    return json.dumps([scope, params.text("language_code")], sort_keys=True)


def set_my_commands(world: World, params: Params) -> bool:
    """setMyCommands."""
    commands = params.structure("commands", "bot commands") or []
    if not isinstance(commands, list):
        raise bad_request("expected an Array of BotCommand")
    if len(commands) > 100:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    for entry in commands:
        if not isinstance(entry, dict) or not {"command", "description"} <= entry.keys():
            raise bad_request("can't parse BotCommand: Can't find field \"command\"")
        if not _COMMAND.fullmatch(str(entry["command"])):
            raise bad_request("BOT_COMMAND_INVALID")
        if not str(entry["description"]).strip() or len(str(entry["description"])) > 256:
            raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    names = [entry["command"] for entry in commands]
    if len(set(names)) != len(names):
        raise bad_request("BOT_COMMAND_INVALID")
    world.commands[_command_key(world, params)] = [
        {"command": entry["command"], "description": entry["description"]} for entry in commands
    ]
    world.changed()
    return True


def get_my_commands(world: World, params: Params) -> list[Json]:
    """getMyCommands."""
    return world.commands.get(_command_key(world, params), [])


def delete_my_commands(world: World, params: Params) -> bool:
    """deleteMyCommands."""
    world.commands.pop(_command_key(world, params), None)
    return True


def set_webhook(world: World, params: Params) -> bool:
    """setWebhook: from now on getUpdates is refused; an empty url removes it."""
    url = params.text("url")
    if url and not url.startswith("https://"):
        raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
    world.webhook_url = url
    if params.flag("drop_pending_updates"):
        world.updates.clear()
    world.changed()
    return True


def delete_webhook(world: World, params: Params) -> bool:
    """deleteWebhook."""
    world.webhook_url = ""
    if params.flag("drop_pending_updates"):
        world.updates.clear()
    return True


def get_webhook_info(world: World, params: Params) -> Json:
    """getWebhookInfo."""
    waiting = len(world.updates.waiting)
    return {"url": world.webhook_url, "has_custom_certificate": False, "pending_update_count": waiting}


def get_chat(world: World, params: Params) -> Json:
    """getChat, with the newest pinned message; for a person who blocked the bot too, as the real one does."""
    chat = world.chat_of(params.text("chat_id"))
    if chat.type == "private" and not chat.started:
        raise bad_request("chat not found")
    if not chat.member:
        raise Refusal(403, f"Forbidden: bot is not a member of the {chat.type} chat")
    gifts = dict.fromkeys(
        ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels"),
        False,
    )
    answer: Json = {
        **chat.json(),
        "accent_color_id": 0,
        "max_reaction_count": 11,
        "accepted_gift_types": gifts,
    }
    pinned = [found for message_id in chat.pinned if (found := world.find(chat, message_id)) is not None]
    if pinned:
        answer["pinned_message"] = world.message_json(max(pinned, key=lambda message: message.id), with_reply=False)
    return answer


def leave_chat(world: World, params: Params) -> bool:
    """leaveChat; the bot is told of its own going, as there."""
    chat = world.chat_of(params.text("chat_id"))
    if chat.type == "private":
        raise bad_request("chat member status can't be changed in private chats")
    world.reachable(chat)
    chat.member = False
    world.updates.push(
        "my_chat_member",
        {
            "chat": chat.json(),
            "from": world.bot,
            "date": int(world.clock()),
            "old_chat_member": {"user": world.bot, "status": "member"},
            "new_chat_member": {"user": world.bot, "status": "left"},
        },
    )
    world.changed()
    return True


def send_chat_action(world: World, params: Params) -> bool:
    """sendChatAction."""
    chat = world.chat_of(params.text("chat_id"))
    if params.text("action") not in _ACTIONS:
        raise bad_request("wrong parameter action in request")
    world.reachable(chat)
    world.actions.append((chat.id, params.text("action")))
    world.changed()
    return True


def log_out(world: World, params: Params) -> bool:
    """logOut: nothing else works from then on."""
    world.logged_out = True
    return True


def just_true(world: World, params: Params) -> bool:
    """Methods whose effect no test looks at."""
    return True


METHODS: dict[str, Method] = {
    "getMe": get_me,
    "setMyCommands": set_my_commands,
    "getMyCommands": get_my_commands,
    "deleteMyCommands": delete_my_commands,
    "setWebhook": set_webhook,
    "deleteWebhook": delete_webhook,
    "getWebhookInfo": get_webhook_info,
    "getChat": get_chat,
    "leaveChat": leave_chat,
    "sendChatAction": send_chat_action,
    "logOut": log_out,
    "close": just_true,
    "setMyName": just_true,
    "setMyDescription": just_true,
    "setMyShortDescription": just_true,
    "setChatMenuButton": just_true,
    "setMessageReaction": just_true,
}
