"""Instagram as instaloader 4.16 meets it: the answers to the very requests that it makes, below `requests`.

Pages and answers have the shape of Instagram's own as far as instaloader reads them.
"""

from __future__ import annotations

import io
import json
import random
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import Message
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

from photosearch.records import Failure, Listing, Progress, Watch
from photosearch.sources.instagram.files import write_private
from photosearch.sources.instagram.pace import Clock
from photosearch.sources.instagram.profile import InstagramSource
from photosearch.sources.source import Options

PAGE = 3  # posts an answer
POST_QUERY = "27128499623469141"
PROFILE_QUERY = "27937681195819736"
OPEN_POSTS_QUERY = "28904005159232689"  # further posts, logged out
POSTS_QUERY = "29104886249145907"  # posts, logged in
VIEWER_QUERY = "d6f4427fbe92d846298cf93df0b937d3"
NOON = datetime(2024, 5, 1, 12)
COOKIES = {"sessionid": "sid-me", "ds_user_id": "7", "csrftoken": "csrf", "mid": "x"}
UNSEEN = Watch()
LOGINS = pytest.mark.parametrize("login", [None, "me"], ids=["logged out", "logged in"])


@dataclass
class Slide:
    """One picture, or a video with its cover."""

    pk: str
    is_video: bool = False
    accessibility: str | None = None
    more: dict[str, Any] = field(default_factory=dict)  # further fields of its own


@dataclass
class FakePost:
    """One post; several slides make it a carousel."""

    code: str
    taken_at: datetime
    slides: list[Slide]
    caption: str | None = None
    pinned: bool = False
    tells_pins: bool = True
    place: dict[str, Any] | None = None
    likes: int = 5
    comments: int = 2
    signature: int = 1  # of its links; it is raised when they expire

    def link(self, slide: Slide) -> str:
        return f"https://scontent.cdninstagram.com/{slide.pk}.jpg?oh={self.signature}"

    def medium(self) -> dict[str, Any]:
        """Instagram's description of it."""
        (first, *more) = self.slides
        pins = {"timeline_pinned_user_ids": [1] if self.pinned else []} if self.tells_pins else {}
        return {
            **self._picture(first),
            **pins,
            "code": self.code,
            "taken_at": int(self.taken_at.replace(tzinfo=UTC).timestamp()),
            "media_type": 8 if more else (2 if first.is_video else 1),
            "caption": {"text": self.caption} if self.caption is not None else None,
            "has_liked": False,
            "like_count": self.likes,
            "comment_count": self.comments,
            "location": self.place,
            "user": {"pk": "1", "username": "sea", "is_private": False, "full_name": "", "profile_pic_url": ""},
            "carousel_media": [self._picture(slide) for slide in self.slides] if more else None,
        }

    def _picture(self, slide: Slide) -> dict[str, Any]:
        return {
            "pk": slide.pk,
            "media_type": 2 if slide.is_video else 1,
            "image_versions2": {"candidates": [{"url": self.link(slide)}, {"url": "https://example.com/small.jpg"}]},
            "video_versions": [{"url": "https://example.com/video.mp4"}] if slide.is_video else None,
            "accessibility_caption": slide.accessibility,
            **slide.more,
        }


def posts(n: int, **options: Any) -> list[FakePost]:
    """Single photos, newest first, a day apart: P1, P2, ..."""
    return [FakePost(f"P{i}", NOON - timedelta(days=i), [Slide(f"10{i}")], **options) for i in range(1, n + 1)]


@dataclass
class Answer:
    """What is sent back."""

    body: Any = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)
    takes_s: float = 0.0  # real seconds


@dataclass
class Fault:
    """Something that goes wrong: an answer, or an exception of the network."""

    where: str  # part of what `asked` holds of the request
    what: Answer | Exception
    times: int = 10**6
    after: int = 0  # such requests that are still answered well


def redirect(path: str) -> Answer:
    """A redirect to a path of Instagram, or to another address."""
    return Answer(status=302, headers={"location": path if "://" in path else f"https://www.instagram.com{path}"})


LOGIN_REDIRECT = Answer(status=302, headers={"location": "https://www.instagram.com/accounts/login/?next=/sea/"})
PLEASE_WAIT = Answer({"status": "fail", "message": "Please wait a few minutes before you try again."}, 401)
TOO_MANY = Answer({"status": "fail"}, 429)
CHECKPOINT = Answer({"status": "fail", "message": "checkpoint_required"}, 400)


