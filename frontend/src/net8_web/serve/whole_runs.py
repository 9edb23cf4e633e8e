"""What a run has drawn reaches the browser whole.

Where a fragment runs again before the browser was sent what the run before has drawn, Streamlit 1.67 leaves out what
that run drew of the fragment, and still says that it has finished. The browser takes the fragment's fields away then,
with all that was chosen and typed there, and draws them anew as they began.
"""

from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

__all__ = ["send_runs_whole"]


def send_runs_whole() -> None:
    """From now on sessions of this process do so."""
    clear = ForwardMsgQueue.clear

    def clear_unless_fragment(
        queue: ForwardMsgQueue, retain_lifecycle_msgs: bool = False, fragment_ids_this_run: list[str] | None = None
    ) -> None:
        if fragment_ids_this_run is None:
            clear(queue, retain_lifecycle_msgs)
        else:
            queue._delta_index_map = {}  # what comes now is no newer version of what the run before has drawn

    ForwardMsgQueue.clear = clear_unless_fragment  # type: ignore[assignment, method-assign]
