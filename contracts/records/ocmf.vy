# pragma version 0.4.3
# pragma optimize gas
"""
@title Records of a meter
@license AGPL-3.0-only
@notice Reads one register out of the JSON a meter signed, in the Open Charge Metering Format (OCMF 1.3, chapter 4).
@dev Nobody parses JSON here: whoever brings a record says where in it each key stands, and this checks that the key is
     there. In JSON a quote inside a text is escaped, so a key with its two quotes and a colon is never part of a text
     that somebody else put into the record, as a user's name is. That the keys belong together is checked too: between
     those of a register no brace opens or closes, and the time is the last one up to the register's end.
"""

MOST: constant(uint256) = 1024  # bytes of JSON; records of real meters with a register or two take 360 to 650
PADDING: constant(uint256) = 32  # so that a word can be read from every byte of it
SPAN: constant(uint256) = 512  # bytes from the time of a register to its last key
GAP: constant(uint256) = 28  # bytes from a key's opening quote to its value, some meters fill up with spaces

# Keys with their quotes.
PG: constant(uint256) = 575686434  # "PG"
TM: constant(uint256) = 575950114  # "TM"
RV: constant(uint256) = 575821346  # "RV"
RI: constant(uint256) = 575818018  # "RI"
RU: constant(uint256) = 575821090  # "RU"
ST: constant(uint256) = 575886370  # "ST"
EF: constant(uint256) = 574965282  # "EF"
KEY: constant(uint256) = 4  # bytes

SPACE: constant(uint256) = 32  # a space
QUOTE: constant(uint256) = 34  # "
STAR: constant(uint256) = 42  # *
PLUS: constant(uint256) = 43  # +
COMMA: constant(uint256) = 44  # ,
MINUS: constant(uint256) = 45  # -
DOT: constant(uint256) = 46  # .
COLON: constant(uint256) = 58  # :
LETTER_F: constant(uint256) = 70  # F
LETTER_G: constant(uint256) = 71  # G
LETTER_T: constant(uint256) = 84  # T
LETTER_U: constant(uint256) = 85  # U
BRACE_OPEN: constant(uint256) = 123  # {
BRACE_CLOSE: constant(uint256) = 125  # }
WH: constant(uint256) = 5728290  # Wh"
KWH: constant(uint256) = 1800890402  # kWh"

# Groups of an OBIS code A-B:C.D.E, as 16 bits each: A 1 is electricity, D 8 energy since the meter was made.
GROUP_BITS: constant(uint256) = 16
MASK_GROUP: constant(uint256) = 2**16 - 1
EXPORT: constant(uint256) = 2  # C: towards the grid
EXPORT_AT_MAINS: constant(uint256) = 192  # C: the same, C0 as OCMF numbers it
WRITTEN_255: constant(uint256) = 597  # F: 255 in its three decimal digits, read as hexadecimal ones
EVERY_TARIFF: constant(uint256) = 14  # E: some write the letter e where others write 0


struct Places:
    pagination: uint256  # where in the JSON the opening quote of "PG" stands, in bytes from its start
    taken_at: uint256  # of the "TM" that holds for the register
    energy: uint256  # of the register's "RV"
    code: uint256  # of its "RI"
    unit: uint256  # of its "RU"
    status: uint256  # of its "ST"


struct Register:
    pagination: uint256  # number of the record by the meter's own count
    taken_at: uint256  # unix time by the meter's clock
    code: uint256  # which register it is: groups B, C and E of its OBIS code, 8 bits each
    export_wh: uint256  # Wh towards the grid since the meter was made, cut to whole ones


@internal
@pure
def _read(json: Bytes[MOST], places: Places) -> Register:
    """
    @notice The export register of a record, whose signature is somebody else's to check.
    """
    padded: Bytes[MOST + PADDING] = concat(json, empty(bytes32))
    self._check_together(padded, places)
    good: uint256 = self._word(padded, self._value(padded, places.status, ST))
    assert good >> 240 == (LETTER_G << 8) | QUOTE, "record: meter not well"
    return Register(
        pagination=self._pagination(self._word(padded, self._value(padded, places.pagination, PG))),
        taken_at=self._time(self._word(padded, self._value(padded, places.taken_at, TM))),
        code=self._export_code(self._word(padded, self._value(padded, places.code, RI))),
        export_wh=self._energy(
            self._word(padded, self._value(padded, places.energy, RV)),
            self._word(padded, self._value(padded, places.unit, RU)),
        ),
    )