class FakeInstagram:
    """The servers; `asked` holds one line a request."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.faults: list[Fault] = []
        self.profiles: dict[str, list[FakePost]] = {}
        self.private: set[str] = set()
        self.followed: set[str] = set()
        self.similar: list[str] = []
        self.lost: set[str] = set()  # profiles whose page is there, but who are not found when logged in
        self.has_search = True  # Instagram has retired it for sessions
        self.has_ended_session = False  # its start page then has no token for queries with a login
        self.passwords = {"me": "s3cret word"}
        self.codes: dict[str, str] = {}  # two-factor codes
        self.login_answer: dict[str, Any] | None = None
        self.sessions = {"sid-me": "me"}

    def count(self, what: str) -> int:
        return sum(what in line for line in self.asked)

    def send(self, adapter: HTTPAdapter, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        assert options["timeout"], f"{request.url} would wait for ever"
        answer = self._answer(request)
        if answer.takes_s:
            time.sleep(answer.takes_s)
        body = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
        message = Message()
        for name, value in answer.cookies.items():
            message["Set-Cookie"] = f"{name}={value}; Domain=.instagram.com; Path=/"
        raw = HTTPResponse(
            io.BytesIO(body.encode()),
            headers=answer.headers,
            status=answer.status,
            reason={200: "OK", 302: "Found", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden"}.get(
                answer.status, "Too Many Requests" if answer.status == 429 else "Not Found"
            ),
            preload_content=False,
            original_response=SimpleNamespace(msg=message, close=lambda: None, isclosed=lambda: True),  # type: ignore[arg-type]
        )
        return adapter.build_response(request, raw)

    def _answer(self, request: requests.PreparedRequest) -> Answer:
        url = urlsplit(request.url or "")
        body = request.body.decode() if isinstance(request.body, bytes) else str(request.body or "")
        given = {name: values[0] for name, values in parse_qs(f"{url.query}&{body}").items()}
        line = " ".join([request.method or "", url.path, given.get("doc_id", ""), given.get("query_hash", "")]).strip()
        variables = json.loads(given.get("variables", "{}"))
        self.asked.append(f"{line} {variables.get('shortcode', '')}".strip())
        for fault in self.faults:
            if fault.where in self.asked[-1] and fault.times > 0:
                if fault.after > 0:
                    fault.after -= 1
                    continue
                fault.times -= 1
                if isinstance(fault.what, Exception):
                    raise fault.what
                return fault.what
        user = self._user(request)
        if "login/ajax" in url.path:
            return self._login(url.path, given)
        if "topsearch" in url.path and not self.has_search:
            return Answer("<html>Sorry</html>", 404)
        if "topsearch" in url.path:
            return Answer({"users": [{"user": {"username": name, "pk": "9"}} for name in self.similar]})
        if "graphql" in url.path:
            return self._graphql(given, variables, user)
        return self._start_page() if url.path == "/" else self._page(url.path.strip("/"))

    def _user(self, request: requests.PreparedRequest) -> str | None:
        cookies = dict(part.partition("=")[::2] for part in request.headers.get("Cookie", "").split("; "))
        return self.sessions.get(cookies.get("sessionid", ""))

    def _start_page(self) -> Answer:
        tokens = '["DTSGInitialData",[],{"token":"dt"}],["LSD",[],{"token":"ls"}],"IG_USER_EIMU":"17"'
        if self.has_ended_session:
            tokens = tokens.replace("DTSGInitialData", "")
        return Answer(f"<html>{tokens}</html>", cookies={"csrftoken": "csrf"})

    def _page(self, name: str) -> Answer:
        if name not in self.profiles:
            return Answer("<html>Sorry</html>", 404)
        about = {"pk": "1", "username": name, "is_private": name in self.private}
        shown = {"id": "500", **about, "polaris_ordered_timeline_connection": self._slice(name, None, codes=True)}
        found = [
            {"xig_user_by_username": part}
            for part in (about, {"id": "500", **about} if name in self.private else shown)
        ]
        data = {"require": [["x", {"__bbox": {"result": {"data": part}}}] for part in found]}
        return Answer(f'<html><script type="application/json" data-sjs>{json.dumps(data)}</script></html>')

    def _slice(self, name: str, after: str | None, *, codes: bool = False) -> dict[str, Any]:
        """A page of posts; logged out, their codes alone."""
        all_posts = self.profiles[name]
        start = 1 + next((i for i, post in enumerate(all_posts) if post.code == after), -1)
        shown = all_posts[start : start + PAGE]
        more = start + PAGE < len(all_posts)
        return {
            "edges": [{"node": {"code": post.code} if codes else post.medium()} for post in shown],
            "page_info": {"has_next_page": more, "end_cursor": shown[-1].code if shown else None},
        }

    def _graphql(self, given: dict[str, str], variables: dict[str, Any], user: str | None) -> Answer:
        if given.get("query_hash") == VIEWER_QUERY:
            viewer = {"username": user, "id": "7"} if user else None
            return Answer({"data": {"user": viewer}, "status": "ok"})
        if given["doc_id"] == POST_QUERY:
            found = [
                p.medium() for profile in self.profiles.values() for p in profile if p.code == variables["shortcode"]
            ]
            return Answer({"data": {"xdt_api__v1__media__shortcode__web_info": {"items": found}}, "status": "ok"})
        if given["doc_id"] == PROFILE_QUERY and variables["id"] == COOKIES["ds_user_id"]:
            return Answer({"data": {"user": {"username": user, "pk": variables["id"]}}, "status": "ok"})
        if given["doc_id"] == PROFILE_QUERY:
            name = next(name for name in self.profiles)
            if name in self.lost:
                return Answer({"status": "fail"}, 404)
            friendship = {"following": name in self.followed}
            about = {"pk": "1", "username": name, "is_private": name in self.private, "friendship_status": friendship}
            return Answer({"data": {"user": about}, "status": "ok"})
        after = variables.get("after")
        if given["doc_id"] == OPEN_POSTS_QUERY:
            timeline = self._slice(next(iter(self.profiles)), after, codes=True)
            return Answer({"data": {"node": {"polaris_ordered_timeline_connection": timeline}}})
        assert given["doc_id"] == POSTS_QUERY, given
        assert given["fb_dtsg"] == "dt", "the web app's token is missing"
        timeline = self._slice(variables["username"], after)
        return Answer({"data": {"xdt_api__v1__feed__user_timeline_graphql_connection": timeline}})

    def _login(self, path: str, given: dict[str, str]) -> Answer:
        user = given["username"]
        logged_in = {"sessionid": f"sid-{user}", "ds_user_id": "7", "csrftoken": "csrf2"}
        if "two_factor" in path:
            if given["verificationCode"] != self.codes[user]:
                return Answer({"status": "fail", "message": "Please check the security code."}, 400)
            return Answer({"status": "ok", "authenticated": True}, cookies=logged_in)
        if self.login_answer is not None:
            return Answer(self.login_answer)
        right = given["enc_password"].endswith(f":{self.passwords.get(user)}")
        if right and user in self.codes:
            info = {"two_factor_identifier": "id"}
            return Answer({"status": "fail", "two_factor_required": True, "two_factor_info": info}, 400)
        answer = {"status": "ok", "authenticated": right, "user": user in self.passwords}
        return Answer(answer, cookies=logged_in if right else {})


class FakeTime:
    """Seconds that pass only when somebody waits."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.waits: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.seconds += seconds

    def now(self) -> float:
        return self.seconds

    @property
    def clock(self) -> Clock:
        return Clock(self.now, self.sleep, self.now)


