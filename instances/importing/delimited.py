"""Delimited text: encoding, lines before the heading, delimiter, decimal commas, and GSLIB files."""

from __future__ import annotations

import codecs
import csv
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.csv as pa_csv

from instances.findings import BadInput, Finding, Words
from instances.importing.notes import Note, changed, guessed, understood
from instances.importing.numbers import decimal_mark, number
from instances.importing.source import GridLine, Source
from instances.importing.vocabulary import is_unit

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
BLANK = " "
LOOKED_AT = 200
MOST_LINES_BEFORE_DATA = 3
TOLD_LINES = 3
COMMENTS = ("#", "//")
UTF_16 = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


@dataclass(frozen=True)
class _Layout:
    """Where heading and data stand in the lines of a file."""

    heading: tuple[str, ...]
    delimiter: str
    first: int
    grid: GridLine | None = None
    units: tuple[tuple[str, str], ...] = ()
    notes: tuple[Note, ...] = ()


def read_delimited(place: str, raw: bytes) -> Source:
    """Reads delimited text of any usual kind.

    Args:
        place: name of the file, for findings.
        raw: its bytes.

    Raises:
        BadInput: where it is empty, of an unknown encoding, without a heading, or has rows of another length.
    """
    text, notes = _decoded(place, raw)
    opening = _opening_lines(text)
    if not any(line.strip() for line in opening):
        raise BadInput([Finding(place, Words("empty"), "a heading and at least one row")])
    layout = _gslib(place, opening) or _headed(place, opening)
    body = _from_line(text, layout.first)
    if not body.strip():
        raise BadInput([Finding(place, Words("a heading without rows"), "at least one row")])
    columns = _columns(place, layout, body)
    told = [field for line in opening[layout.first - 1 :] for field in _fields(line, layout.delimiter)]
    comma, is_guess = decimal_mark(told)
    if layout.delimiter == "," and is_guess:
        comma = False
    if comma:
        said = "a comma separates the decimals"
        notes = (*notes, guessed(f"{said}, not thousands") if is_guess else understood(said))
    notes = (*notes, *layout.notes)
    units = dict(layout.units)
    return Source(
        place, columns, layout.first, "line", decimal_comma=comma, grid=layout.grid, units_said=units, notes=notes
    )


def _decoded(place: str, raw: bytes) -> tuple[str, tuple[Note, ...]]:
    """The text of a file, and what was found out about its encoding."""
    for mark, encoding in UTF_16.items():
        if raw.startswith(mark):
            try:
                return _whole(place, raw.decode(encoding)), (understood("text in UTF-16"),)
            except UnicodeDecodeError as error:
                expected = f"text in UTF-16, as its first bytes say; byte {error.start} is not"
                raise BadInput([Finding(place, None, expected)]) from error
    for ending, byte in (("le", 1), ("be", 0)):
        start = raw[:LOOKED_AT]
        if len(start) > 8 and not any(start[byte::2]) and all(start[1 - byte : -1 : 2]):
            try:
                return _whole(place, raw.decode(f"utf-16-{ending}")), (understood("text in UTF-16, without its mark"),)
            except UnicodeDecodeError:
                break
    try:
        return _whole(place, raw.decode("utf-8-sig")), ()
    except UnicodeDecodeError:
        return _whole(place, raw.decode("cp1252", errors="replace")), (guessed("text in Windows-1252, not UTF-8"),)


def _whole(place: str, text: str) -> str:
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise BadInput([Finding(f"{place}: line {line}", Words("binary"), "text: CSV, GSLIB, or a .parquet file")])
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _opening_lines(text: str) -> list[str]:
    lines: list[str] = []
    start = 0
    while len(lines) < LOOKED_AT and start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        lines.append(text[start:end])
        start = end + 1
    return lines


def _without_blank_end(text: str) -> str:
    """The text without blank lines at its end; blanks within its last line may be empty columns."""
    end = text.find("\n", len(text.rstrip()))
    return text if end < 0 else text[:end]


def _from_line(text: str, line: int) -> str:
    start = 0
    for _ in range(line - 1):
        found = text.find("\n", start)
        if found < 0:
            return ""
        start = found + 1
    return text[start:]


def _fields(line: str, delimiter: str) -> list[str]:
    if delimiter == BLANK:
        return line.split()
    return [field.strip() for field in next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])]


def _is_number(text: str) -> bool:
    value, sound = number(text)
    comma, sound_comma = number(text, decimal_comma=True)
    return (sound and value == value) or (sound_comma and comma == comma)  # noqa: PLR0124 - NaN is no number


def _gslib(place: str, lines: list[str]) -> _Layout | None:
    """The layout of a GSLIB file: a title, the number of variables, their names a line each, then the values."""
    if len(lines) < 4:
        return None
    second = lines[1].replace(",", " ").split()
    if not second or not second[0].isdigit() or not all(_is_number(word) for word in second[:1]):
        return None
    count = int(second[0])
    if not 1 <= count <= 150 or len(lines) < count + 3:
        return None
    values = lines[count + 2].split()
    if len(values) != count or not all(_is_number(value) or number(value)[1] for value in values):
        return None
    grid = None
    if len(second) >= 10 and all(_is_number(word) for word in second[1:10]):
        cells = [int(float(word)) for word in second[1:4]]
        metres = [float(word) for word in second[4:10]]
        grid = GridLine(
            (cells[0], cells[1], cells[2]), (metres[0], metres[1], metres[2]), (metres[3], metres[4], metres[5])
        )
    names = tuple(line.strip() or f"column {n}" for n, line in enumerate(lines[2 : count + 2], start=1))
    _refuse_repeated(place, names)
    return _Layout(names, BLANK, count + 3, grid, notes=(understood("a GSLIB file"),))


