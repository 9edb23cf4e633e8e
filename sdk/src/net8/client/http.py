"""JSON-RPC over HTTP, for threads: one kept-alive connection for each."""

import threading

from requests import Session
from requests.exceptions import RequestException

from net8.client.rpc import Answer, Request, answers_of, payload_of, unreachable

__all__ = ["Http"]


class Http:
    """A node's endpoint. Safe to share between threads."""

    def __init__(self, url: str, timeout: float) -> None:
        """Args: url: http or https. timeout: seconds for each exchange."""
        self.url = url
        self._timeout = timeout
        self._threads = threading.local()

    def post(self, requests: list[Request]) -> list[Answer]:
        """Answers to questions that are sent together, in their order.

        Raises:
            ChainUnreachable: no answer in time, or none that is JSON.
            ChainFault: the node takes no batches of this size.
        """
        try:
            response = self._session().post(self.url, json=payload_of(requests), timeout=self._timeout)
            content = response.json()
        except RequestException as fault:
            raise unreachable(self.url, fault) from fault
        return answers_of(content, len(requests), self.url)

    def _session(self) -> Session:
        session: Session | None = getattr(self._threads, "session", None)
        if session is None:
            session = Session()
            # Proxies and certificates of the environment are looked up once, not at every question.
            environment = session.merge_environment_settings(self.url, {}, False, None, None)
            session.proxies, session.verify = environment["proxies"], environment["verify"]
            session.trust_env = False
            self._threads.session = session
        return session
