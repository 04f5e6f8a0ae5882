"""Downloads from a server of our own on 127.0.0.1: limits, retries, redirects, and no way into private networks."""

import gzip
import io
import logging
import socket
import threading
import time
import traceback
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from photosearch.errors import PhotoError, TryLater
from photosearch.sources import connections, fetching
from photosearch.sources.addresses import check_url, is_public
from photosearch.sources.fetching import Fetched, Fetcher, LinkExpired

PICTURE = b"\xff\xd8\xff\xe0 a picture"
LIMIT = 1_000_000
Answer = Callable[[BaseHTTPRequestHandler], None]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 5
    disable_nagle_algorithm = True  # else each small answer waits 40 ms

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.server.headers.append(dict(self.headers))
        self.server.callers.add(self.client_address)
        answers = self.server.answers[self.path]
        (answers.pop(0) if len(answers) > 1 else answers[0])(self)

    def log_message(self, *args: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    """Answers paths as told, the last answer again and again; `ends` ends those that never would."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, list[Answer]] = {}
        self.asked: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.callers: set[tuple[str, int]] = set()
        self.ends = threading.Event()
        self.root = f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is what many tests are about."""

    def on(self, path: str, *answers: Answer) -> str:
        self.answers[path] = list(answers)
        return self.root + path


def say(data: bytes = b"", status: int = 200, **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        given = {"Content_Length": str(len(data)), **headers}
        for name, value in given.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(data)

    return answer


def raw(*parts: bytes, pause_s: float = 0.0) -> Answer:
    """Bytes as they are, the last ones again and again until the client is gone."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        for part in parts[:-1]:
            handler.wfile.write(part)
        while not handler.server.ends.wait(pause_s):
            handler.wfile.write(parts[-1])

    return answer


def cut(*parts: bytes) -> Answer:
    """Bytes as they are, then the connection's end."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        handler.wfile.write(b"".join(parts))

    return answer


def lead_to(location: str, status: int = 302) -> Answer:
    return say(status=status, Location=location)


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.ends.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def server(running: Server) -> Server:
    for kept in (running.answers, running.asked, running.headers, running.callers):
        kept.clear()
    return running


SLEPT: list[float] = []


@pytest.fixture
def slept() -> list[float]:
    """What has been waited in this test; no time goes by."""
    SLEPT.clear()
    return SLEPT


@pytest.fixture(scope="module")
def fetcher() -> Iterator[Fetcher]:
    one = Fetcher(allow_private=True, sleep=SLEPT.append)
    yield one
    one.close()


@pytest.fixture(scope="module")
def strict() -> Iterator[Fetcher]:
    """One that asks public addresses only."""
    one = Fetcher(sleep=SLEPT.append)
    yield one
    one.close()


@pytest.fixture
def make() -> Iterator[Callable[..., Fetcher]]:
    made: list[Fetcher] = []

    def new(**options: float) -> Fetcher:
        made.append(Fetcher(allow_private=True, sleep=SLEPT.append, **options))
        return made[-1]

    yield new
    for one in made:
        one.close()


def refusal(fetcher: Fetcher, url: str, limit: int = LIMIT) -> str:
    with pytest.raises(PhotoError) as caught:
        fetcher.fetch(url, max_bytes=limit)
    return str(caught.value)


# What is given


def test_a_picture_is_given_with_its_etag(server, fetcher):
    url = server.on("/a.jpg", say(PICTURE, ETag='"one"'))
    assert fetcher.fetch(url, max_bytes=LIMIT) == Fetched(PICTURE, '"one"')
    assert server.headers[0]["User-Agent"].startswith("photosearch/")
    assert server.headers[0]["Accept-Encoding"] == "identity"
    assert "If-None-Match" not in server.headers[0]


def test_known_bytes_are_not_given_again(server, fetcher):
    url = server.on("/a.jpg", say(status=304))
    assert fetcher.fetch(url, etag='W/"one"', max_bytes=LIMIT) is None
    assert server.headers[0]["If-None-Match"] == 'W/"one"'


def test_other_bytes_than_the_known_ones_are_given(server, fetcher):
    url = server.on("/a.jpg", say(PICTURE, ETag='"two"'))
    assert fetcher.fetch(url, etag='"one"', max_bytes=LIMIT) == Fetched(PICTURE, '"two"')


def test_a_304_that_nobody_asked_for_is_an_error(server, fetcher):
    assert refusal(fetcher, server.on("/a.jpg", say(status=304))) == "the server answers with status 304"


@pytest.mark.parametrize("etag", ['"é"', '"a\r\nX-Other: 1"', "x" * 5000, "two words"])
def test_an_etag_that_cannot_be_sent_is_left_out(server, fetcher, etag):
    url = server.on("/a.jpg", say(PICTURE))
    assert fetcher.fetch(url, etag=etag, max_bytes=LIMIT) == Fetched(PICTURE, None)
    assert not {"If-None-Match", "X-Other"} & set(server.headers[0])


@pytest.mark.parametrize("etag", ['"é"', "two words", ""])
def test_an_etag_that_cannot_be_sent_back_is_not_kept(server, fetcher, etag):
    assert fetcher.fetch(server.on("/a.jpg", say(PICTURE, ETag=etag)), max_bytes=LIMIT) == Fetched(PICTURE, None)


def test_a_connection_is_used_again(server, fetcher):
    for name in ("/a.jpg", "/b.jpg", "/c.jpg"):
        fetcher.fetch(server.on(name, say(PICTURE)), max_bytes=LIMIT)
    assert (len(server.asked), len(server.callers)) == (3, 1)


def test_a_kept_connection_that_the_server_has_closed_is_made_anew(server, fetcher):
    def answer_then_close(handler):
        say(PICTURE)(handler)
        handler.close_connection = True

    url = server.on("/a.jpg", answer_then_close)
    for _ in range(3):
        assert fetcher.fetch(url, max_bytes=LIMIT) == Fetched(PICTURE, None)
        time.sleep(0.01)


def test_nothing_is_remembered_from_one_answer_to_the_next(server, fetcher):
    url = server.on("/a.jpg", say(PICTURE, Set_Cookie="id=1; Path=/"))
    for _ in range(2):
        fetcher.fetch(url, max_bytes=LIMIT)
    assert "Cookie" not in server.headers[1]


def test_no_proxy_of_the_environment_is_asked(server, make, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert make().fetch(server.on("/a.jpg", say(PICTURE)), max_bytes=LIMIT) == Fetched(PICTURE, None)


def test_several_threads_get_each_their_own(server, fetcher):
    urls = [server.on(f"/{n}.jpg", say(PICTURE + bytes([n]) * n)) for n in range(60)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda url: fetcher.fetch(url, max_bytes=LIMIT), urls))
    assert [one.data for one in found] == [PICTURE + bytes([n]) * n for n in range(60)]


def test_a_slow_server_holds_up_no_other(server, make):
    fetcher = make(whole_s=0.5)
    head = b"HTTP/1.1 200 OK\r\n\r\n"
    slow = server.on("/slow.jpg", raw(head, b"x", pause_s=0.02))
    fast = server.on("/fast.jpg", say(PICTURE))
    with ThreadPoolExecutor(2) as pool:
        late = pool.submit(refusal, fetcher, slow)
        for _ in range(20):
            assert fetcher.fetch(fast, max_bytes=LIMIT) == Fetched(PICTURE, None)
        assert late.result() == "the server took longer than 0.5 s"


# Redirects


def test_redirects_are_followed(server, fetcher):
    url = server.on("/1", lead_to(f"{server.root}/2", 301))
    server.on("/2", lead_to("three", 302))
    server.on("/three", lead_to("/deep/4", 307))
    server.on("/deep/4", lead_to("../a b.jpg?x=1#part", 308))
    server.on("/a%20b.jpg?x=1", say(PICTURE, ETag='"one"'))
    assert fetcher.fetch(url, max_bytes=LIMIT) == Fetched(PICTURE, '"one"')
    assert server.asked == ["/1", "/2", "/three", "/deep/4", "/a%20b.jpg?x=1"]


def test_a_redirect_in_a_circle_ends(server, fetcher, slept):
    url = server.on("/1", lead_to("/2"))
    server.on("/2", lead_to("/1"))
    assert refusal(fetcher, url) == "the address leads on more than 5 times"
    assert (len(server.asked), slept) == (6, [])


@pytest.mark.parametrize(
    "location",
    ["file:///etc/passwd", "ftp://127.0.0.1/a.jpg", "data:image/png;base64,AAAA", "javascript:alert(1)", "gopher://x/"],
)
def test_a_redirect_to_what_is_no_web_address_is_refused(server, fetcher, slept, location):
    assert "does not begin with http" in refusal(fetcher, server.on("/1", lead_to(location)))
    assert slept == []


@pytest.mark.parametrize("location", ["http://[", "http://a:port/", "http:///a.jpg", "//", "http://\x7f/", "http://℀/"])
def test_a_redirect_to_a_damaged_address_is_an_error(server, fetcher, slept, location):
    where = b"HTTP/1.1 302 Found\r\nLocation: " + location.encode() + b"\r\nContent-Length: 0\r\n\r\n"
    refusal(fetcher, server.on("/1", cut(where)))
    assert len(server.asked) <= 6


@pytest.mark.parametrize("status", [300, 301, 302, 307, 399])
def test_a_redirect_that_leads_nowhere_is_an_error(server, fetcher, status):
    assert refusal(fetcher, server.on("/1", say(status=status))) == f"the server answers with status {status}"


def test_a_redirect_with_a_password_is_refused_without_showing_it(server, fetcher):
    url = server.on("/1", lead_to(f"http://me:hunter2@127.0.0.1:{server.server_port}/a.jpg"))
    message = refusal(fetcher, url)
    assert "user or password" in message
    assert "hunter2" not in message
    assert server.asked == ["/1"]


# What a server refuses, or answers later


@pytest.mark.parametrize("status", [403, 404, 410])
def test_what_is_not_there_has_expired(server, fetcher, slept, status):
    url = server.on("/a.jpg", say(b"gone", status))
    with pytest.raises(LinkExpired, match=f"status {status}"):
        fetcher.fetch(url, max_bytes=LIMIT)
    assert (len(server.asked), slept) == (1, [])


@pytest.mark.parametrize("status", [204, 206, 400, 401, 418, 501])
def test_other_statuses_are_errors_at_once(server, fetcher, status):
    message = refusal(fetcher, server.on("/a.jpg", say(status=status)))
    assert (message, len(server.asked)) == (f"the server answers with status {status}", 1)


def test_a_busy_server_is_asked_again_when_it_says(server, fetcher, slept):
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=9), usegmt=True)
    busy = say(status=429, Retry_After="7"), say(status=503, Retry_After=later)
    url = server.on("/a.jpg", *busy, say(PICTURE))
    assert fetcher.fetch(url, max_bytes=LIMIT) == Fetched(PICTURE, None)
    assert slept[0] == 7
    assert 7 < slept[1] <= 9


