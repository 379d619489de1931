"""The session description that a phone offers: one G.711 stream, to a port where nobody listens."""

_NOBODY_LISTENS = 9  # the discard port: Asterisk may send sound there, nothing answers


def describe(*, version: int, direction: str) -> str:
    """SDP of a call.

    Args:
        version: grows with each re-INVITE, as RFC 3264 §8 wants.
        direction: ``sendrecv``, or ``sendonly`` to put the other side on hold.
    """
    lines = [
        "v=0",
        f"o=- 1 {version} IN IP4 127.0.0.1",
        "s=-",
        "c=IN IP4 127.0.0.1",
        "t=0 0",
        f"m=audio {_NOBODY_LISTENS} RTP/AVP 0",
        "a=rtpmap:0 PCMU/8000",
        f"a={direction}",
    ]
    return "\r\n".join(lines) + "\r\n"
