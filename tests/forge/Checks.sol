// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IExchangeLens} from "net8/IExchangeLens.sol";
import {Handler} from "./Handler.sol";

/**
 * @title What must hold after every call, read from the exchange itself
 */
contract Checks is Handler {
    /// @notice Every grain the exchange holds is somebody's: free, locked by an order, behind a position, pool or fee.
    function checkConservation() external view {
        uint256 known = exchange.free_balance(0);
        for (uint256 i = 0; i < SITES; i++) known += exchange.free_balance(sites[i]);
        for (uint256 i = 0; i < orders.length; i++) known += _lock(orderOf[orders[i]], lens.order(orders[i]).wh);
        for (uint256 j = 0; j < slots.length; j++) {
            for (uint256 i = 0; i < SITES; i++) {
                if (!_isSettled(sites[i], slots[j])) known += _held(sites[i], slots[j]);
            }
        }
        for (uint256 zone = 1; zone <= ZONES; zone++) {
            Account memory account = _accountOf(zone);
            known += account.pool + account.gridFees + account.oracleFees;
        }
        require(known * GRAIN == token.balanceOf(address(exchange)), "money came or went");
    }

    /// @notice What was sold was bought, Wh for Wh and grain for grain, until a meter says otherwise.
    function checkBalanceOfEnergy() external view {
        for (uint256 j = 0; j < slots.length; j++) {
            if (anySettled[slots[j]]) continue;
            int256 wh;
            int256 value;
            for (uint256 i = 0; i < SITES; i++) {
                (int256 itsWh, int256 itsValue) = _unpacked(_cell(sites[i], slots[j]));
                wh += itsWh;
                value += itsValue;
            }
            require(wh == 0 && value == 0, "energy or money of a slot does not cancel out");
        }
    }

    /// @notice An open position is the sum of the trades that were told; a settled one never changes again.
    function checkPositions() external view {
        for (uint256 j = 0; j < slots.length; j++) {
            for (uint256 i = 0; i < SITES; i++) {
                uint256 cell = _cell(sites[i], slots[j]);
                uint256 settled = settledAs[sites[i]][slots[j]];
                if (settled != 0) {
                    require(cell == settled, "a settled position changed");
                } else {
                    require(cell >> 56 == 0, "a position settled by itself");
                    (int256 wh, int256 value) = _unpacked(cell);
                    Position storage position = positionOf[sites[i]][slots[j]];
                    require(wh == position.wh && value == position.value, "a position is not its trades");
                }
            }
        }
    }

    /// @notice What an order has traded and what still rests never exceed what was asked for.
    function checkOrders() external view {
        for (uint256 i = 0; i < orders.length; i++) {
            Order storage order = orderOf[orders[i]];
            require(order.filled + lens.order(orders[i]).wh <= order.quantity, "an order is more than it was");
        }
    }

    /// @notice Whoever bids as much as somebody asks has already traded with him.
    function checkBooks() external view {
        for (uint256 j = 0; j < slots.length; j++) {
            for (uint256 zone = 1; zone <= ZONES; zone++) {
                IExchangeLens.Level[] memory bids = lens.depth(zone, slots[j], false);
                IExchangeLens.Level[] memory offers = lens.depth(zone, slots[j], true);
                if (bids.length == 0 || offers.length == 0) continue;
                require(bids[0].price < offers[0].price, "the book is crossed");
            }
        }
    }

    function _unpacked(uint256 cell) private pure returns (int256 wh, int256 value) {
        if (cell >> 56 != 0) return (0, 0);
        wh = int256((cell >> 34) & (2 ** 22 - 1));
        value = int256(cell & (2 ** 34 - 1));
        if (wh >= 2 ** 21) wh -= 2 ** 22;
        if (value >= 2 ** 33) value -= 2 ** 34;
    }
}
