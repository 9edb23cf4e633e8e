# pragma version 0.4.3
# pragma optimize gas
"""
@title Margin of a position
@license AGPL-3.0-only
@notice What the exchange must hold so that no outcome of a slot leaves a debt.
@dev A position is (net_wh, net_value): Wh sold minus bought, grains received minus paid.
     Its owner can at worst owe one of three sums:
       -net_value + grid fee on energy bought   the purchase itself,
       net_wh * imbalance_price - net_value     every sold Wh bought back at the imbalance price,
       nothing                                  when what is receivable covers all of it.
     Margin is the largest of the three. As a maximum of linear functions it is subadditive:
     margin(a + b) <= margin(a) + margin(b), so what a resting order locks always covers its fills.
     Unchecked arithmetic is safe throughout: |net_wh| < 2**21, |net_value| < 2**33 and every price < 2**16,
     so no sum leaves int64.
"""


@internal
@pure
def _required(net_wh: int256, net_value: int256, imbalance: uint256, grid_fee: uint256) -> uint256:
    """
    @notice Margin of a position, in grains.
    @param net_wh Wh sold minus bought, within int22 (2.1 MWh in a quarter hour).
    @param net_value Grains received minus paid, within int34.
    @param imbalance Grains per Wh charged for energy sold but not delivered.
    @param grid_fee Grains per Wh on energy bought.
    """
    # The purchase can only be the worst outcome of a net buyer, the buy-back only of a net seller
    # (for the other sign the omitted term is at most -net_value, which is kept).
    unit_price: uint256 = imbalance if net_wh > 0 else grid_fee
    energy: int256 = net_wh if net_wh > 0 else unsafe_sub(0, net_wh)
    worst: int256 = unsafe_sub(unsafe_mul(energy, convert(unit_price, int256)), net_value)
    return convert(max(worst, 0), uint256)


@internal
@pure
def _held(net_wh: int256, net_value: int256, imbalance: uint256, grid_fee: uint256) -> uint256:
    """
    @notice Margin plus value of a position, in grains: what the exchange holds for it, and what settlement divides up.
    @dev margin + net_value = max(net_value, cost of the worst outcome), which is never negative.
    """
    unit_price: uint256 = imbalance if net_wh > 0 else grid_fee
    energy: int256 = net_wh if net_wh > 0 else unsafe_sub(0, net_wh)
    return convert(max(unsafe_mul(energy, convert(unit_price, int256)), net_value), uint256)


@internal
@pure
def _order_lock(sell: bool, price: uint256, wh: uint256, imbalance: uint256, grid_fee: uint256) -> uint256:
    """
    @notice What a resting order locks, in grains: the margin of its full fill.
    @dev Linear in `wh`, so a part of an order locks exactly its part. No price of a zone's grid reaches
         its imbalance price, so a sale always locks something.
    @param price Grains per Wh.
    @param wh Wh left in the order.
    """
    if sell:
        return unsafe_mul(wh, unsafe_sub(imbalance, price))
    return unsafe_mul(wh, unsafe_add(price, grid_fee))
