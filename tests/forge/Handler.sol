// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Trading} from "./Trading.sol";
import {vm} from "./Vm.sol";

/**
 * @title What forge's fuzzer may do on the street: trade, move money, let time pass, report
 */
contract Handler is Trading {
    uint256 private constant LONGEST = 20 days; // a run stays within one turn of the ring

    /// @dev Not in a constructor: the token's minter must have code already.
    function open() external {
        require(address(token) == address(0), "open already");
        _open();
    }

    // ---- money

    function deposit(uint256 who, uint256 grains) external {
        exchange.deposit(sites[who % SITES], (1 + (grains % 1e7)) * GRAIN);
        _did("deposited");
    }

    function fundPool(uint256 zone, uint256 grains) external {
        exchange.fund_pool(1 + (zone % ZONES), (1 + (grains % 1e5)) * GRAIN);
        _did("funded");
    }

    function withdraw(uint256 who, uint256 grains) external {
        uint256 site = sites[who % SITES];
        uint256 free = exchange.free_balance(site);
        if (free == 0) return;
        grains = 1 + (grains % free);
        uint256 before = token.balanceOf(address(1));
        vm.prank(ownerOf[site]);
        exchange.withdraw(site, grains * GRAIN, address(1));
        require(token.balanceOf(address(1)) == before + grains * GRAIN, "withdrew another sum");
        require(exchange.free_balance(site) == free - grains, "was charged another sum");
        _did("withdrew");
    }

    /// @notice No sum above the free balance ever leaves.
    function withdrawTooMuch(uint256 who, uint256 grains) external {
        uint256 site = sites[who % SITES];
        uint256 tooMuch = (exchange.free_balance(site) + 1 + (grains % 1e9)) * GRAIN;
        vm.prank(ownerOf[site]);
        try exchange.withdraw(site, tooMuch, address(1)) {
            revert("withdrew more than it had");
        } catch Error(string memory) {
            _did("refused");
        }
    }

    // ---- time and meters

    function waitAWhile(uint256 long) external {
        vm.warp(block.timestamp + SLOT / 2 + (long % (2 * SLOT)));
        _did("waited");
    }

    /// @notice Nobody reports for a week; then what is open settles by itself.
    function waitForTimeout(uint256 who, uint256 which) external {
        if (slots.length == 0 || block.timestamp + TIMEOUT + 2 * SLOT > START + LONGEST) return;
        uint256 slot = slots[which % slots.length];
        uint256 site = sites[who % SITES];
        if ((slot + 1) * SLOT > block.timestamp) vm.warp((slot + 1) * SLOT);
        vm.warp(block.timestamp + TIMEOUT + 1);
        for (uint256 i = 0; i < SITES; i++) _settleIfTraded(sites[(site + i) % SITES], slot);
    }

    /// @notice A report of one slot that leaves some sites out, misreads some, and finds no reading of some.
    function report(uint256 which, uint256 zone, uint256 covered, uint256 meters) external {
        if (slots.length == 0) return;
        uint256 slot = slots[which % slots.length];
        zone = 1 + (zone % ZONES);
        if ((slot + 1) * SLOT > block.timestamp || block.timestamp > (slot + 1) * SLOT + TIMEOUT) return;
        Reading[] memory readings = _readings(zone, slot, covered, meters);
        bytes memory entries;
        for (uint256 i = 0; i < readings.length; i++) entries = bytes.concat(entries, bytes32(_entry(readings[i], slot)));
        _check(zone, slot, readings, entries);
    }

    function _check(uint256 zone, uint256 slot, Reading[] memory readings, bytes memory entries) private {
        Account memory account = _accountOf(zone);
        uint256[] memory due = new uint256[](readings.length);
        uint256[] memory unused = new uint256[](readings.length);
        uint256 expected;
        uint256 short;
        uint256 bought;
        for (uint256 i = 0; i < readings.length; i++) {
            due[i] = exchange.free_balance(readings[i].site);
            if (_isSettled(readings[i].site, slot) || _isImpossible(readings[i])) continue;
            (uint256 payout, uint256 itsShort, uint256 itsBought, uint256 itsUnused) = _outcome(readings[i], slot);
            due[i] += payout;
            unused[i] = itsUnused;
            short += itsShort;
            bought += itsBought;
            expected++;
        }
        uint256 pool = account.pool + short * terms(zone).imbalance;
        uint256 paid;
        for (uint256 i = 0; i < readings.length; i++) {
            uint256 claim = unused[i] * terms(zone).feed_in;
            if (claim > pool - paid) claim = pool - paid;
            paid += claim;
            due[i] += claim;
        }
        if (expected == 0) return _refusesToSettleTwice(zone, entries);
        require(_report(zone, entries) == expected, "settled another number of readings");
        for (uint256 i = 0; i < readings.length; i++) {
            require(exchange.free_balance(readings[i].site) == due[i], "paid another sum than is due");
            if (!_isSettled(readings[i].site, slot) && !_isImpossible(readings[i])) _settled(readings[i].site, slot);
        }
        _checkAccount(zone, account, short, paid, bought);
        _did("reported");
    }

    function _refusesToSettleTwice(uint256 zone, bytes memory entries) private {
        try this.submit(zone, entries) {
            revert("a report settled nothing and was taken");
        } catch Error(string memory) {
            _did("refused to settle twice");
        }
    }

    /// @dev External, so that its refusal can be caught.
    function submit(uint256 zone, bytes calldata entries) external {
        require(msg.sender == address(this), "only this contract");
        _report(zone, entries);
    }

    function _readings(uint256 zone, uint256 slot, uint256 covered, uint256 meters)
        private
        view
        returns (Reading[] memory readings)
    {
        readings = new Reading[](SITES);
        uint256 found;
        for (uint256 i = 0; i < SITES; i++) {
            if (sites[i] >> 16 != zone || (covered >> (2 * i)) & 3 == 0) continue;
            uint256 meter = (meters >> (8 * i)) & 0xff;
            int256 traded = positionOf[sites[i]][slot].wh;
            uint256 exact = uint256(traded < 0 ? -traded : traded);
            uint256 energy = meter < 64 ? exact : meter < 128 ? exact / 2 : meter < 192 ? meter * 10 : meter * 25;
            readings[found++] = Reading(sites[i], energy, energy, meter % 8 == 0);
        }
        assembly {
            mstore(readings, found)
        }
    }

    function _isImpossible(Reading memory reading) private pure returns (bool) {
        return !reading.missing && reading.exported > MOST_ENERGY;
    }

    function _settleIfTraded(uint256 site, uint256 slot) private {
        uint256 cell = _cell(site, slot);
        if (cell == 0 || cell >> 56 != 0) return;
        _settleOverdue(site, slot);
        _did("settled late");
    }
}