def _headed(place: str, lines: list[str]) -> _Layout:
    """The layout of a table with a heading, after comments and before lines of description."""
    start = next((n for n, line in enumerate(lines) if line.strip() and not _is_comment(line)), len(lines))
    if start == len(lines):
        raise BadInput([Finding(place, Words("nothing but comments"), "a heading and at least one row")])
    delimiter = _delimiter(lines[start:])
    heading = tuple(_fields(lines[start], delimiter))
    if any(_is_number(name) for name in heading):
        # The heading itself may stand in a comment, the last one before the rows.
        above = _fields(lines[start - 1].lstrip("#/ "), delimiter) if start else []
        if len(above) == len(heading) and not any(_is_number(name) for name in above):
            heading, start = tuple(above), start - 1
    while heading and not heading[-1]:
        heading = heading[:-1]
    if len(heading) < 2 or any(_is_number(name) for name in heading):
        raise BadInput([Finding(f"{place}: line {start + 1}", lines[start][:80], "a heading with the columns' names")])
    _refuse_repeated(place, heading)
    first = start + 1
    most = min(len(lines), start + 1 + MOST_LINES_BEFORE_DATA)
    while first < most and (_is_comment(lines[first]) or _describes(lines[first], delimiter)):
        first += 1
    notes: tuple[Note, ...] = (understood(f"{DELIMITERS.get(delimiter, 'blanks')} between the columns"),)
    units: dict[str, str] = {}
    for line in lines[start + 1 : first]:
        fields = _fields(line, delimiter)
        if not fields[0].lower().startswith("variable ") and any(is_unit(said) for said in fields):
            units |= {name: said for name, said in zip(heading, fields, strict=False) if said}
    if first > start + 1:
        where = f"line {first}" if first == start + 2 else f"lines {start + 2} to {first}"
        but = ", but for units" if units else ""
        notes = (*notes, changed(f"left out{but}: {where}, which says more about the columns"))
    return _Layout(heading, delimiter, first + 1, None, tuple(units.items()), notes)


def _is_comment(line: str) -> bool:
    """Whether a line is none of the table's: a comment, or the ``sep=;`` that spreadsheets write first."""
    return line.lower().startswith("sep=") or line.lstrip().startswith(COMMENTS)


def _refuse_repeated(place: str, heading: tuple[str, ...]) -> None:
    repeated = [name for name in dict.fromkeys(heading) if name and heading.count(name) > 1]
    if repeated:
        raise BadInput(
            [Finding(f"{place}: column {name}", Words("given twice"), "each column once") for name in repeated]
        )


def _describes(line: str, delimiter: str) -> bool:
    """Whether a line after the heading describes the columns, as Vulcan's exports do."""
    fields = [field for field in _fields(line, delimiter) if field]
    if fields and fields[0].lower().startswith("variable "):
        return True
    return len(fields) > 1 and not any(_is_number(field) for field in fields)


def _delimiter(lines: list[str]) -> str:
    """The delimiter that gives the heading and most lines after it the same number of columns, above one."""
    sample = [line for line in lines[:50] if line.strip()]
    best, most = ",", (0, 0)
    for mark in (*DELIMITERS, BLANK):
        counts = [len(_fields(line, mark)) for line in sample]
        alike = sum(count == counts[0] for count in counts)
        score = (alike * (counts[0] > 1), counts[0])
        if score > most and not (mark == BLANK and most[1] > 1):
            best, most = mark, score
    return best


def _columns(place: str, layout: _Layout, body: str) -> dict[str, pa.ChunkedArray]:
    """The columns as text.

    Raises:
        BadInput: with the lines that have more or fewer values than the heading has names.
    """
    names = [name or f"column {n}" for n, name in enumerate(layout.heading, start=1)]
    delimiter, padded = layout.delimiter, list(names)
    if delimiter == BLANK:
        body = "\n".join("\t".join(line.split()) for line in body.rstrip("\n").split("\n"))
        delimiter = "\t"
    elif body.partition("\n")[0].rstrip().endswith(delimiter):
        # A heading without, and rows with, a delimiter at their end.
        padded += [""] * (len(_fields(body.partition("\n")[0], delimiter)) - len(names) == 1)
    bad: list[tuple[int, int]] = []

    def keep(row: pa_csv.InvalidRow) -> str:
        bad.append((row.number or 0, row.actual_columns))
        return "skip"

    try:
        table = pa_csv.read_csv(
            pa.py_buffer(_without_blank_end(body).encode()),
            read_options=pa_csv.ReadOptions(column_names=padded, use_threads=False, block_size=1 << 24),
            parse_options=pa_csv.ParseOptions(
                delimiter=delimiter, invalid_row_handler=keep, ignore_empty_lines=False, newlines_in_values=False
            ),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(padded, pa.string()), strings_can_be_null=False
            ),
        )
    except (pa.ArrowException, ValueError) as error:
        said = str(error).partition("\n")[0][:120]
        raise BadInput([Finding(place, Words(f"unreadable ({said})"), "delimited text with a heading")]) from error
    if bad:
        told = ", ".join(str(line + layout.first - 1) for line, _ in bad[:TOLD_LINES])
        more = f" ({len(bad)} lines in all)" if len(bad) > TOLD_LINES else ""
        where = f"{place}: line{'s' if len(bad) > 1 else ''} {told}{more}"
        between = DELIMITERS.get(layout.delimiter, "blanks")
        expected = f"{len(names)} values with {between} between, as in the heading"
        raise BadInput([Finding(where, Words(f"a row of {bad[0][1]} values"), expected)])
    return {name: table.column(n) for n, name in enumerate(names)}
