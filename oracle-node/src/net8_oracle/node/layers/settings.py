"""The [layers] section of node.toml."""

from pydantic import Field, model_validator

from net8_oracle.node.layers import ENERGY_FREE_WH
from net8_oracle.settings import Address, FilePath, Settings, Url

__all__ = ["FeederLogSettings", "LayersSettings", "PlaceSettings"]


class PlaceSettings(Settings):
    """Where a production site is. Without tilt and azimuth it may face the sun at every moment."""

    site: int = Field(ge=1)  # zone * 65536 + index
    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)
    altitude: float = Field(default=0, ge=-500, le=6_000)  # m
    tilt: float | None = Field(default=None, ge=0, le=90)  # degrees from horizontal
    azimuth: float | None = Field(default=None, ge=0, le=360)  # degrees from north, clockwise
    modules_w: int | None = Field(default=None, ge=1)  # at standard test conditions; unknown: 1.5 x nameplate

    @model_validator(mode="after")
    def _whole(self) -> "PlaceSettings":
        if (self.tilt is None) != (self.azimuth is None):
            raise ValueError("tilt and azimuth say something together only; give both or neither")
        return self


class FeederSettings(Settings):
    """A feeder whose energy is logged, and every site behind its meter."""

    feeder: int = Field(ge=0, lt=2**32)
    sites: list[int] = Field(min_length=1)


class FeederLogSettings(Settings):
    """Where the grid operator's signed log is."""

    signer: Address  # whose signature the records carry
    path: FilePath | None = None
    url: Url | None = None
    error: float = Field(default=0.02, gt=0, le=0.2)  # of the feeders' meters, as a share
    poll_s: int = Field(default=30, ge=1, le=900)

    @model_validator(mode="after")
    def _one(self) -> "FeederLogSettings":
        if (self.path is None) == (self.url is None):
            raise ValueError("give path or url, one of them")
        return self


class LayersSettings(Settings):
    """What readings are checked against besides their meter's signature, counters and nameplate."""

    learned: FilePath  # a JSON file in which the node keeps what it learned of its sites
    energy_free_wh: int = Field(default=ENERGY_FREE_WH, ge=0, le=100_000)
    weather: FilePath | None = None  # CSV: time,ghi,temperature; without it the clear sky alone
    places: list[PlaceSettings] = Field(default_factory=list)
    feeders: list[FeederSettings] = Field(default_factory=list)
    feeder_log: FeederLogSettings | None = None

    @model_validator(mode="after")
    def _consistent(self) -> "LayersSettings":
        if bool(self.feeders) != (self.feeder_log is not None):
            raise ValueError("feeders and feeder_log belong together; give both or neither")
        for what, numbers in (
            ("place", [place.site for place in self.places]),
            ("feeder", [feeder.feeder for feeder in self.feeders]),
            ("feeder with site", [site for feeder in self.feeders for site in feeder.sites]),
        ):
            for number in numbers:
                if numbers.count(number) > 1:
                    raise ValueError(f"{what} {number} is named twice; name it once")
        return self
