"""The opcodes that push values and move them about: none of them names or calls anything."""

from __future__ import annotations

import codecs

from grader.facts.pickles.findings import Findings
from grader.facts.pickles.nodes import BLOB, FROZENSET, NUMBER, PERSISTENT, SET, TEXT, Items, Opaque, Table
from grader.facts.pickles.source import Malformed, Source

LONG_TEXT = 2_000
"""Bytes of a text that is kept; a longer one is no name."""

LONG_BYTES = 64
"""Bytes of a blob that is kept."""

_LONG_LINE = 5_000_000


class Values:
    """A stack, its marks, the memo, and the opcodes that know nothing else.

    The memo is a list as long as it is filled in order, as picklers do; ``sparse`` holds what lies beyond.
    """

    def __init__(self, source: Source, findings: Findings) -> None:
        self.source = source
        self.findings = findings
        self.stack: list[object] = []
        self.marks: list[int] = []
        self.memo: list[object] = []
        self.sparse: dict[int, object] = {}
        self._protocol = 0
        self._frame_end = 0
        self._made = 0

    def _put(self, index: int, value: object) -> None:
        memo, sparse = self.memo, self.sparse
        if index < 0:
            raise ValueError
        if index < len(memo):
            memo[index] = value
        elif index > len(memo):
            sparse[index] = value
        else:
            sparse.pop(index, None)
            memo.append(value)
            while sparse and len(memo) in sparse:
                memo.append(sparse.pop(len(memo)))

    def _get(self, index: int) -> object:
        return self.memo[index] if 0 <= index < len(self.memo) else self.sparse[index]

    def _since_mark(self) -> list[object]:
        start = self.marks.pop()
        items = self.stack[start:]
        del self.stack[start:]
        return items

    def _text(self, length: int) -> None:
        """Push a text of ``length`` bytes, or a stand-in for a long one."""
        if length <= LONG_TEXT:
            self.stack.append(str(self.source.take(length), "utf-8", "surrogatepass"))
        else:
            self.source.skip(length)
            self.stack.append(TEXT)

    def _blob(self, length: int) -> None:
        if length <= LONG_BYTES:
            self.stack.append(self.source.take(length))
        else:
            self.source.skip(length)
            self.stack.append(BLOB)

    def _count(self, width: int) -> int:
        return int.from_bytes(self.source.take(width), "little")

    def op_proto(self) -> None:
        """PROTO."""
        number = self.source.take(1)[0]
        if number > 5:
            raise Malformed(f"it says that it is of protocol {number}, and there are 0 to 5")
        self._protocol = number
        self.findings.protocol = max(self.findings.protocol, number)

    def op_frame(self) -> None:
        """FRAME: only where arrays are concerned does its end matter."""
        length = self._count(8)
        self._frame_end = self.source.offset + length

    def op_pop(self) -> None:
        """POP: at a mark, that."""
        if self.marks and self.marks[-1] >= len(self.stack):
            self.marks.pop()
        else:
            self.stack.pop()

    def op_pop_mark(self) -> None:
        """POP_MARK."""
        self._since_mark()

    def op_dup(self) -> None:
        """DUP."""
        self.stack.append(self.stack[-1])

    def op_empty_list(self) -> None:
        """EMPTY_LIST."""
        self._made += 3  # about a hundred bytes each time, as three tuples
        self.stack.append(Items())

    def op_empty_dict(self) -> None:
        """EMPTY_DICT."""
        self._made += 3
        self.stack.append(Table())

    def op_empty_tuple(self) -> None:
        """EMPTY_TUPLE."""
        self.stack.append(())

    def op_empty_set(self) -> None:
        """EMPTY_SET."""
        self.stack.append(SET)

    def op_tuple(self) -> None:
        """TUPLE."""
        items = self._since_mark()
        self._made += 1 + (len(items) >> 3)
        self.stack.append(tuple(items))

    def op_tuple1(self) -> None:
        """TUPLE1."""
        self._made += 1
        self.stack[-1] = (self.stack[-1],)

    def op_tuple3(self) -> None:
        """TUPLE3."""
        self._made += 1
        third, second = self.stack.pop(), self.stack.pop()
        self.stack[-1] = (self.stack[-1], second, third)

    def op_frozenset(self) -> None:
        """FROZENSET."""
        self._since_mark()
        self.stack.append(FROZENSET)

    def op_true(self) -> None:
        """NEWTRUE."""
        self.stack.append(True)

    def op_false(self) -> None:
        """NEWFALSE."""
        self.stack.append(False)

    def op_int(self) -> None:
        """INT, of protocol 0; ``01`` and ``00`` are booleans."""
        line = self.source.line()
        self.stack.append({b"00": False, b"01": True}[line] if line in (b"00", b"01") else _number(line))

    def op_long(self) -> None:
        """LONG, of protocol 0."""
        self.stack.append(_number(self.source.line(1_000_000).removesuffix(b"L")))

    def op_long1(self) -> None:
        """LONG1."""
        self._long(self.source.take(1)[0])

    def op_long4(self) -> None:
        """LONG4."""
        self._long(int.from_bytes(self.source.take(4), "little", signed=True))

    def _long(self, length: int) -> None:
        if length < 0:
            raise Malformed("a number in it has a negative length")
        if length <= 16:
            self.stack.append(int.from_bytes(self.source.take(length), "little", signed=True))
        else:
            self.source.skip(length)
            self.stack.append(NUMBER)

    def op_float(self) -> None:
        """FLOAT, of protocol 0."""
        self.source.line()
        self.stack.append(NUMBER)

    def op_string(self) -> None:
        """STRING, of protocol 0: a quoted literal."""
        line = self.source.line(_LONG_LINE).strip()
        if len(line) < 2 or line[:1] != line[-1:] or line[:1] not in (b'"', b"'"):
            raise Malformed("a text in it is not quoted")
        self._old_text(codecs.escape_decode(line[1:-1])[0])

    def op_binstring(self) -> None:
        """BINSTRING."""
        length = int.from_bytes(self.source.take(4), "little", signed=True)
        if length < 0:
            raise Malformed("a text in it has a negative length")
        self._old_bytes(length)

    def op_short_binstring(self) -> None:
        """SHORT_BINSTRING."""
        self._old_bytes(self.source.take(1)[0])

    def _old_bytes(self, length: int) -> None:
        if length <= LONG_TEXT:
            self._old_text(self.source.take(length))
        else:
            self.source.skip(length)
            self.stack.append(TEXT)

    def _old_text(self, raw: bytes) -> None:
        self.stack.append(raw.decode("latin-1"))  # Python 2 did not say; a name is ASCII in any case

    def op_unicode(self) -> None:
        """UNICODE, of protocol 0."""
        text = str(self.source.line(_LONG_LINE), "raw-unicode-escape")
        self.stack.append(text if len(text) <= LONG_TEXT else TEXT)

    def op_binunicode8(self) -> None:
        """BINUNICODE8."""
        self._text(self._count(8))

    def op_binbytes(self) -> None:
        """BINBYTES."""
        self._blob(self._count(4))

    def op_binbytes8(self) -> None:
        """BINBYTES8."""
        self._blob(self._count(8))

    def op_bytearray8(self) -> None:
        """BYTEARRAY8."""
        self._blob(self._count(8))

    def op_put(self) -> None:
        """PUT, of protocol 0."""
        self._put(int(self.source.line(40)), self.stack[-1])

    def op_get(self) -> None:
        """GET, of protocol 0."""
        self.stack.append(self._get(int(self.source.line(40))))

    def op_persid(self) -> None:
        """PERSID."""
        self.source.line()
        self.findings.persistent = True
        self.stack.append(PERSISTENT)

    def op_binpersid(self) -> None:
        """BINPERSID."""
        self.stack.pop()
        self.findings.persistent = True
        self.stack.append(PERSISTENT)

    def op_ext1(self) -> None:
        """EXT1."""
        self._extension(1)

    def op_ext2(self) -> None:
        """EXT2."""
        self._extension(2)

    def op_ext4(self) -> None:
        """EXT4."""
        self._extension(4)

    def _extension(self, width: int) -> None:
        code = self._count(width)
        self.findings.told(f"it refers to extension code {code}, whose meaning is not in the file")
        self.stack.append(Opaque("extension"))

    def op_next_buffer(self) -> None:
        """NEXT_BUFFER."""
        self.findings.told("parts of it lie outside the file (out-of-band buffers)")
        self.stack.append(BLOB)

    def op_readonly_buffer(self) -> None:
        """READONLY_BUFFER: what lies on top stays there."""
        if not self.stack:
            raise IndexError


