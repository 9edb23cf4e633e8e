# pragma version 0.4.3
# pragma optimize gas
"""
@title Printable text
@license AGPL-3.0-only
@notice Text that may stand in JSON as it is: printable ASCII without quotation mark and backslash.
"""

MOST: constant(uint256) = 64  # characters


@internal
@pure
def _is_printable(text: String[MOST]) -> bool:
    """
    @notice Whether the text is not empty and needs no escape in JSON.
    """
    characters: Bytes[MOST] = convert(text, Bytes[MOST])
    for i: uint256 in range(len(characters), bound=MOST):
        character: uint256 = convert(slice(characters, i, 1), uint256)
        if character < 32 or character > 126 or character == 34 or character == 92:
            return False
    return len(text) != 0
