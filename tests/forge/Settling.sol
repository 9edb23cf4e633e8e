// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IGridRegistry} from "net8/IGridRegistry.sol";
import {IOracleRegistry} from "net8/IOracleRegistry.sol";
import {Ledger} from "./Ledger.sol";
import {vm} from "./Vm.sol";

/**
 * @title Reports as operators sign them, and what each must pay by the rules of settlement
 */
abstract contract Settling is Ledger {
    uint256 internal constant TIMEOUT = 7 days;
    uint256 private constant NO_READING = 2;
    uint256 private constant AS_TRADED = 3;

    struct Reading {
        uint256 site;
        uint256 exported; // Wh
        uint256 imported;
        bool missing;
    }

    struct Account {
        uint256 pool;
        uint256 gridFees;
        uint256 oracleFees;
    }

    /// @notice Submits what three of four operators signed; the number of readings settled.
    function _report(uint256 zone, bytes memory entries) internal returns (uint256) {
        bytes32 digest = registry.report_digest(zone, 0, entries);
        IOracleRegistry.Signature[] memory signatures = new IOracleRegistry.Signature[](3);
        for (uint256 i = 0; i < 3; i++) {
            (uint8 v, bytes32 r, bytes32 s) = vm.sign(ORACLES + i, digest);
            signatures[i] = IOracleRegistry.Signature(r, bytes32(uint256(s) | (uint256(v - 27) << 255)));
        }
        return registry.report(zone, 0, entries, 7, signatures);
    }

    function _entry(Reading memory reading, uint256 slot) internal pure returns (uint256) {
        uint256 quarter = slot & 3;
        uint256 word = ((slot / 4) << 216) | ((reading.site & 0xffff) << 200) | (1 << (192 + quarter));
        if (reading.missing) word |= 1 << (196 + quarter);
        return word | ((reading.exported | (reading.imported << 24)) << (48 * quarter));
    }

    function _accountOf(uint256 zone) internal view returns (Account memory account) {
        (account.pool, account.gridFees, account.oracleFees) = exchange.zone_account(zone);
    }

    /// @notice Grains a position gets back at once, Wh of it short, bought and unused.
    function _outcome(Reading memory reading, uint256 slot)
        internal
        view
        returns (uint256 payout, uint256 short, uint256 bought, uint256 unused)
    {
        IGridRegistry.Terms memory rules = terms(reading.site >> 16);
        int256 wh = positionOf[reading.site][slot].wh;
        if (wh > 0) {
            uint256 sold = uint256(wh);
            uint256 delivered = reading.missing ? 0 : reading.exported;
            short = delivered < sold ? sold - delivered : 0;
        } else {
            bought = uint256(-wh);
            uint256 used = reading.missing ? bought : reading.imported;
            unused = used < bought ? bought - used : 0;
        }
        payout = _held(reading.site, slot) - short * rules.imbalance - bought * rules.grid_fee;
    }

    /// @notice Marks a position as settled and remembers how, so that a second settlement would show.
    function _settled(uint256 site, uint256 slot) internal {
        uint256 cell = _cell(site, slot);
        require(cell >> 56 != 0, "settled, but the position is open");
        settledAs[site][slot] = cell;
        anySettled[slot] = true;
        isReported[site >> 16][slot] = true;
    }

    /// @notice Settles a position without a report and checks what it paid.
    function _settleOverdue(uint256 site, uint256 slot) internal {
        bool reported = isReported[site >> 16][slot];
        int256 wh = positionOf[site][slot].wh;
        uint256 sold = wh > 0 ? uint256(wh) : 0;
        Reading memory reading = Reading(site, reported ? 0 : sold, wh < 0 ? uint256(-wh) : 0, reported);
        (uint256 payout, uint256 short, uint256 bought,) = _outcome(reading, slot);
        uint256 before = exchange.free_balance(site);
        Account memory account = _accountOf(site >> 16);
        exchange.settle_overdue(site, slot);
        _settled(site, slot);
        isReported[site >> 16][slot] = reported;
        uint256 cell = settledAs[site][slot];
        require((cell >> 48) & 0xff == (reported ? NO_READING : AS_TRADED), "settled late in the wrong way");
        require(exchange.free_balance(site) == before + payout, "paid another sum than is due");
        _checkAccount(site >> 16, account, short, 0, bought);
    }

    /// @notice Compares a zone's account with what a settlement had to add to it.
    function _checkAccount(uint256 zone, Account memory before, uint256 short, uint256 paid, uint256 bought)
        internal
        view
    {
        IGridRegistry.Terms memory rules = terms(zone);
        Account memory present = _accountOf(zone);
        require(present.pool == before.pool + short * rules.imbalance - paid, "the pool is wrong");
        require(present.oracleFees == before.oracleFees + bought * rules.oracle_fee, "the oracle fees are wrong");
        uint256 gridPart = bought * (rules.grid_fee - rules.oracle_fee);
        require(present.gridFees == before.gridFees + gridPart, "the grid fees are wrong");
    }
}