@internal
@pure
def _check_together(padded: Bytes[MOST + PADDING], places: Places):
    """
    @notice Refuses keys of different registers, a time that does not hold for the register, and energy or time that the
            meter itself flags as faulty.
    @dev Looks from the time, or the brace that opens the register, to the one that closes it. Where the register has
         a time of its own, before or behind its other keys, an earlier one is not the last that is met.
    """
    first: uint256 = min(min(places.energy, places.code), min(places.unit, places.status))
    last: uint256 = max(max(places.energy, places.code), max(places.unit, places.status))
    assert last < MOST and places.taken_at < MOST, "record: key not there"
    start: uint256 = min(self._opening(padded, first), places.taken_at)
    depth: uint256 = 0  # of braces that the register opens behind its keys
    for i: uint256 in range(start, start + SPAN, bound=SPAN):
        word: uint256 = self._word(padded, i)
        char: uint256 = word >> 248
        if i > first and (char == BRACE_OPEN or char == BRACE_CLOSE):
            assert i > last, "record: keys of two registers"
            if char == BRACE_OPEN:
                depth += 1
            elif depth == 0:
                assert places.taken_at < i, "record: not its time"
                return
            else:
                depth -= 1
        key: uint256 = word >> 224
        if key == TM:
            assert i <= places.taken_at, "record: not its time"
        elif key == EF:
            flags: uint256 = self._word(padded, self._value(padded, i, EF)) >> 248
            assert flags == COMMA or flags == BRACE_CLOSE, "record: meter not well"
    raise "record: keys too far apart"


@internal
@pure
def _opening(padded: Bytes[MOST + PADDING], key: uint256) -> uint256:
    """
    @notice Where the brace stands that opens the register of a key.
    """
    depth: uint256 = 0  # of braces that the register closes before the key
    for back: uint256 in range(1, SPAN):
        assert back <= key, "record: key not there"
        char: uint256 = self._word(padded, key - back) >> 248
        if char == BRACE_CLOSE:
            depth += 1
        elif char == BRACE_OPEN:
            if depth == 0:
                return key - back
            depth -= 1
    raise "record: keys too far apart"


@internal
@pure
def _value(padded: Bytes[MOST + PADDING], at: uint256, key: uint256) -> uint256:
    """
    @notice Where the value of a key begins; a text's first character is behind its quote and any spaces.
    """
    word: uint256 = self._word(padded, at)
    assert word >> 224 == key, "record: key not there"
    assigned: bool = False
    for i: uint256 in range(KEY, GAP):
        char: uint256 = (word >> unsafe_sub(248, unsafe_mul(i, 8))) & 255
        if char == COLON and not assigned:
            assigned = True
        elif char != SPACE and not (char == QUOTE and assigned):
            assert assigned, "record: key not there"
            return unsafe_add(at, i)
    raise "record: no value"


@internal
@pure
def _word(padded: Bytes[MOST + PADDING], at: uint256) -> uint256:
    """
    @notice The 32 bytes from a place on.
    """
    assert at <= unsafe_sub(len(padded), PADDING), "record: key not there"
    return extract32(padded, at, output_type=uint256)


@internal
@pure
def _pagination(word: uint256) -> uint256:
    """
    @notice Number of a record: T or F, for one of a transaction or of the meter's own accord, then digits. Each kind is
            counted by itself, so that their numbers say nothing of each other's: F begins at 2**64.
    """
    kind: uint256 = word >> 248
    assert kind == LETTER_T or kind == LETTER_F, "record: bad pagination"
    number: uint256 = 0
    for i: uint256 in range(1, 19):
        char: uint256 = self._char(word, i)
        if char == QUOTE:
            assert i > 1, "record: bad pagination"
            return number if kind == LETTER_T else number | (1 << 64)
        number = unsafe_add(unsafe_mul(number, 10), self._digit(char))
    raise "record: bad pagination"