class Witness:
    """Looks on; ends the work when `is_over` says so."""

    def __init__(self, is_over: Callable[[], bool] = lambda: False) -> None:
        self.seen: list[Progress] = []
        self.watch = Watch(self.seen.append, is_over)

    @property
    def notes(self) -> list[str]:
        return [progress.note for progress in self.seen]


def _real_sleep(_: float) -> None:
    raise AssertionError("this waits in earnest")


def let_time_pass(monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    """Time for instaloader, too; what sleeps past it fails."""
    random.seed(0)
    fake = FakeTime()
    theirs = SimpleNamespace(monotonic=fake.now, time=fake.now, sleep=_real_sleep)
    monkeypatch.setattr("instaloader.instaloadercontext.time", theirs)
    return fake


def stand_in(monkeypatch: pytest.MonkeyPatch) -> FakeInstagram:
    """A fake Instagram that all of requests' connections end at."""
    fake = FakeInstagram()
    monkeypatch.setattr(HTTPAdapter, "send", lambda adapter, request, **options: fake.send(adapter, request, **options))
    return fake


def source_maker(folder: Path, passing: FakeTime) -> Callable[..., InstagramSource]:
    """Makes sources of profile sea: `make(login="me", max_posts=3)`."""

    def make(profile: str = "instagram:sea", **options: Any) -> InstagramSource:
        if options.get("login"):
            write_private(folder / "session-me", {"cookies": COOKIES})
        return InstagramSource(profile, Options(**options), folder, clock=passing.clock)

    return make


def keys(source: InstagramSource, known: Collection[str] = (), watch: Watch = UNSEEN) -> list[str]:
    return [item.source_key for item in source.listings(frozenset(known), watch)]


def take(listing: Iterator[Listing | Failure], taken: list[str]) -> None:
    for item in listing:
        taken.append(item.source_key)


def slides(n: int, start: int = 1) -> list[str]:
    return [f"P{i}/1" for i in range(start, start + n)]
