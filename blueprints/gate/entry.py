"""What becomes of ``rd``, the address in an app that somebody wants to open, on the portal's pages.

It travels in the address of each page, for it outgrows a cookie, and is checked anew
wherever it is used. Everything that leads to an app leads through ``/?rd=…``, where
``lead_in`` decides.
"""

from urllib.parse import unquote, urlencode, urlsplit

import structlog
from flask import Response, g, make_response, redirect, request, url_for
from flask_login import current_user

from blueprints import cookies, guard, next_url, pending
from blueprints.pages import page
from extensions import settings
from services import own_apps
from services.errors import LoginSessionOver
from services.gate import app_sessions, entry, targets
from services.gate.entry import AddressRefused, Next, Wanted
from services.own_apps import AppCard

log = structlog.get_logger("gatepost.entry")

MOST_BOUNCES = 2
"""Redirects to the same address within ``pending.BOUNCE_SECONDS``; then the loop is told of."""

NEVER_NEXT = ("/sign-in", "/sign-out")
"""Pages of the portal that nobody is led to: they would undo the sign-in, or ask again."""


def requested() -> str:
    """The address in this request's ``rd``, or "": where it is a page of ours, see ``own_page``."""
    return request.args.get("rd", "")


def find_wanted() -> Wanted | None:
    """The app address in this request, if there is one that may be led to; asked once a request."""
    if "wanted" not in g:
        g.wanted = _find(requested()) if requested() and not own_page() else None
    wanted: Wanted | None = g.wanted
    return wanted


def own_page() -> str:
    """The page of the portal itself that ``rd`` names, whole or as a path, or ""."""
    address = requested()
    path = address.removeprefix(settings().base_url)
    leads_away = unquote(path).startswith(("//", "/\\"))
    if not next_url.is_safe(path) or leads_away or urlsplit(path).path.startswith(NEVER_NEXT):
        return ""
    return path


def leads_to() -> str:
    """Where this sign-in leads: into an app, or to a page of the portal; "" for the start page."""
    wanted = find_wanted()
    return wanted.target.url if wanted else own_page() or next_url.requested()


def front_door() -> Response:
    """Answer ``/?rd=…``: sign in first, or go where it leads."""
    own, wanted = own_page(), find_wanted()
    if not current_user.is_authenticated:
        asked = {"next": own} if own else {"rd": requested(), "rm": request.args.get("rm")}
        return lead_on(url_for("auth.sign_in", **asked))
    if own:
        return lead_on(own)
    if wanted is None:
        answer = page("gate/unknown_app")
        answer.status_code = 404
        return answer
    return lead_in(wanted)


def wanted_card() -> AppCard | None:
    """The app that this page leads to, for a person to see; its page's forms may lead there."""
    wanted = find_wanted()
    if wanted is None:
        return None
    g.form_target = wanted.target.url
    return own_apps.card(wanted.app)


def is_refused() -> bool:
    """Whether the request names an address that nobody is led to."""
    return bool(requested()) and not own_page() and find_wanted() is None


def is_lost_post() -> bool:
    """Whether the person had sent something to the app: it did not get there."""
    return request.args.get("rm", "GET").upper() not in guard.SAFE_METHODS


def onward() -> dict[str, str]:
    """What links between the signed-out doors carry on, so that the app is not forgotten."""
    address = requested() or g.get("leads_to", "")
    try:
        targets.read(address)
    except targets.TargetRefused:
        return {}
    return {"rd": address}


def keep_for_detour() -> None:
    """Remember the app in this browser until a mailed link was followed."""
    pending.keep_wanted(onward().get("rd", ""))


def lead_in(wanted: Wanted) -> Response:
    """Let a signed-in person into the app, or show what is missing."""
    acting, address = guard.current_login_session(), wanted.target.url
    match entry.what_comes_next(acting, wanted):
        case Next.PROVE:
            return _to("account.confirm_identity", address)
        case Next.TURN_ON:
            return _to("gate.turn_on_two_factor", address)
        case Next.NO_ACCESS:
            return _to("gate.no_access", address)
        case Next.HAND_OVER:
            return _stop_loop(wanted) or lead_on(hand_over_address(wanted.target.origin, address))
        case Next.SHARED_COOKIE:
            return _stop_loop(wanted) or _open(wanted)


def hand_over_address(origin: str, address: str = "", token: str = "") -> str:
    """Where an app's host begins (with an address) or ends (with a token) a hand-over."""
    query = urlencode({"rd": address} if address else {"token": token})
    return f"{origin}/.gatepost/hand-over?{query}"


def lead_on(location: str) -> Response:
    """A redirect for this person and moment alone; ``headers`` sees that nobody keeps it."""
    response = make_response(redirect(location))
    response.vary.update(("Cookie", "Authorization"))
    return response


def _open(wanted: Wanted) -> Response:
    domain = entry.shared_domain(wanted)
    try:
        opened = app_sessions.open_session(guard.current_login_session(), domain)
    except LoginSessionOver:
        return _to("auth.sign_in", wanted.target.url)
    response = lead_on(wanted.target.url)
    cookies.write_until(response, cookies.APPS, opened.token, opened.kept_until)
    return response


def _stop_loop(wanted: Wanted) -> Response | None:
    """A page instead of the third redirect: browser and app would go on for ever."""
    address = wanted.target.url
    if pending.count_bounce(address) <= MOST_BOUNCES:
        return None
    pending.forget_bounces()
    shared = entry.shared_domain(wanted)
    keeps = bool(shared) and entry.keeps_shared_cookie(
        cookies.read(cookies.APPS), guard.current_login_session()
    )
    log.warning(
        "entry_loop", app=wanted.app.name, host=wanted.target.host, shared=shared, keeps=keeps
    )
    answer = page(
        "gate/loop", app=own_apps.card(wanted.app), host=wanted.target.host, address=address,
        shared=shared, keeps=keeps, https=settings().https, portal_host=settings().host,
    )  # fmt: skip
    answer.status_code = 508
    return answer


def _find(address: str) -> Wanted | None:
    try:
        return entry.find_wanted(address)
    except AddressRefused as refused:
        # No more than the origin: what follows may hold a token of the app's.
        log.info("rd_refused", reason=str(refused), origin="/".join(address.split("/")[:3])[:100])
        return None


def _to(endpoint: str, address: str) -> Response:
    return lead_on(url_for(endpoint, rd=address))
