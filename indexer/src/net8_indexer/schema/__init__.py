"""The tables: what happened, one row an event, and what follows from it where pages ask for it often.

Every row knows where in the chain it came from: `at` is block << 20 | index of the log in its block, which grows with
the chain. A reorganisation takes rows back by that alone. Sums are in grains, energy in Wh, times in unix seconds, a
slot is unix time // 900, an hour unix time // 3600; sums that need not be whole grains are wei, kept as text.
"""

from net8_indexer.schema.base import LOG_BITS, Base, Block, Origin, Wei, at_of, table_of
from net8_indexer.schema.oracles import (
    Dispute,
    DisputeStep,
    Operator,
    Penalty,
    Reward,
    Seat,
    SignerKey,
    StakeChange,
    Unbonding,
)
from net8_indexer.schema.tokens import Admission, CertificateMove, ReserveFlow, ReservePrice, Retirement
from net8_indexer.schema.trading import (
    DefaultTerms,
    Link,
    Movement,
    OpenPosition,
    Order,
    OrderChange,
    Overdue,
    Payment,
    Report,
    Settlement,
    Site,
    SiteSlot,
    Terms,
    Trade,
    ZoneFlow,
    ZoneOperator,
)

__all__ = [
    "LOG_BITS",
    "Admission",
    "Base",
    "Block",
    "CertificateMove",
    "DefaultTerms",
    "Dispute",
    "DisputeStep",
    "Link",
    "Movement",
    "OpenPosition",
    "Operator",
    "Order",
    "OrderChange",
    "Origin",
    "Overdue",
    "Payment",
    "Penalty",
    "Report",
    "ReserveFlow",
    "ReservePrice",
    "Retirement",
    "Reward",
    "Seat",
    "Settlement",
    "SignerKey",
    "Site",
    "SiteSlot",
    "StakeChange",
    "Terms",
    "Trade",
    "Unbonding",
    "Wei",
    "ZoneFlow",
    "ZoneOperator",
    "at_of",
    "table_of",
]
