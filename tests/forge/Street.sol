// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEnergyExchange} from "net8/IEnergyExchange.sol";
import {IExchangeLens} from "net8/IExchangeLens.sol";
import {IGridRegistry} from "net8/IGridRegistry.sol";
import {INET8} from "net8/INET8.sol";
import {IOracleRegistry} from "net8/IOracleRegistry.sol";
import {vm} from "./Vm.sol";

/**
 * @title Two zones with their sites, made of the bytecode that Vyper compiled
 * @notice This contract is owner, grid operator, minter and the exchange's trading desk; sites belong to keys.
 */
abstract contract Street {
    uint256 internal constant GRAIN = 1e11; // wei
    uint256 internal constant SLOT = 900; // seconds
    uint256 internal constant START = 500_000 * 3600;
    uint256 internal constant ZONES = 2;
    uint256 internal constant SITES = 8; // the first five in zone 1
    uint256 internal constant MOST_ENERGY = 5_000; // Wh in a slot
    uint256 internal constant ORACLES = 1_000; // key of the first of four
    bytes32 private constant CONSENT = keccak256(
        "SiteConsent(uint256 zone,address owner,uint256 technology,uint256 nameplate,address meter_key,uint256 nonce,uint256 deadline)"
    );
    bytes32 private constant DOMAIN =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");

    INET8 internal token;
    IGridRegistry internal grid;
    IEnergyExchange internal exchange;
    IOracleRegistry internal registry;
    IExchangeLens internal lens;

    uint256[] internal sites;
    mapping(uint256 site => address) internal ownerOf;

    function _open() internal {
        vm.warp(START);
        token = INET8(_deploy("NET8", ""));
        token.set_minter(address(this));
        grid = IGridRegistry(_deploy("GridRegistry", ""));
        exchange = IEnergyExchange(_deploy("EnergyExchange", abi.encode(token, grid)));
        registry = IOracleRegistry(_deploy("OracleRegistry", abi.encode(token, exchange, 1 ether)));
        lens = IExchangeLens(_deploy("ExchangeLens", abi.encode(exchange)));
        grid.connect(address(exchange), address(registry), address(this));
        for (uint256 zone = 1; zone <= ZONES; zone++) grid.create_zone(address(this), terms(zone), 168);
        for (uint256 i = 0; i < 4; i++) _seat(ORACLES + i);
        // The last two of zone 1 have one owner: he must not trade with himself.
        for (uint256 i = 0; i < SITES; i++) _connect(i < 5 ? 1 : 2, i == 4 ? 4 : i + 1);
        token.mint(address(this), 1e9 ether);
        token.approve(address(exchange), type(uint256).max);
        for (uint256 i = 0; i < SITES; i++) exchange.deposit(sites[i], 400 ether);
    }

    /// @notice Zone 2 is cheaper to default in, dearer in fees, and closes its gate earlier.
    function terms(uint256 zone) public pure returns (IGridRegistry.Terms memory) {
        if (zone == 1) return IGridRegistry.Terms(150, 1650, 80, 8, 200, 5, 1, 10);
        return IGridRegistry.Terms(180, 1700, 120, 120, 205, 5, 2, 1);
    }

    function _deploy(string memory name, bytes memory arguments) private returns (address deployed) {
        string memory path = string.concat(vm.envString("NET8_BYTECODE"), "/", name, ".hex");
        bytes memory code = bytes.concat(vm.parseBytes(vm.readFile(path)), arguments);
        assembly {
            deployed := create(0, add(code, 32), mload(code))
        }
        require(deployed != address(0), string.concat(name, " does not deploy"));
    }

    function _seat(uint256 key) private {
        address oracle = vm.addr(key);
        token.mint(oracle, 1 ether);
        vm.prank(oracle);
        token.approve(address(registry), 1 ether);
        vm.prank(oracle);
        uint256 id = registry.register(oracle, 1 ether);
        for (uint256 zone = 1; zone <= ZONES; zone++) registry.admit(zone, id);
    }

    function _connect(uint256 zone, uint256 key) private {
        address owner = vm.addr(key);
        bytes32 consent = keccak256(
            abi.encode(CONSENT, zone, owner, 1, 4 * MOST_ENERGY, owner, grid.consent_nonce(owner), START)
        );
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, keccak256(abi.encodePacked(hex"1901", _gridDomain(), consent)));
        bytes memory signature = abi.encodePacked(r, s, v);
        uint256 site = grid.register_site(zone, owner, 1, 4 * MOST_ENERGY, owner, START, signature);
        sites.push(site);
        ownerOf[site] = owner;
    }

    function _gridDomain() private view returns (bytes32) {
        return keccak256(
            abi.encode(DOMAIN, keccak256("NET8 GridRegistry"), keccak256("1"), block.chainid, address(grid))
        );
    }
}
