"""A SIP phone for tests: registers, calls, rings, answers, holds and transfers; sends no sound."""

from tests.support.sip.call import CallState, SipCall
from tests.support.sip.phone import Answering, SipPhone

__all__ = ["Answering", "CallState", "SipCall", "SipPhone"]
