"""Signing in with a browser: what a cookie opens, what it never does, and where one is led."""

import asyncio
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from typing import Any

import pytest

pytest.importorskip("starlette")
pytest.importorskip("orjson")
pytest.importorskip("httpx")

import httpx
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from dwcp.serving.access import ALL_RIGHTS, Access, Caller, InFlight, Limits, Right
from dwcp.serving.http import HttpSettings, RouteGroup, Sessions, make_app
from dwcp.serving.http.sessions import SESSION_S
from dwcp.serving.page.routes import BROWSED, OPEN, routes
from dwcp.serving.page.sign_in import SignIn

TOKEN = "t" * 32
ACCESS = Access({TOKEN: Caller("ops", ALL_RIGHTS)}, Caller("nobody", frozenset()))
PERSON = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
ORIGIN = {"Origin": "http://127.0.0.1"}


class Site:
    """A server's application whose callers need a token; it has the page, hints, and a form to sign in."""

    def __init__(self, served: Any, base_url: str = "http://127.0.0.1") -> None:
        self.now = 0.0
        self.waits: list[float] = []
        self.go_on = threading.Event()
        self.go_on.set()
        self.in_flight = InFlight(1)
        self.base_url = base_url
        sessions = Sessions(lambda: self.now)
        signing = SignIn(ACCESS, sessions, self._wait).routes()

        async def anything(_request: Any) -> PlainTextResponse:
            return PlainTextResponse("done")

        groups = [
            RouteGroup(routes(served.observed), browsed=BROWSED, open=OPEN),
            RouteGroup([Route("/v1/hints/{method}", anything, methods=["GET", "POST"])], Right.HINTS),
            RouteGroup(signing, open=frozenset(route.path for route in signing)),
        ]
        settings = HttpSettings(ACCESS, ACCESS, Limits(), sessions=sessions)
        self.app = make_app(None, settings, ThreadPoolExecutor(1), self.in_flight, groups)  # type: ignore[arg-type]

    async def _wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        while not self.go_on.is_set():
            await asyncio.sleep(0)

    def ask(self, method: str, path: str, cookie: str = "", **options: Any) -> Any:
        """One request, as a browser that follows nothing by itself."""
        return asyncio.run(self.asked(method, path, cookie, **options))

    async def asked(self, method: str, path: str, cookie: str = "", **options: Any) -> Any:
        headers = {**({"Cookie": cookie} if cookie else {}), **options.pop("headers", {})}
        wire = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=wire, base_url=self.base_url) as client:
            return await client.request(method, path, headers=headers, **options)

    def sign_in(self, token: str = TOKEN, path: str = "/sign-in", **options: Any) -> Any:
        return self.ask("POST", path, data={"token": token}, **options)


@pytest.fixture
def site(served: Any) -> Site:
    return Site(served)


def cookie_of(answer: Any) -> str:
    return str(answer.headers["set-cookie"].partition(";")[0])


def test_a_person_is_led_to_the_form_and_a_program_is_refused(site: Site) -> None:
    led = site.ask("GET", "/", headers=PERSON)
    assert (led.status_code, led.headers["location"], led.headers["cache-control"]) == (
        303,
        "/sign-in",
        "no-store",
    )
    for headers in ({}, {"Accept": "*/*"}, {"Accept": "application/json"}):
        refused = site.ask("GET", "/", headers=headers)
        assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
        assert "Bearer TOKEN" in refused.json()["error"]
    wrong = site.ask("GET", "/", headers=PERSON | {"Authorization": "Bearer wrong"})
    assert wrong.status_code == 401
    for method, path in (("GET", "/v2"), ("POST", "/"), ("GET", "/openapi.json"), ("GET", "/nothing")):
        assert site.ask(method, path, headers=PERSON).status_code == 401, path


def test_a_token_opens_the_page_and_is_not_the_cookie(site: Site) -> None:
    led = site.sign_in(headers=PERSON | ORIGIN)
    assert (led.status_code, led.headers["location"]) == (303, "/")
    words = {word.strip().lower() for word in led.headers["set-cookie"].split(";")[1:]}
    assert {"httponly", "samesite=strict", "path=/", f"max-age={SESSION_S:.0f}"} <= words
    assert not any(word.startswith(("domain", "secure")) for word in words)
    cookie = cookie_of(led)
    assert TOKEN not in led.headers["set-cookie"]
    assert site.waits == []
    for path in sorted(BROWSED):
        assert site.ask("GET", path).status_code == 401
        assert site.ask("GET", path, cookie).status_code == 200
    page = site.ask("GET", "/", cookie, headers=PERSON)
    assert 'action="/sign-out"' in page.text
    assert 'action="/sign-out"' not in site.ask("GET", "/", headers={"Authorization": f"Bearer {TOKEN}"}).text
    again = site.ask("GET", "/sign-in", cookie)
    assert (again.status_code, again.headers["location"]) == (303, "/")


