// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEnergyExchange} from "net8/IEnergyExchange.sol";
import {IGridRegistry} from "net8/IGridRegistry.sol";
import {Street} from "./Street.sol";
import {Vm, vm} from "./Vm.sol";

/**
 * @title What ought to be: positions by the trades that were told, orders by what was asked
 */
abstract contract Ledger is Street {
    struct Order {
        uint256 site;
        uint256 slot;
        uint256 price;
        bool sell;
        uint256 quantity; // Wh it may trade in all
        uint256 filled; // Wh
    }

    struct Position {
        int256 wh; // sold minus bought
        int256 value; // grains received minus paid
    }

    uint256[] internal orders;
    mapping(uint256 id => Order) internal orderOf;
    uint256[] internal slots; // traded in, each once
    mapping(uint256 slot => bool) internal isKnown;
    mapping(uint256 site => mapping(uint256 slot => Position)) internal positionOf;
    mapping(uint256 site => mapping(uint256 slot => uint256)) internal settledAs; // the cell, from its settlement on
    mapping(uint256 slot => bool) internal anySettled;
    mapping(uint256 zone => mapping(uint256 slot => bool)) internal isReported;

    /// @notice Books the trades that the last recorded call told of; Wh that the taker got.
    function _bookTrades(uint256 taker, uint256 slot, bool sell) internal returns (uint256 taken) {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; i++) {
            if (logs[i].topics[0] != IEnergyExchange.Trade.selector) continue;
            uint256 fill = abi.decode(logs[i].data, (uint256));
            Order storage order = orderOf[fill & type(uint96).max];
            uint256 wh = (fill >> 96) & 0xffffff;
            require(order.site != 0 && order.slot == slot && order.sell != sell, "a trade with no such order");
            require(order.site & 0xffff == (fill >> 120) & 0xffff && fill >> 136 == taker, "a trade of others");
            order.filled += wh;
            _trade(order.site, slot, order.sell, order.price, wh);
            _trade(taker, slot, sell, order.price, wh);
            taken += wh;
        }
    }

    function _trade(uint256 site, uint256 slot, bool sell, uint256 price, uint256 wh) internal {
        int256 sign = sell ? int256(1) : int256(-1);
        positionOf[site][slot].wh += sign * int256(wh);
        positionOf[site][slot].value += sign * int256(wh * price);
        _know(slot);
    }

    function _rested(uint256 id, uint256 site, uint256 slot, bool sell, uint256 price, uint256 wh) internal {
        if (id == 0) return;
        require(orderOf[id].site == 0, "an order number was used twice");
        orderOf[id] = Order(site, slot, price, sell, wh, 0);
        orders.push(id);
        _know(slot);
    }

    function _know(uint256 slot) private {
        if (isKnown[slot]) return;
        isKnown[slot] = true;
        slots.push(slot);
    }

    /// @notice One slot of a site as the exchange keeps it: settled in bits 56 and 57.
    function _cell(uint256 site, uint256 slot) internal view returns (uint256) {
        uint256 hour = slot / 4;
        uint256 word = exchange.position_word((site << 10) | (hour & 1023));
        return word >> 232 == hour ? (word >> (58 * (slot & 3))) & (2 ** 58 - 1) : 0;
    }

    function _isSettled(uint256 site, uint256 slot) internal view returns (bool) {
        return settledAs[site][slot] != 0;
    }

    /// @notice What the exchange must hold for an open position: its value, or the cost of its worst outcome.
    function _held(uint256 site, uint256 slot) internal view returns (uint256) {
        Position storage position = positionOf[site][slot];
        IGridRegistry.Terms memory rules = terms(site >> 16);
        int256 worst = position.wh > 0
            ? position.wh * int256(rules.imbalance)
            : -position.wh * int256(rules.grid_fee);
        return uint256(worst > position.value ? worst : position.value);
    }

    function _lock(Order storage order, uint256 wh) internal view returns (uint256) {
        IGridRegistry.Terms memory rules = terms(order.site >> 16);
        return wh * (order.sell ? rules.imbalance - order.price : order.price + rules.grid_fee);
    }
}