@internal
@pure
def _time(word: uint256) -> uint256:
    """
    @notice Unix time of a text such as 2021-10-26T10:20:52,000+0200 S. The last letter says what the clock is worth: U
            is one that was never set.
    """
    year: uint256 = self._digits(word, 0, 4)
    month: uint256 = self._digits(word, 5, 2)
    day: uint256 = self._digits(word, 8, 2)
    assert self._char(word, 4) == MINUS and self._char(word, 7) == MINUS, "record: bad time"
    assert self._char(word, 10) == LETTER_T and self._char(word, 19) == COMMA, "record: bad time"
    assert year >= 2000 and month >= 1 and month <= 12 and day >= 1 and day <= 31, "record: bad time"
    assert self._char(word, 28) == SPACE and self._char(word, 29) != LETTER_U, "record: clock not set"
    # Days since 1970, by years that begin in March: H. Hinnant, chrono-compatible low-level date algorithms.
    from_march: uint256 = (month + 9) % 12
    shifted: uint256 = year - (1 if month <= 2 else 0)
    days: uint256 = 365 * shifted + shifted // 4 - shifted // 100 + shifted // 400 + (153 * from_march + 2) // 5 + day
    days -= 719_469  # from the first of March of the year 0 to the day before 1970
    local: uint256 = days * 86_400 + self._digits(word, 11, 2) * 3600
    local += self._digits(word, 14, 2) * 60 + self._digits(word, 17, 2)
    zone: uint256 = self._digits(word, 24, 2) * 3600 + self._digits(word, 26, 2) * 60
    if self._char(word, 23) == PLUS:
        return local - zone
    assert self._char(word, 23) == MINUS, "record: bad time"
    return local + zone


@internal
@pure
def _energy(word: uint256, unit: uint256) -> uint256:
    """
    @notice Wh of a number with its unit, cut to whole ones.
    """
    scale: uint256 = 1000
    if unit >> 224 != KWH:
        assert unit >> 232 == WH, "record: no unit of energy"
        scale = 1
    number: uint256 = 0
    fraction: uint256 = 0  # what a digit behind the point divides by; 0 before it
    for i: uint256 in range(20):
        char: uint256 = self._char(word, i)
        if char == DOT and fraction == 0 and i > 0:
            fraction = 1
        elif char == COMMA or char == QUOTE or char == SPACE or char == BRACE_CLOSE:
            assert i > 0, "record: bad number"
            return number * scale // max(fraction, 1)
        else:
            number = unsafe_add(unsafe_mul(number, 10), self._digit(char))
            fraction = unsafe_mul(fraction, 10)
    raise "record: bad number"


@internal
@pure
def _export_code(word: uint256) -> uint256:
    """
    @notice Groups B, C and E of an OBIS code, which is that of all energy ever exported through a channel, such as
            1-0:2.8.0 or 01-00:C0.08.00.FF.
    """
    groups: uint256 = 0
    separators: uint256 = 0
    group: uint256 = 0
    for i: uint256 in range(24):
        char: uint256 = self._char(word, i)
        if char == MINUS or char == COLON or char == DOT or char == STAR or char == QUOTE:
            groups = (groups << GROUP_BITS) | (group & MASK_GROUP)
            group = 0
            if char == QUOTE:
                break
            separators = unsafe_add(separators, 1)
        else:
            group = unsafe_add(unsafe_mul(group, 16), self._hexadecimal(char))
    if separators == 5:
        # F: the whole life of the meter, which is 255 in either base, and not a single transaction.
        whole_life: uint256 = groups & MASK_GROUP
        assert whole_life == 255 or whole_life == WRITTEN_255 or whole_life == 0, "record: no export register"
        groups >>= GROUP_BITS
    else:
        assert separators == 4, "record: no export register"
    tariff: uint256 = groups & MASK_GROUP
    direction: uint256 = (groups >> 32) & MASK_GROUP
    channel: uint256 = (groups >> 48) & MASK_GROUP
    assert groups >> 64 == 1 and (groups >> 16) & MASK_GROUP == 8 and channel <= 255, "record: no export register"
    assert direction == EXPORT or direction == EXPORT_AT_MAINS, "record: no export register"
    assert tariff == 0 or tariff == EVERY_TARIFF, "record: no export register"
    return (channel << 16) | (direction << 8) | tariff


@internal
@pure
def _char(word: uint256, i: uint256) -> uint256:
    return (word >> unsafe_sub(248, unsafe_mul(i, 8))) & 255


@internal
@pure
def _digits(word: uint256, first: uint256, count: uint256) -> uint256:
    """
    @notice A number of so many decimal digits.
    """
    number: uint256 = 0
    for i: uint256 in range(count, bound=4):
        number = number * 10 + self._digit(self._char(word, first + i))
    return number


@internal
@pure
def _digit(char: uint256) -> uint256:
    assert char >= 48 and char <= 57, "record: no digit"
    return char - 48


@internal
@pure
def _hexadecimal(char: uint256) -> uint256:
    """
    @notice Value of a hexadecimal digit in either case. The letter b also stands for any channel in an OBIS code.
    """
    if char >= 48 and char <= 57:
        return char - 48
    upper: uint256 = char & 223
    assert upper >= 65 and upper <= 70, "record: bad register code"
    return upper - 55
