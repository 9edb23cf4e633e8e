// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Checks} from "./Checks.sol";
import {vm} from "./Vm.sol";

/**
 * @title Invariants of the exchange, after every one of the fuzzer's calls
 */
contract ExchangeInvariants {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    Checks private street;

    function setUp() external {
        street = new Checks();
        street.open();
    }

    function invariant_everythingAddsUp() external view {
        street.checkConservation();
        street.checkBalanceOfEnergy();
        street.checkPositions();
        street.checkOrders();
        street.checkBooks();
    }

    /// @notice What happened in a run, so that the test that started forge can see that everything did.
    function afterInvariant() external {
        for (uint256 i = 0; ; i++) {
            try street.deeds(i) returns (string memory deed) {
                vm.writeLine(vm.envString("NET8_DEEDS"), string.concat(deed, "=", vm.toString(street.count(deed))));
            } catch {
                return;
            }
        }
    }

    /// @dev forge asks for the fuzzer's targets under these names.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(street);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory selected) {
        bytes4[20] memory weighted = [
            street.place.selector,
            street.place.selector,
            street.place.selector,
            street.place.selector,
            street.place.selector,
            street.place.selector,
            street.place.selector,
            street.reduce.selector,
            street.cancel.selector,
            street.release.selector,
            street.tradePair.selector,
            street.tradePair.selector,
            street.takeAbroad.selector,
            street.takeAbroad.selector,
            street.deposit.selector,
            street.fundPool.selector,
            street.withdraw.selector,
            street.withdrawTooMuch.selector,
            street.waitAWhile.selector,
            street.waitForTimeout.selector
        ];
        bytes4[] memory selectors = new bytes4[](weighted.length + 4);
        for (uint256 i = 0; i < weighted.length; i++) selectors[i] = weighted[i];
        for (uint256 i = weighted.length; i < selectors.length; i++) selectors[i] = street.report.selector;
        selected = new FuzzSelector[](1);
        selected[0] = FuzzSelector(address(street), selectors);
    }
}
