// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEnergyExchange} from "net8/IEnergyExchange.sol";
import {IGridRegistry} from "net8/IGridRegistry.sol";
import {Settling} from "./Settling.sol";
import {vm} from "./Vm.sol";

/**
 * @title What owners of sites, and the desk for them, may do with orders
 * @dev A refusal with a reason is an answer; anything else that goes wrong fails the run.
 */
abstract contract Trading is Settling {
    string[] public deeds;
    mapping(string deed => uint256) public count;

    // ---- orders

    function place(uint256 who, uint256 when, bool sell, uint256 level, uint256 wh, uint256 kind, bool expires) external {
        uint256 site = sites[who % SITES];
        uint256 slot = _slotAhead(when);
        uint256 price = _price(site >> 16, sell, level);
        wh = 10 + (wh % 3_000);
        vm.recordLogs();
        vm.prank(ownerOf[site]);
        try exchange.place(site, slot, sell, price, wh, kind % 4, expires ? block.timestamp + SLOT : 0) returns (
            uint256 order, uint256 filled
        ) {
            require(filled == _bookTrades(site, slot, sell) && filled <= wh, "traded more than was told, or asked");
            require(order == 0 || kind % 4 == 0 || kind % 4 == 3, "an order rests that must not");
            _rested(order, site, slot, sell, price, wh - filled);
            _did(filled != 0 ? "matched" : order != 0 ? "rested" : "lapsed");
        } catch Error(string memory) {
            _did("refused");
        }
    }

    function reduce(uint256 which, uint256 wh) external {
        if (orders.length == 0) return;
        uint256 id = _pickOrder(which);
        Order storage order = orderOf[id];
        uint256 resting = lens.order(id).wh;
        uint256 free = exchange.free_balance(order.site);
        wh = 1 + (wh % 3_000);
        vm.prank(ownerOf[order.site]);
        try exchange.reduce(id, wh) {
            require(wh < resting && lens.order(id).wh == wh, "an order grew, or rests as it was");
            require(exchange.free_balance(order.site) == free + _lock(order, resting - wh), "lock not returned");
            order.quantity = order.filled + wh;
            _did("reduced");
        } catch Error(string memory) {
            _did("refused");
        }
    }

    function cancel(uint256 which) external {
        if (orders.length == 0) return;
        uint256 id = _pickOrder(which);
        Order storage order = orderOf[id];
        uint256 resting = lens.order(id).wh;
        uint256 free = exchange.free_balance(order.site);
        vm.prank(ownerOf[order.site]);
        try exchange.cancel(id) {
            require(resting != 0 && exchange.free_balance(order.site) == free + _lock(order, resting), "lock not returned");
            order.quantity = order.filled;
            _did("cancelled");
        } catch Error(string memory) {
            require(resting == 0, "an order cannot be cancelled");
            _did("refused");
        }
    }

    function release(uint256 which) external {
        if (orders.length == 0) return;
        uint256[] memory ids = new uint256[](1);
        ids[0] = _pickOrder(which);
        try exchange.release(ids) {
            orderOf[ids[0]].quantity = orderOf[ids[0]].filled;
            _did("released");
        } catch Error(string memory) {
            _did("refused");
        }
    }

    // ---- the desk

    /// @notice A pair that both sides have signed, with a relay fee of each.
    function tradePair(uint256 seller, uint256 buyer, uint256 when, uint256 level, uint256 wh, uint256 fee) external {
        seller = sites[seller % SITES];
        buyer = sites[buyer % SITES];
        uint256 slot = _slotAhead(when);
        uint256 price = _price(seller >> 16, true, level);
        wh = 1 + (wh % 3_000);
        fee %= 1_000;
        IEnergyExchange.Fill[] memory fills = new IEnergyExchange.Fill[](1);
        fills[0] = IEnergyExchange.Fill(
            (seller << 160) | uint160(ownerOf[seller]),
            (buyer << 160) | uint160(ownerOf[buyer]),
            wh | (price << 24) | (slot << 40) | (fee << 72) | ((fee / 2) << 112)
        );
        uint256 collected = exchange.free_balance(0);
        try exchange.trade(fills) {
            require(ownerOf[seller] != ownerOf[buyer] && seller >> 16 == buyer >> 16, "no pair, but it traded");
            require(exchange.free_balance(0) == collected + fee + fee / 2, "relay fees are wrong");
            _trade(seller, slot, true, price, wh);
            _trade(buyer, slot, false, price, wh);
            _did("paired");
        } catch Error(string memory) {
            _did("refused");
        }
    }

    function takeAbroad(uint256 who, uint256 when, bool sell, uint256 level, uint256 wh, uint256 fee) external {
        uint256 site = sites[who % SITES];
        uint256 zone = 3 - (site >> 16);
        uint256 slot = _slotAhead(when);
        vm.recordLogs();
        try exchange.take_abroad(site, zone, slot, sell, _price(zone, sell, level), 10 + (wh % 3_000), 1, fee % 50, fee % 7)
        returns (uint256 filled) {
            require(filled == _bookTrades(site, slot, sell), "traded more abroad than was told");
            _did(filled != 0 ? "traded abroad" : "lapsed");
        } catch Error(string memory) {
            _did("refused");
        }
    }

    // ---- picking

    /// @dev The same two slots for half an hour, so that orders meet; the gate of neither zone has closed.
    function _slotAhead(uint256 when) private view returns (uint256) {
        return (block.timestamp / SLOT / 2) * 2 + 4 + (when % 2);
    }

    /// @dev Offers begin one level lower than bids.
    function _price(uint256 zone, bool sell, uint256 level) private pure returns (uint256) {
        IGridRegistry.Terms memory rules = terms(zone);
        return rules.floor + rules.step * (100 + (level % 3) - (sell ? 1 : 0));
    }

    function _pickOrder(uint256 which) private view returns (uint256) {
        uint256 recent = orders.length < 12 ? orders.length : 12;
        return orders[orders.length - 1 - (which % recent)];
    }

    function _did(string memory deed) internal {
        if (count[deed]++ == 0) deeds.push(deed);
    }
}
