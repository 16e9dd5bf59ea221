"""Texts made to steer or fool a terminal, and an eye for what of them got through."""

import re
from unicodedata import category

STEERING = (
    "\x1b]0;owned\x07",  # the window's title
    "\x1b]8;;http://evil.example\x1b\\click\x1b]8;;\x1b\\",  # a link
    "\x1b]52;c;cm0gLXJm\x07",  # the clipboard
    "\x1b]1337;File=inline=1:AAAA\x07",
    "\x1b[2J\x1b[H",
    "\x1b[1A\x1b[2K",
    "\x1b[31mred\x1b[0m",
    "\x1b[8mconcealed\x1b[28m",
    "\x1b[?1049h",
    "\x1b[21t\x1b[6n",  # questions, whose answers would be typed
    "\x1bP$q\x1b\\",
    "\x1b_apc\x1b\\",
    "\x1b^pm\x1b\\",
    "\x1bXsos\x1b\\",
    "\x1bc",
    "\x1b#8",
    "\x1b(0",
    "ok\rerror",
    "ok\nerror: forged",
    "ok\x08\x08no",
    "tab\tbed",
    "\x0e\x0f",
    "\x9b2J",
    "\x9d0;owned\x9c",
    "\x90q\x9c",
)
FOOLING = (
    "user\u202etxt.exe",
    "\u202a\u202b\u202c\u202d",
    "\u2066\u2067\u2068\u2069",
    "\u200e\u200f\u061c",
    "adm\u200bin",
    "ad\u2060min",
    "ad\u200dmin",
    "ad\u200cmin",
    "\ufeffadmin",
    "ad\u00admin",
    "line\u2028line\u2029line",
    "a\U000e0061\U000e007f",
    "x\ue000\U000f0000",
    "x\u0378\ufdd0\U0010ffff",
    "\u180e\u115f\u3164\uffa0\u034f",
    "\ufff9a\ufffab\ufffb",
    "Z" + "\u0301\u0327\u0489" * 40,
    "\U0001f600" + "\U000e0100\U000e0101" * 20,
)
LONE = tuple(f"c{chr(code)}c" for code in (*range(1, 0x20), *range(0x7F, 0xA0)))
HOSTILE = (*STEERING, *FOOLING, *LONE)

SIGNS = "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2"
"""Unicode's Prepended_Concatenation_Mark below U+10000: format characters that are seen."""

FRIENDLY = (
    f"{SIGNS[0]}\u0661\u0662",  # an Arabic number's sign
    "[red]no markup[/red]",
    "[link=http://evil.example]x[/link]",
    ":smile:",
    "\u0641\u0627\u0637\u0645\u0629 \u0628\u064e\u0651\u0646\u0652\u062a",  # Arabic vowels
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # Persian, with its joiner
    "Zo\u00eb O\u2019Bri\u0301en",
    "\u0e01\u0e33\u0e25\u0e31\u0e07 \u540d\u524d \u0915\u094d\u200d\u0937",
    "\U0001f469\u200d\U0001f4bb \U0001f44d\U0001f3fd \u2764\ufe0f 1\ufe0f\u20e3",
)
"""What looks strange and is only text: it must stay as it is."""

# All that medtrack itself says to a terminal: its colours, and the progress line's erasing.
OURS = re.compile(r"\x1b\[(?:0|1|2|31|32|33|36)m|\r\x1b\[K|\r\n")
# The live view's: the modes of a frame, cursor up, erasing; and rich's names of those colours.
LIVE = re.compile(
    r"\x1b\[(?:\?(?:2026|25|7)[hl]|[0-9]+A|2?K|J|(?:[0-9]|[34][0-9])(?:;[34][0-9])*m)|\r"
)


def steered(seen: bytes, *, live: bool = False) -> list[str]:
    """List what a terminal would obey or hide of what reached it, with what stands around it."""
    text = OURS.sub(lambda found: "\n" if found[0] == "\r\n" else "", seen.decode("utf-8"))
    text = LIVE.sub("", text) if live else text
    return [
        ascii(text[max(0, at - 30) : at + 20])
        for at in range(len(text))
        if text[at] != "\n" and _steers(text, at)
    ]


def _steers(text: str, at: int) -> bool:
    if text[at] in "\u200c\u200d":  # for Persian and emoji, not between ASCII's letters
        return not text[at - 1 : at] > "\u05ff" < text[at + 1 : at + 2]
    if category(text[at]) == "Mn":  # nine of them cover other lines
        pile = text[at : at + 9]
        return len(pile) == 9 and all(category(char) in {"Mn", "Me"} for char in pile)
    if text[at] in SIGNS:
        return False
    return category(text[at]) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
