"""Who is who over TLS: our certificate, and those of the peers."""

import ssl
from collections.abc import Callable, Sequence

from net8_oracle import crypto
from net8_oracle.certificates import Certificate, calling, serving, serving_anybody
from net8_oracle.node.peer_settings import MeshSettings, PeerSettings
from net8_oracle.settings import ConfigRefused

__all__ = ["Pins"]


class Pins:
    """The certificates of one node's configuration. Without TLS there are none."""

    def __init__(
        self, mesh: MeshSettings | None, peers: Sequence[PeerSettings], own_signer: str, password: str
    ) -> None:
        """Read them.

        Args:
            mesh: ours, and where we listen.
            peers: with the certificates that are pinned; an entry of our own is passed over.
            own_signer: address of our signer.
            password: of our certificate's key.

        Raises:
            ConfigRefused: a file cannot be used, or it is not clear who is who.
        """
        self.own: Certificate | None = None
        self.calling: dict[bytes, ssl.SSLContext] = {}  # by signer
        self.of_peers: dict[bytes, list[Certificate]] = {}  # by signer
        self._signers: dict[bytes, bytes] = {}  # by certificate
        self._mesh = mesh
        self._password = password
        if mesh is None or mesh.certificate is None or mesh.key is None:
            return
        self.own = Certificate.load(mesh.certificate)
        for peer in peers:
            if peer.signer == own_signer:
                continue
            signer = crypto.address_bytes(peer.signer)
            self.of_peers[signer] = pinned = self._pinned(peer)
            self.calling[signer] = calling(mesh.certificate, mesh.key, password, pinned)

    def _pinned(self, peer: PeerSettings) -> list[Certificate]:
        if not peer.certificate:
            raise ConfigRefused(
                f"peer {peer.signer} names no certificate; ask its operator for the file of its mesh.certificate, by "
                "a way you trust, and name it there"
            )
        pinned = [Certificate.load(path) for path in peer.certificate]
        for one in pinned:
            other = self._signers.setdefault(one.der, crypto.address_bytes(peer.signer))
            if crypto.address_text(other) != peer.signer or (self.own is not None and one.der == self.own.der):
                raise ConfigRefused(
                    f"certificate {one.path} of peer {peer.signer} is another node's too; each has one of its own"
                )
        return pinned

    def serving(self, refused: Callable[[ssl.SSLError], None]) -> ssl.SSLContext | None:
        """To listen with; None without TLS. `refused` is told of each caller whose certificate is not pinned.

        Raises:
            ConfigRefused: our certificate and its key cannot be used.
        """
        mesh = self._mesh
        if mesh is None or mesh.certificate is None or mesh.key is None:
            return None
        everybody = [one for pinned in self.of_peers.values() for one in pinned]
        return serving(mesh.certificate, mesh.key, self._password, everybody, refused)

    def serving_gateways(self) -> ssl.SSLContext:
        """To listen with for callers who show no certificate.

        Raises:
            ConfigRefused: our certificate and its key cannot be used.
        """
        mesh = self._mesh
        assert mesh is not None, "settings have been checked"
        assert mesh.certificate is not None, "settings have been checked"
        assert mesh.key is not None, "settings have been checked"
        return serving_anybody(mesh.certificate, mesh.key, self._password)

    def signer(self, tls: ssl.SSLObject) -> bytes | None:
        """The peer at the other end of a connection; None when it shows none that is pinned."""
        shown = tls.getpeercert(binary_form=True)
        return self._signers.get(shown) if shown else None
