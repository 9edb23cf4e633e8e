// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEnergyExchange} from "../../../contracts/solidity/interfaces/IEnergyExchange.sol";
import {INET8} from "../../../contracts/solidity/interfaces/INET8.sol";

/**
 * @title A contract wallet that owns a site
 * @notice What its keeper has signed counts as signed by the wallet (ERC-1271); what he sends through it acts as the wallet.
 */
contract SiteWallet {
    bytes4 private constant VALID = 0x1626ba7e; // ERC-1271
    bytes4 private constant INVALID = 0xffffffff;

    address public immutable keeper;
    IEnergyExchange public immutable exchange;

    error NotTheKeeper();

    modifier onlyKeeper() {
        if (msg.sender != keeper) revert NotTheKeeper();
        _;
    }

    constructor(address keeper_, IEnergyExchange exchange_) {
        keeper = keeper_;
        exchange = exchange_;
    }

    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        if (signature.length != 65) return INVALID;
        address signer = ecrecover(digest, uint8(signature[64]), bytes32(signature[0:32]), bytes32(signature[32:64]));
        return signer != address(0) && signer == keeper ? VALID : INVALID;
    }

    /// @notice Pays the wallet's NET8 into a site's balance.
    function topUp(uint256 site, uint256 amount) external onlyKeeper {
        INET8(exchange.token()).approve(address(exchange), amount);
        exchange.deposit(site, amount);
    }

    /// @notice Calls another contract as the wallet and hands on what it answers, or why it refused.
    function execute(address target, bytes calldata data) external onlyKeeper returns (bytes memory) {
        (bool done, bytes memory answer) = target.call(data);
        if (!done) {
            assembly {
                revert(add(answer, 32), mload(answer))
            }
        }
        return answer;
    }
}