@pytest.mark.parametrize("asked", ["nan", "-5", "soon", "", "Mon, 01 Jan 0001 00:00:00 -0000", "Thu, 32 Foo", "0"])
def test_a_wait_that_cannot_be_understood_is_our_own(server, fetcher, slept, asked):
    url = server.on("/a.jpg", say(status=503, Retry_After=asked), say(PICTURE))
    assert fetcher.fetch(url, max_bytes=LIMIT) == Fetched(PICTURE, None)
    assert len(slept) == 1
    assert 0.3 < slept[0] < 0.7


@pytest.mark.parametrize("asked", ["31", "1e9", "inf", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_wait_that_is_too_long_is_not_waited(server, fetcher, slept, asked):
    assert refusal(fetcher, server.on("/a.jpg", say(status=429, Retry_After=asked))) == (
        "the server answers with status 429 (1 try)"
    )
    assert slept == []


def test_a_server_that_stays_broken_is_asked_three_times_more_and_more_slowly(server, fetcher, slept):
    url = server.on("/a.jpg", say(b"oops", 500))
    assert refusal(fetcher, url) == "the server answers with status 500 (3 tries)"
    assert len(server.asked) == 3
    assert 0.3 < slept[0] < 0.7 < slept[1] < 1.3


def test_a_wait_that_does_not_fit_into_the_time_is_not_begun(server, make, slept):
    assert "(1 try)" in refusal(make(whole_s=5), server.on("/a.jpg", say(status=503, Retry_After="20")))
    assert slept == []


# What is no picture


@pytest.mark.parametrize("type", ["text/html", "Text/HTML; charset=utf-8"])
def test_a_web_page_is_recognised_by_its_type(server, fetcher, type):
    url = server.on("/a.jpg", say(b"Log in", Content_Type=type))
    assert refusal(fetcher, url) == "the address leads to a web page, not to a picture"


@pytest.mark.parametrize("page", [b"<!DOCTYPE html><p>", b"\xef\xbb\xbf\r\n <html lang=en>"])
def test_a_web_page_is_recognised_by_its_beginning(server, fetcher, page):
    url = server.on("/a.jpg", say(page, Content_Type="image/jpeg"))
    assert refusal(fetcher, url) == "the address leads to a web page, not to a picture"


@pytest.mark.parametrize("headers", [{}, {"Content_Encoding": "gzip"}])
def test_an_empty_answer_is_an_error(server, fetcher, headers):
    assert refusal(fetcher, server.on("/a.jpg", say(**headers))) == "the server's answer is empty"


# Size


def test_bytes_are_given_up_to_the_limit(server, fetcher):
    url = server.on("/a.jpg", say(b"x" * 2_000_000))
    assert len(fetcher.fetch(url, max_bytes=2_000_000).data) == 2_000_000
    assert refusal(fetcher, url, 1_999_999) == "the file is larger than 1 MB"


@pytest.mark.parametrize("length", [b"2000000000", b"9" * 20])
def test_a_body_that_is_declared_huge_is_not_read(server, fetcher, length):
    head = b"HTTP/1.1 200 OK\r\nContent-Length: " + length + b"\r\n\r\n"
    url = server.on("/a.jpg", raw(head, b"", pause_s=0.05))
    begun = time.monotonic()
    assert refusal(fetcher, url) == "the file is larger than 1 MB"
    assert time.monotonic() - begun < 5


def test_a_body_without_end_is_cut_off(server, fetcher, slept):
    url = server.on("/a.jpg", raw(b"HTTP/1.1 200 OK\r\n\r\n", bytes(65536)))
    assert refusal(fetcher, url) == "the file is larger than 1 MB"
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    url = server.on("/b.jpg", raw(chunked, b"10000\r\n" + bytes(65536) + b"\r\n"))
    assert refusal(fetcher, url) == "the file is larger than 1 MB"
    assert slept == []


def test_headers_without_end_are_cut_off(server, fetcher):
    url = server.on("/a.jpg", raw(b"HTTP/1.1 200 OK\r\n", b"X-Header: " + b"x" * 1000 + b"\r\n"))
    assert refusal(fetcher, url) == "the server cannot be reached: RemoteProtocolError (3 tries)"


@pytest.mark.parametrize(
    ("name", "pack"),
    [("gzip", gzip.compress), ("X-GZIP", gzip.compress), ("deflate", zlib.compress), ("identity", bytes), ("", bytes)],
)
def test_what_is_packed_unasked_is_unpacked(server, fetcher, name, pack):
    url = server.on("/a.jpg", say(pack(PICTURE), Content_Encoding=name))
    assert fetcher.fetch(url, max_bytes=LIMIT) == Fetched(PICTURE, None)
    assert fetcher.fetch(url, max_bytes=max(len(PICTURE), len(pack(PICTURE)))) == Fetched(PICTURE, None)


def test_what_becomes_huge_when_unpacked_is_not_unpacked(server, fetcher, monkeypatch):
    made = []

    class Watched:
        def __init__(self, **options):
            self._real = zlib_object(**options)
            self.eof = False

        def decompress(self, data, most):
            made.append(self._real.decompress(data, most))
            return made[-1]

    bomb = io.BytesIO()
    with gzip.GzipFile(fileobj=bomb, mode="wb", compresslevel=9) as file:
        for _ in range(20):
            file.write(bytes(1_000_000))
    zlib_object = zlib.decompressobj
    monkeypatch.setattr(fetching.zlib, "decompressobj", Watched)
    assert refusal(fetcher, server.on("/a.jpg", say(bomb.getvalue(), Content_Encoding="gzip"))) == (
        "the file is larger than 1 MB"
    )
    assert [len(data) for data in made] == [LIMIT + 1]


@pytest.mark.parametrize(
    "body", [b"no gzip", gzip.compress(PICTURE)[:-9], gzip.compress(PICTURE)[:5]], ids=["other", "short", "head"]
)
def test_what_is_packed_badly_is_an_error(server, fetcher, body):
    url = server.on("/a.jpg", say(body, Content_Encoding="gzip"))
    assert refusal(fetcher, url) == "the server's answer is damaged"


@pytest.mark.parametrize("name", ["br", "zstd", "gzip, gzip", "x" * 1000])
def test_what_is_packed_in_an_unknown_way_is_an_error(server, fetcher, name):
    url = server.on("/a.jpg", say(b"no picture", Content_Encoding=name))
    assert refusal(fetcher, url) == "the server packs it in a way that is not known"


@pytest.mark.parametrize(
    "headers",
    [
        {"Content_Type": "text/html"},
        {"Content_Type": "application/xhtml+xml"},
        {"Content_Type": "text/plain; charset=utf-8"},
        {"Content_Encoding": "gzip"},
        {"Content_Encoding": "br"},
    ],
)
def test_a_picture_is_one_whatever_the_server_says_of_it(server, fetcher, headers):
    assert fetcher.fetch(server.on("/a.jpg", say(PICTURE, **headers)), max_bytes=LIMIT) == Fetched(PICTURE, None)


# Time and connections


@pytest.mark.parametrize(
    "head", [b"", b"HTTP/1.1 200 OK\r\nContent-Le", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab"]
)
def test_a_server_that_says_nothing_more_is_given_up(server, make, slept, head):
    url = server.on("/a.jpg", raw(head, b"", pause_s=0.05))
    begun = time.monotonic()
    assert refusal(make(read_s=0.05), url) == "the server does not answer (3 tries)"
    assert time.monotonic() - begun < 5
    assert len(slept) == 2


@pytest.mark.parametrize(
    ("head", "drop"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nX-Header: ", b"x"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"x"),
        (b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
        (b"HTTP/1.1 302 Found\r\nLocation: ", b"x"),
    ],
    ids=["body", "header", "chunk", "informational", "redirect"],
)
def test_a_server_that_drips_is_given_up(server, make, slept, head, drop):
    url = server.on("/a.jpg", raw(head, drop, pause_s=0.01))
    begun = time.monotonic()
    assert refusal(make(whole_s=0.2), url) == "the server took longer than 0.2 s"
    assert 0.15 < time.monotonic() - begun < 5
    assert slept == []


def test_a_fetcher_goes_on_after_what_was_given_up(server, make):
    fetcher = make(whole_s=0.5)
    refusal(fetcher, server.on("/a.jpg", raw(b"", b"H", pause_s=0.01)))
    refusal(fetcher, server.on("/b.jpg", raw(b"HTTP/1.1 200 OK\r\n\r\n", bytes(65536))))
    for _ in range(connections.MAX_CONNECTIONS + 1):
        refusal(fetcher, server.on("/c.jpg", say(status=404)))
    assert fetcher.fetch(server.on("/d.jpg", say(PICTURE)), max_bytes=LIMIT) == Fetched(PICTURE, None)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
    ids=["nothing", "other protocol", "short", "length", "chunk"],
)
def test_an_answer_that_breaks_off_or_is_none_is_asked_for_again(server, fetcher, answer):
    url = server.on("/a.jpg", cut(answer))
    assert refusal(fetcher, url) == "the server cannot be reached: RemoteProtocolError (3 tries)"
    server.on("/a.jpg", cut(answer), say(PICTURE))
    assert fetcher.fetch(url, max_bytes=LIMIT) == Fetched(PICTURE, None)


def test_a_refused_connection_is_an_error(fetcher, slept):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/a.jpg"
        assert "Connection refused (3 tries)" in refusal(fetcher, url)
    assert len(slept) == 2


def test_a_server_without_tls_is_an_error(server, fetcher):
    url = server.on("/a.jpg", say(PICTURE)).replace("http:", "https:")
    assert refusal(fetcher, url).startswith("the server cannot be reached: ")


# Names


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Names with their addresses; no other is known, and what is no name is read as ever."""
    known: dict[str, list[str]] = {}
    real = socket.getaddrinfo

    def look_up(host, port, *args, **options):
        if host in known:
            return [info for address in known[host] for info in real(address, port, type=socket.SOCK_STREAM)]
        if (
            host.rpartition(".")[2].isdigit()
            or host.startswith("0x")
            or ":" in host
            or host == "localhost"
            or len(host) > 63
            or ".." in host
        ):
            return real(host, port, *args, **options)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return known


@pytest.fixture
def here_is_public(monkeypatch: pytest.MonkeyPatch) -> None:
    """127.0.0.1, where the server is, counts as public; 127.0.0.2 does not."""
    monkeypatch.setattr(connections, "is_public", lambda address: address == "127.0.0.1" or is_public(address))


@pytest.mark.parametrize("which", ["fetcher", "strict"])
@pytest.mark.parametrize("host", ["nowhere.example", "a..b", "x" * 64 + ".example"])
def test_a_name_that_is_not_known_is_an_error(request, names, which, host):
    message = refusal(request.getfixturevalue(which), f"http://{host}/a.jpg")
    assert message == "the server cannot be reached: the server's name is not known (3 tries)"


@pytest.mark.parametrize(
    "address",
    "127.0.0.1 10.1.2.3 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 100.100.100.200 0.0.0.0 0.1.2.3 224.0.0.1"
    " 239.1.1.1 240.0.0.1 255.255.255.255 192.0.0.192 192.0.2.1 198.18.0.1 198.51.100.1 203.0.113.1"
    " ::1 :: ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::127.0.0.1 64:ff9b::7f00:1 64:ff9b:1::7f00:1 2002:7f00:1::"
    " 2002:a9fe:a9fe::1 2001:0:7f00:1::1 fe80::1 fe80::1%eth0 fec0::1 fc00::1 fd00:ec2::254 ff02::1 ff0e::1 2001:db8::1"
    " 4000::1".split(),
)
def test_an_address_of_no_public_network_is_not_connected_to(strict, names, address):
    assert not is_public(address)
    names["photos.example"] = [address.partition("%")[0]]
    assert "this machine's own network" in refusal(strict, "http://photos.example/a.jpg")


@pytest.mark.parametrize(
    "address",
    "8.8.8.8 1.1.1.1 172.15.0.1 172.32.0.1 2606:4700::1111 ::ffff:8.8.8.8 64:ff9b::808:808 2002:808:808::1".split(),
)
def test_a_public_address_is_one(address):
    assert is_public(address)


@pytest.mark.parametrize("address", ["", "localhost", "1", "127.1", "8.8.8.8.8", "8.8.8.8/8"])
def test_what_is_no_address_is_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "localhost", "LOCALHOST", "0"),
        *("[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "①②⑦.0.0.1", "127。0。0。1"),
    ],
)
def test_this_machine_is_not_asked_however_it_is_written(server, strict, names, host):
    server.on("/a.jpg", say(PICTURE))
    refusal(strict, f"http://{host}:{server.server_port}/a.jpg")
    assert server.asked == []


def test_a_private_address_is_not_asked_for_twice(strict, slept):
    for _ in range(connections.MAX_CONNECTIONS + 1):
        assert "PHOTOSEARCH_ALLOW_PRIVATE=1" in refusal(strict, "http://127.0.0.1/a.jpg")
    assert slept == []


def test_only_the_public_of_several_addresses_is_connected_to(server, strict, names, here_is_public):
    names["photos.example"] = ["10.0.0.1", "127.0.0.2", "127.0.0.1", "fe80::1"]
    server.on("/a.jpg", say(PICTURE))
    url = f"http://photos.example:{server.server_port}/a.jpg"
    assert strict.fetch(url, max_bytes=LIMIT) == Fetched(PICTURE, None)
    assert server.headers[0]["Host"] == f"photos.example:{server.server_port}"


def test_the_next_address_is_tried_when_one_refuses(server, fetcher, names):
    names["photos.example"] = ["127.0.0.2", "127.0.0.3", "127.0.0.1"]
    server.on("/a.jpg", say(PICTURE))
    url = f"http://photos.example:{server.server_port}/a.jpg"
    assert fetcher.fetch(url, max_bytes=LIMIT) == Fetched(PICTURE, None)


def test_tls_goes_by_the_name_not_by_the_address(fetcher, names):
    names["photos.example"] = ["127.0.0.1"]
    with socket.create_server(("127.0.0.1", 0)) as listening, ThreadPoolExecutor(1) as pool:
        url = f"https://photos.example:{listening.getsockname()[1]}/a.jpg"
        asked = pool.submit(refusal, fetcher, url)
        for _ in range(fetching.N_TRIES):
            connection, _ = listening.accept()
            with connection:
                hello = connection.recv(65536)
                assert b"photos.example" in hello, "the server name in TLS's first message"
        assert asked.result().startswith("the server cannot be reached: ")


def test_a_name_is_looked_up_once_a_connection(server, strict, names, here_is_public, monkeypatch):
    """A name that is public when it is checked and private when it is used is a known trick."""
    answers = [["127.0.0.1"], ["127.0.0.2"]]
    known = socket.getaddrinfo

    def change(host, *args, **options):
        if host == "turning.example":
            names[host] = answers.pop(0)
        return known(host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", change)
    server.on("/a.jpg", say(PICTURE, Connection="close"))
    url = f"http://turning.example:{server.server_port}/a.jpg"
    assert strict.fetch(url, max_bytes=LIMIT) == Fetched(PICTURE, None)
    assert "this machine's own network" in refusal(strict, url)
    assert len(server.asked) == 1


@pytest.mark.parametrize("host", ["private.example", "127.0.0.2", "[::1]", "localhost."])
def test_a_redirect_from_a_public_to_a_private_address_is_refused(server, strict, names, here_is_public, host):
    names.update({"public.example": ["127.0.0.1"], "private.example": ["127.0.0.2"], "localhost.": ["127.0.0.2"]})
    server.on("/1", lead_to(f"http://{host}:{server.server_port}/secret"))
    server.on("/secret", say(PICTURE))
    message = refusal(strict, f"http://public.example:{server.server_port}/1")
    assert "this machine's own network" in message
    assert server.asked == ["/1"]


# Addresses that are never asked for, and secrets


@pytest.mark.parametrize(
    "url",
    [
        *("", "a.jpg", "//host/a.jpg", "file:///etc/passwd", "ftp://host/a.jpg", "data:image/png;base64,AA", "HTTP:a"),
        *(
            "http://",
            "http:///a.jpg",
            "http://[",
            "http://[::1",
            "http://host:port/",
            "http://host:99999/",
            "http://:80/",
        ),
        *(
            "http://ho st/",
            "http://host/a b.jpg",
            "http://host/\n",
            "http://host/\x00",
            "http://host/\ud800",
            " http://x/",
        ),
        "http://host/" + "x" * 70_000,
    ],
)
def test_what_is_no_web_address_is_refused_before_anything_is_asked(fetcher, url, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pytest.fail("a name was looked up"))
    refusal(fetcher, url)


@pytest.mark.parametrize("url", ["http://host/a.jpg", "HTTPS://Host:8443/a?b=c@d", "http://münchen.example/ü.jpg"])
def test_web_addresses_are_fine(url):
    check_url(url)


SECRET_URLS = [
    "http://me:hunter2@127.0.0.1:1/a.jpg",
    "http://hunter2@127.0.0.1/a.jpg",
    "http://:hunter2@127.0.0.1/a.jpg",
    "http://me:hunter2/x@127.0.0.1/a.jpg",
    "http://me:hunter2#x@127.0.0.1/a.jpg",
    "http://me:hunter2?x@127.0.0.1/a.jpg",
    "http://me:hunter2@[/a.jpg",
    "http://me:hunter2@℀.example/a.jpg",
    "http://me:hunter2@host:hunter2/a.jpg",
    "ftp://me:hunter2@127.0.0.1/a.jpg",
    "http://me:hunter2\\@127.0.0.1/a.jpg",
    "http://me:hun\nter2@127.0.0.1/a.jpg",
    "http://127.0.0.1:1/a.jpg?token=hunter2",
    "http://127.0.0.1:1/" + "hunter2" * 10_000,
]


@pytest.mark.parametrize("url", SECRET_URLS)
@pytest.mark.parametrize("which", ["fetcher", "strict"])
def test_a_secret_in_an_address_is_never_shown(request, url, which, caplog):
    caplog.set_level(logging.INFO)
    with pytest.raises(PhotoError) as caught:
        request.getfixturevalue(which).fetch(url, max_bytes=LIMIT)
    shown = "".join(traceback.format_exception(caught.value))
    for text in (str(caught.value), repr(caught.value), shown, caplog.text):
        assert "hunter2" not in text
        assert "ter2@" not in text


def test_addresses_are_not_written_to_the_log(server, fetcher, caplog):
    caplog.set_level(logging.INFO)
    fetcher.fetch(server.on("/a.jpg?token=hunter2", say(PICTURE)), max_bytes=LIMIT)
    assert "hunter2" not in caplog.text


# What may pass


@pytest.mark.parametrize("status", [401, 429, 500, 501, 503])
def test_what_may_pass_is_told_as_such(server, fetcher, status):
    with pytest.raises(TryLater, match=str(status)):
        fetcher.fetch(server.on("/a.jpg", say(b"oops", status)), max_bytes=LIMIT)


@pytest.mark.parametrize("status", [400, 403, 404, 410, 418])
def test_what_will_not_pass_is_told_as_such(server, fetcher, status):
    with pytest.raises(PhotoError) as raised:
        fetcher.fetch(server.on("/a.jpg", say(b"oops", status)), max_bytes=LIMIT)
    assert not isinstance(raised.value, TryLater)


def test_a_server_that_is_not_there_may_come_back(fetcher):
    with pytest.raises(TryLater):
        fetcher.fetch("http://nohost.invalid/a.jpg", max_bytes=LIMIT)
