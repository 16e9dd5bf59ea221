"""The one gate through which untrusted text reaches a terminal."""

import re

# C0 (tab and newline included), DEL, C1, line separators, bidi controls, zero-width and
# invisible characters, lone surrogates, tag characters. Arabic letters themselves stay.
_UNSAFE = re.compile(
    "[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)


def _escape(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x100:
        return {9: "\\t", 10: "\\n", 13: "\\r"}.get(code, f"\\x{code:02x}")
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def safe_text(text: str) -> str:
    r"""Show what can't be shown: ESC becomes \x1b, U+202E becomes \u202e, a newline \n.

    The result is one line and holds no character that a terminal obeys or hides.
    """
    return _UNSAFE.sub(_escape, text)
