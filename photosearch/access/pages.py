"""The pages and messages for visitors who are not let in; they hold nothing of the library."""

from __future__ import annotations

import html
from collections.abc import Sequence

from starlette.responses import HTMLResponse, JSONResponse, Response

_SECURITY = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'",
}
_STYLE = (
    ":root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }"
    " main { max-width: 34rem; margin: 12vh auto; padding: 0 1rem }"
    " input, button, .button { font: inherit; padding: .45rem .8rem; border-radius: .4rem; border: 1px solid #999 }"
    " .button { display: inline-block; text-decoration: none } .wrong { color: #c0392b }"
    " code { background: #8882; padding: .1rem .3rem; border-radius: .25rem }"
)
NO_LOCK = (
    "These photos can be seen on the machine that photosearch runs on only. To see them from other machines, set a"
    " password there, PHOTOSEARCH_PASSWORD, and start photosearch again."
)
_HOW_TO_LOCK = """<h1>This photosearch is for its own machine only</h1>
<p>You visit it from another machine, and no password is set, so nothing is shown here.</p>
<p>If it is yours, set a password on the machine that it runs on, and start it again:</p>
<p><code>PHOTOSEARCH_PASSWORD='a long sentence' photosearch app --address 0.0.0.0</code></p>
<p>or write <code>password = "a long sentence"</code> into <code>photosearch.toml</code> there. If everybody who reaches
it may see and change everything, set <code>PHOTOSEARCH_OPEN=1</code> instead.</p>"""


def message(status: int, text: str, headers: dict[str, str] | None = None) -> Response:
    """Return a refusal as JSON, as the API answers."""
    return JSONResponse({"message": text}, status, {**_SECURITY, **(headers or {})})


def refusal(status: int, title: str, text: str) -> Response:
    """Return a refusal as a page."""
    return _page(status, title, f"<h1>{html.escape(title)}</h1><p>{html.escape(text)}</p>")


def how_to_lock() -> Response:
    """Return the page that visitors from other machines get while there is no lock."""
    return _page(403, "photosearch", _HOW_TO_LOCK)


def login_form(status: int, action: str, target: str, problem: str = "", wait_s: float = 0.0) -> Response:
    """Return the page that asks for the password.

    Args:
        status: 401, or 429 where the visitor must wait.
        action: the path to which the form is sent.
        target: the path at which the visitor goes on.
        problem: what was wrong with the last try.
        wait_s: for how many seconds no further try is looked at.
    """
    shown = f'<p class="wrong" role="alert">{html.escape(problem)}</p>' if problem else ""
    form = (
        f'<h1>Photos, for those who know the password</h1>{shown}<form method="post" action="{html.escape(action)}">'
        f'<input type="hidden" name="next" value="{html.escape(target)}">'
        '<label>Password <input type="password" name="password" autocomplete="current-password" autofocus required>'
        "</label> <button>Log in</button></form>"
    )
    return _page(status, "photosearch: log in", form, {"Retry-After": f"{wait_s:.0f}"} if wait_s else None)


def openid_login(links: Sequence[tuple[str, str]], problem: str = "", status: int = 401) -> Response:
    """Return the page with links, each a label and an address, to the log-in of OpenID Connect providers."""
    shown = f'<p class="wrong" role="alert">{html.escape(problem)}</p>' if problem else ""
    buttons = "".join(
        f'<p><a class="button" href="{html.escape(address)}">{html.escape(label)}</a></p>' for label, address in links
    )
    return _page(status, "photosearch: log in", f"<h1>Photos, for those who are invited</h1>{shown}{buttons}")


def logout_form(action: str) -> Response:
    """Return the page that asks whether to log out."""
    form = f'<h1>Log out?</h1><form method="post" action="{html.escape(action)}"><button>Log out</button></form>'
    return _page(200, "photosearch: log out", form)


def _page(status: int, title: str, body: str, headers: dict[str, str] | None = None) -> Response:
    text = (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head><body><main>{body}</main></body></html>"
    )
    return HTMLResponse(text, status, {**_SECURITY, **(headers or {})})