def test_a_cookie_changes_nothing_and_asks_no_model(site: Site) -> None:
    cookie = cookie_of(site.sign_in())
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    for method, path in (
        *(("POST", "/v1/hints/Any"), ("GET", "/v1/hints/Any"), ("GET", "/v2/models/toy"), ("GET", "/v2")),
        *(("POST", "/v2/models/toy/infer"), ("POST", "/v2/repository/models/toy/load"), ("POST", "/")),
        *(("POST", "/v2/repository/index"), ("DELETE", "/page/live"), ("GET", "/openapi.json")),
        *(("GET", "//"), ("GET", "/page/../v2"), ("GET", "/page/live/"), ("GET", "/%2e%2e/v2")),
    ):
        assert site.ask(method, f"{site.base_url}{path}", cookie).status_code == 401, path
    assert site.ask("POST", "/v1/hints/Any", cookie, headers=bearer).status_code == 200
    assert site.ask("GET", "/", cookie, headers={"Authorization": "Bearer wrong"}).status_code == 401


def test_forged_and_expired_cookies_are_none(site: Site) -> None:
    cookie = cookie_of(site.sign_in())
    name, _, secret = cookie.partition("=")
    assert len(secret) >= 43
    changed = secret[:-1] + ("A" if secret[-1] != "A" else "B")
    forged = (
        "",
        changed,
        secret[:-1],
        secret + "A",
        TOKEN,
        f'"{secret}',
        "\x80",
        "a" * 3000,
        f"{secret};{name}=",
    )
    for value in forged:
        assert (
            site.ask("GET", "/page/live", headers={"Cookie": f"{name}={value}".encode("latin-1")}).status_code
            == 401
        )
    assert site.ask("GET", "/page/live", f"other={secret}").status_code == 401
    site.now = SESSION_S - 1
    assert site.ask("GET", "/page/live", cookie).status_code == 200
    site.now = SESSION_S
    assert site.ask("GET", "/page/live", cookie).status_code == 401
    assert site.ask("GET", "/", cookie, headers=PERSON).headers["location"] == "/sign-in"
    assert "set-cookie" not in site.ask("GET", "/sign-in", cookie).headers


def test_signing_out_ends_the_session_and_signing_in_again_ends_the_one_before(site: Site) -> None:
    first = cookie_of(site.sign_in())
    second = cookie_of(site.sign_in(cookie=first))
    assert first != second
    assert site.ask("GET", "/page/live", first).status_code == 401
    assert site.ask("GET", "/sign-out", second).status_code == 405
    assert site.ask("POST", "/sign-out", second, headers={"Origin": "http://evil.example"}).status_code == 403
    assert site.ask("GET", "/page/live", second).status_code == 200
    out = site.ask("POST", "/sign-out", second, headers=ORIGIN)
    assert (out.status_code, out.headers["location"]) == (303, "/sign-in")
    assert "max-age=0" in out.headers["set-cookie"].lower()
    assert site.ask("GET", "/page/live", second).status_code == 401


