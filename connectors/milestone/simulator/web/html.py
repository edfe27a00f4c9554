"""The HTML pages with which IIS answers in XProtect's stead (notes §1.4)."""

from __future__ import annotations

from html import escape
from http import HTTPStatus

from aiohttp import web


def error_page(status: int) -> web.Response:
    """An error page as IIS words it: the text is in a ``<fieldset>``."""
    phrase = HTTPStatus(status).phrase
    title = escape(f"{status} - {phrase}")
    page = (
        f"<!DOCTYPE html><html><head><title>{title}</title></head><body>"
        f'<div id="header"><h1>Server Error</h1></div><div id="content"><div class="content-container">'
        f"<fieldset><h2>{title}</h2><h3>The request could not be served.</h3></fieldset></div></div></body></html>"
    )
    return web.Response(text=page, status=status, content_type="text/html")


def unauthorized_page(challenge: str) -> web.Response:
    """The 401 page, with the scheme that the service asks for."""
    response = error_page(HTTPStatus.UNAUTHORIZED)
    response.headers["WWW-Authenticate"] = challenge
    return response
