"""``make samples``: the generated lines of a sample app, as files of ``deploy/forward-auth``."""

from pathlib import Path

from config import load
from models_apps import App, AppAddress
from services import proxy_lines
from tests.conftest import QUICK
from tests.portal import ROOT

CONFIG = load(
    {
        **QUICK,
        "GATEPOST_BASE_URL": "https://login.example.org",
        "GATEPOST_TRUSTED_PROXIES": "unix",
    }
)


def app_at(*origins: str, name: str = "Wiki", **about: object) -> App:
    """An app that no database knows."""
    addresses = [AppAddress(origin=origin) for origin in origins]
    return App(name=name, addresses=addresses, **{"header_names": {}, **about})


WIKI = app_at("https://wiki.example.org")


def path_of(proxy: str) -> Path:
    """Where a proxy's sample is."""
    return ROOT / "deploy" / "forward-auth" / proxy_lines.FILES[proxy]


def sample(proxy: str) -> str:
    """What belongs into a proxy's sample."""
    return proxy_lines.render(WIKI, proxy, CONFIG)


if __name__ == "__main__":
    for proxy in proxy_lines.PROXIES:
        path_of(proxy).write_text(sample(proxy))