def test_over_tls_a_cookie_never_leaves_it(served: Any) -> None:
    site = Site(served, "https://127.0.0.1:9450")
    led = site.sign_in()
    assert cookie_of(led).startswith("__Host-dwcp_session_9450=")
    assert "; Secure" in led.headers["set-cookie"]
    assert site.ask("GET", "/page/live", cookie_of(led)).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        *("/sign-in?next=//evil.example", "/sign-in?next=https://evil.example/&to=/%5Cevil.example"),
        *("/sign-in?next=%0d%0aLocation:%20//evil.example", "/sign-in#//evil.example"),
    ],
)
def test_nobody_is_led_elsewhere(site: Site, path: str) -> None:
    assert site.sign_in(path=path, headers={"Referer": "//evil.example"}).headers["location"] == "/"
    assert "evil" not in site.ask("GET", path).text
    hosted = site.ask(
        "GET", "/", headers=PERSON | {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    )
    assert hosted.headers["location"] == "/sign-in"
    for trick in ("//evil.example/", "/\\evil.example", "/%2f%2fevil.example", "/.//evil.example"):
        assert site.ask("GET", f"http://127.0.0.1{trick}", headers=PERSON).status_code == 401


@pytest.mark.parametrize(
    "sent",
    [
        *({"data": {"token": "w" * 32}}, {"data": {"token": ""}}, {"data": {"other": TOKEN}}, {}),
        *({"params": {"token": TOKEN}}, {"json": {"token": TOKEN}}, {"files": {"token": TOKEN}}),
        {"content": b"token=\xff\xfe", "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
        {"data": {f"f{index}": "x" for index in range(20)} | {"token": TOKEN}},
    ],
    ids=["wrong", "empty", "other", "nothing", "query", "json", "multipart", "bytes", "many"],
)
def test_what_is_no_known_token_waits_and_sees_the_form_again(site: Site, sent: Any) -> None:
    refused = site.ask("POST", "/sign-in", **sent)
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    assert "set-cookie" not in refused.headers
    assert TOKEN not in refused.text
    assert 'role="alert"' in refused.text
    assert site.waits == [1.0]


def test_many_wrong_tokens_neither_wait_for_ever_nor_keep_others_out(site: Site, caplog: Any) -> None:
    assert site.in_flight.enter(), "the server has no room for any other request"
    site.go_on.clear()

    async def flood() -> tuple[list[Any], Any]:
        wrong = [
            asyncio.create_task(site.asked("POST", "/sign-in", data={"token": "w" * 32})) for _ in range(40)
        ]
        while len([one for one in wrong if one.done()]) < 32:
            await asyncio.sleep(0)
        right = await site.asked("POST", "/sign-in", data={"token": TOKEN})
        site.go_on.set()
        return await asyncio.gather(*wrong), right

    wrong, right = asyncio.run(flood())
    statuses = [answer.status_code for answer in wrong]
    assert (statuses.count(401), statuses.count(429)) == (8, 32)
    assert {answer.headers["retry-after"] for answer in wrong if answer.status_code == 429} == {"1"}
    assert (right.status_code, right.headers["location"]) == (303, "/")
    assert len([one for one in caplog.records if "was not let in" in one.getMessage()]) == 1


def test_a_form_is_small_of_this_site_and_not_for_a_server_that_stops(site: Site) -> None:
    assert site.sign_in("w" * 5000).status_code == 413
    assert site.sign_in(headers={"Origin": "null"}).status_code == 403
    assert site.sign_in(headers={"Origin": "https://evil.example"}).status_code == 403
    site.in_flight.drain()
    assert site.sign_in().status_code == 503
    assert site.waits == []


def test_forms_that_never_end_take_no_room_from_callers(site: Site) -> None:
    async def ask_beside() -> tuple[list[int], int]:
        never = asyncio.Event()

        async def slow() -> AsyncIterator[bytes]:
            started.append(1)
            await never.wait()
            yield b""

        started: list[int] = []
        forms = [asyncio.create_task(site.asked("POST", "/sign-in", content=slow())) for _ in range(32)]
        while len(started) < 32:
            await asyncio.sleep(0)
        one_more = await site.asked("POST", "/sign-in", data={"token": TOKEN})
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        caller = await site.asked("POST", "/v1/hints/Any", headers=bearer)
        for form in forms:
            form.cancel()
        await asyncio.gather(*forms, return_exceptions=True)
        after = await site.asked("POST", "/sign-in", data={"token": TOKEN})
        return [one_more.status_code, after.status_code], caller.status_code

    assert asyncio.run(ask_beside()) == ([429, 303], 200)


class Fields(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def only(self, tag: str) -> dict[str, str | None]:
        [found] = [attrs for name, attrs in self.seen if name == tag]
        return found


def test_the_form_is_plain_and_can_be_read_out(site: Site) -> None:
    asked, refused = site.ask("GET", "/sign-in"), site.sign_in("w" * 32)
    for answer in (asked, refused):
        fields = Fields(answer.text)
        assert not [tag for tag, _ in fields.seen if tag == "script"]
        assert fields.only("form")["method"] == "post"
        assert fields.only("form")["action"] == "/sign-in"
        field = fields.only("input")
        assert fields.only("label")["for"] == field["id"]
        assert field["type"] == "password"
        assert "value" not in field
        ids = {attrs["id"] for _, attrs in fields.seen if "id" in attrs}
        assert set(field["aria-describedby"].split()) <= ids
        policy = answer.headers["content-security-policy"]
        assert "form-action 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        # With no-referrer browsers would send the form with the origin null, and it would be refused.
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["cache-control"] == "no-store"
    assert Fields(refused.text).only("input")["aria-invalid"] == "true"
    assert site.ask("GET", "/page/style.css").status_code == 200
    assert site.ask("GET", "/page/live.js").status_code == 401
