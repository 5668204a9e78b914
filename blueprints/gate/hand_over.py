"""The hand-over of a login session to an app's own host (``services.gate.hand_over``).

The app's proxy passes ``/.gatepost/hand-over`` of the app's host on to the portal: there
it begins and ends. In between stands ``/hand-over`` on the portal's own host.
"""

from datetime import timedelta
from urllib.parse import urlencode

import structlog
from flask import Response, abort, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from werkzeug.exceptions import MethodNotAllowed

from blueprints import cookies, guard
from blueprints.gate import entry, gate
from blueprints.gate.entry import hand_over_address, lead_on
from blueprints.pages import page
from extensions import settings
from services.errors import LoginSessionOver
from services.gate import hand_over
from services.gate.entry import AddressRefused, Next, Wanted, find_wanted, what_comes_next
from services.gate.hand_over import HandOverRefused, Why

log = structlog.get_logger("gatepost.entry")

SECRET_LIFE = timedelta(minutes=10)


@gate.get("/.gatepost/hand-over")
@guard.public
def at_app() -> ResponseReturnValue:
    """On the app's host: begin a hand-over, or end it with the portal's token."""
    if request.method != "GET":  # a HEAD must not use a token up
        raise MethodNotAllowed(["GET"])
    here = _app_here()
    if "token" in request.args:
        return _end(here, request.args["token"])
    return _begin(here)


@gate.get("/hand-over")
@guard.public
def at_portal() -> ResponseReturnValue:
    """On the portal's host: grant what the person is allowed, to the browser that began."""
    wanted = entry.find_wanted()
    if wanted is None or not current_user.is_authenticated:
        return entry.front_door()
    acting, origin = guard.current_login_session(), wanted.target.origin
    if what_comes_next(acting, wanted) is not Next.HAND_OVER:
        return entry.lead_in(wanted)
    try:
        browser = request.args.get("browser", "")
        token = hand_over.grant(acting, browser, origin, wanted.target.url)
    except LoginSessionOver:
        return lead_on(url_for("auth.sign_in", rd=wanted.target.url))
    except HandOverRefused as refused:
        return _tell(refused.why, wanted.target.url)
    return lead_on(hand_over_address(origin, token=token))


@gate.get("/hand-over/failed")
@guard.public
def hand_over_failed() -> ResponseReturnValue:
    """Say why it did not work, and offer to try again."""
    why, wanted = request.args.get("why", ""), entry.find_wanted()
    answer = page(
        "gate/hand_over_failed",
        why=why if why in set(Why) else Why.FORGED,
        app=entry.wanted_card(),
        host=wanted.target.host if wanted else "",
        address=wanted.target.url if wanted else "",
    )
    answer.status_code = 400
    return answer


def _begin(here: Wanted) -> Response:
    try:
        wanted = find_wanted(entry.requested())
        address = wanted.target.url if wanted.target.origin == here.target.origin else ""
    except AddressRefused:
        address = ""
    secret = hand_over.begin(cookies.read(cookies.HAND_OVER))
    query = {"rd": address or here.target.url, "browser": hand_over.name_browser(secret)}
    response = lead_on(f"{settings().base_url}{url_for('gate.at_portal')}?{urlencode(query)}")
    cookies.write(response, cookies.HAND_OVER, secret, SECRET_LIFE)
    return response


def _end(here: Wanted, token: str) -> Response:
    origin = here.target.origin
    try:
        arrived = hand_over.redeem(token, cookies.read(cookies.HAND_OVER), origin)
    except HandOverRefused as refused:
        log.warning("hand_over_refused", why=str(refused.why), host=here.target.host)
        return _tell(refused.why, refused.target or here.target.url)
    response = lead_on(arrived.target)
    cookies.write_until(response, cookies.APP, arrived.opened.token, arrived.opened.kept_until)
    return response


def _app_here() -> Wanted:
    """The app whose host this request came to; none has the portal's own."""
    scheme = "https" if settings().https else "http"
    try:
        return find_wanted(f"{scheme}://{request.host}/")
    except AddressRefused:
        abort(404)


def _tell(why: Why, address: str) -> Response:
    """On the portal's host: no style or script of ours is to be had from an app's."""
    there = url_for("gate.hand_over_failed", why=str(why), rd=address)
    return lead_on(f"{settings().base_url}{there}")
