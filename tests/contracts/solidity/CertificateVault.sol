// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IGreenCertificates} from "../../../contracts/solidity/interfaces/IGreenCertificates.sol";

/**
 * @title A contract that collects certificates of NET8, and of nobody else
 */
contract CertificateVault {
    IGreenCertificates public immutable certificates;
    mapping(uint256 id => uint256 wh) public received;

    error NotACertificate();

    constructor(IGreenCertificates certificates_) {
        certificates = certificates_;
    }

    function supportsInterface(bytes4 id) external pure returns (bool) {
        return id == 0x01ffc9a7 || id == 0x4e2312e0; // ERC-165, ERC-1155 receiver
    }

    function onERC1155Received(address, address, uint256 id, uint256 wh, bytes calldata) external returns (bytes4) {
        _receive(id, wh);
        return this.onERC1155Received.selector;
    }

    function onERC1155BatchReceived(
        address,
        address,
        uint256[] calldata ids,
        uint256[] calldata whs,
        bytes calldata
    ) external returns (bytes4) {
        for (uint256 i = 0; i < ids.length; i++) _receive(ids[i], whs[i]);
        return this.onERC1155BatchReceived.selector;
    }

    /// @notice Wh of a certificate that are here, by the word of the contract that keeps them.
    function held(uint256 id) external view returns (uint256) {
        return certificates.balanceOf(address(this), id);
    }

    function _receive(uint256 id, uint256 wh) private {
        if (msg.sender != address(certificates)) revert NotACertificate();
        received[id] += wh;
    }
}