def _number(line: bytes) -> object:
    return int(line) if len(line) <= 40 else NUMBER


METHODS = {
    0x80: "op_proto",
    0x95: "op_frame",
    ord("c"): "op_global",
    0x93: "op_stack_global",
    ord("i"): "op_inst",
    ord("o"): "op_obj",
    0x81: "op_newobj",
    0x92: "op_newobj_ex",
    ord("b"): "op_build",
    ord("0"): "op_pop",
    ord("1"): "op_pop_mark",
    ord("2"): "op_dup",
    ord("]"): "op_empty_list",
    ord("}"): "op_empty_dict",
    ord(")"): "op_empty_tuple",
    0x8F: "op_empty_set",
    ord("t"): "op_tuple",
    0x85: "op_tuple1",
    0x87: "op_tuple3",
    ord("l"): "op_list",
    ord("d"): "op_dict",
    0x91: "op_frozenset",
    ord("a"): "op_append",
    ord("e"): "op_appends",
    0x90: "op_additems",
    ord("s"): "op_setitem",
    ord("u"): "op_setitems",
    0x88: "op_true",
    0x89: "op_false",
    ord("I"): "op_int",
    ord("L"): "op_long",
    0x8A: "op_long1",
    0x8B: "op_long4",
    ord("F"): "op_float",
    ord("S"): "op_string",
    ord("T"): "op_binstring",
    ord("U"): "op_short_binstring",
    ord("V"): "op_unicode",
    0x8D: "op_binunicode8",
    ord("B"): "op_binbytes",
    0x8E: "op_binbytes8",
    0x96: "op_bytearray8",
    ord("p"): "op_put",
    ord("g"): "op_get",
    ord("P"): "op_persid",
    ord("Q"): "op_binpersid",
    0x82: "op_ext1",
    0x83: "op_ext2",
    0x84: "op_ext4",
    0x97: "op_next_buffer",
    0x98: "op_readonly_buffer",
}
"""Opcodes (but for those that the machine's loop does itself) and the methods that do them."""
