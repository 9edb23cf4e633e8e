"""What a page tells after it was left is not listened to.

Until the next page has come, the browser goes on sending what the timers of the page's fragments ask for, with the page
of before. Streamlit 1.67 goes back to that page when the next has not begun, and otherwise empties the next for it.
"""

from dataclasses import dataclass
from weakref import WeakKeyDictionary

from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.runtime.app_session import AppSession

__all__ = ["ignore_left_pages"]


@dataclass
class _Departure:
    """From one page to another, both by Streamlit's hash."""

    page: str
    to: str
    arrived: bool = False


_departures: WeakKeyDictionary[AppSession, _Departure] = WeakKeyDictionary()  # of each session the latest


def _is_left(session: AppSession, told: ClientState) -> bool:
    """Whether this comes from a fragment of a page that the session has left."""
    present, page = session.page_script_hash, told.page_script_hash
    departure = _departures.get(session)
    if not told.fragment_id:
        if page and present and page != present:
            _departures[session] = _Departure(present, page)
        else:
            _departures.pop(session, None)
        return False
    if departure is None:
        return False
    departure.arrived |= present == departure.to
    if departure.arrived and present == departure.page:  # the server itself went back there
        del _departures[session]
        return False
    return page == departure.page


def ignore_left_pages() -> None:
    """From now on sessions of this process do so."""
    request_rerun = AppSession.request_rerun

    def request_unless_left(session: AppSession, client_state: ClientState | None) -> None:
        if client_state is None or not _is_left(session, client_state):
            request_rerun(session, client_state)

    AppSession.request_rerun = request_unless_left  # type: ignore[assignment, method-assign]
