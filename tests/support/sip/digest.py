"""Answers to digest challenges (RFC 2617, MD5: what SIP and Asterisk use)."""

import hashlib
import re

from tests.support.sip.message import SipMessage, token

_PARAMETER = re.compile(r'(\w+)=(?:"([^"]*)"|([^\s,]+))')


def authorization(
    challenge: SipMessage, *, user: str, password: str, method: str, uri: str
) -> tuple[str, str]:
    """The header that answers a 401 or 407: name and value."""
    proxy = challenge.status == 407
    offered = challenge.get("Proxy-Authenticate" if proxy else "WWW-Authenticate")
    asked = {name: quoted or plain for name, quoted, plain in _PARAMETER.findall(offered)}
    realm, nonce, client_nonce = asked["realm"], asked["nonce"], token()

    who, what = _md5(f"{user}:{realm}:{password}"), _md5(f"{method}:{uri}")
    fields = {"username": user, "realm": realm, "nonce": nonce, "uri": uri}
    if "opaque" in asked:
        fields["opaque"] = asked["opaque"]
    text = ", ".join(f'{name}="{value}"' for name, value in fields.items())
    if "qop" in asked:
        response = _md5(f"{who}:{nonce}:00000001:{client_nonce}:auth:{what}")
        text += f', qop=auth, nc=00000001, cnonce="{client_nonce}"'
    else:
        response = _md5(f"{who}:{nonce}:{what}")
    name = "Proxy-Authorization" if proxy else "Authorization"
    return name, f'Digest {text}, response="{response}", algorithm=MD5'


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
