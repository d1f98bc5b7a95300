"""Tables: which ones hold data, and how those become pipe tables.

A layout table (old pages are built of them) is no table to a reader: its cells are blocks in source order. A data
table becomes one row per line. Merged cells: a rowspan repeats its text in every row it covers, so that each line can
be read alone; a colspan repeats it in header rows only. Grid algorithm: HTML Living Standard 4.9.12.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from turbohtml import Element

from extractors.code import CodeBlock, marked_blocks

MAX_COLUMNS = 1000  # as the HTML standard clamps colspan
MAX_ROWSPAN = 65_534
MAX_GRID_CELLS = 400_000  # a larger grid keeps its cells, without repeating merged ones
MAX_DATA_CELL_CHARS = 600  # longer cells are columns of a page, unless the table has header cells
MAX_MARKED_CELL_CHARS = 4_000
_STRUCTURE = "form,h1,h2,h3,h4,h5,h6,article,section,nav,aside,main,blockquote,fieldset,hr"
_TITLES = frozenset(("h1", "h2", "h3", "h4", "h5", "h6", "hr"))
_PROSE = "p,ul,ol,dl,pre,figure"
MAX_TITLES = 200
_BOXES = f"{_STRUCTURE},table,p,div,ul,ol,dl,pre,br,li,figure,img"
MAX_LINED_CHARS = 400
_MARKED = "th,thead,caption"
_NESTED_ROWS = ":scope td table tr~tr,:scope td table tbody~tbody,:scope td table table"
_PAIRED = "td+td,th+th,th+td,td+th"


@dataclass(slots=True)
class Cell:
    """A cell's laid-out text (formulas as sentinels) and how many grid columns and rows it covers."""

    text: str
    columns: int
    rows: int
    header: bool


@dataclass(slots=True)
class Grid:
    """Cells of one data table, row by row in source order; `link_chars` counts text inside links."""

    rows: list[list[Cell]] = field(default_factory=list)
    link_chars: int = 0
    lined: bool = False  # no data: each row is a line of text

    def new_row(self) -> None:
        self.rows.append([])

    def add(self, cell: Cell) -> None:
        if not self.rows:
            self.new_row()
        self.rows[-1].append(cell)

    def to_lines(self) -> str:
        """One line per row, cells parted by spaces."""
        lines = (" ".join(cell.text for cell in row if cell.text) for row in self.rows)
        return "\n".join(line for line in lines if line)

    def to_pipe(self) -> str:
        """Pipe table with a header row; rows and columns without any text are dropped. "" for an empty table."""
        lines = [line for line in self._lines() if any(line)]
        width = max((len(line) for line in lines), default=0)
        used = [c for c in range(width) if any(c < len(line) and line[c] for line in lines)]
        if not used:
            return ""
        shown = [[line[c].replace("|", "\\|") if c < len(line) else "" for c in used] for line in lines]
        head, *body = [f"| {' | '.join(line)} |" for line in shown]
        return "\n".join([head, f"|{' --- |' * len(used)}", *body])

    def _lines(self) -> list[list[str]]:
        repeat = self._grid_size() <= MAX_GRID_CELLS
        lines: list[list[str]] = []
        hanging: dict[int, tuple[int, str]] = {}  # column -> (rows still to come, text)
        for row in self.rows:
            lines.append(_line(row, hanging, repeat))
        return lines

    def _grid_size(self) -> int:
        widest = max((sum(cell.columns for cell in row) for row in self.rows), default=0)
        hanging = sum(cell.columns for row in self.rows for cell in row if cell.rows > 1)
        return (widest + min(hanging, MAX_COLUMNS)) * len(self.rows)


def _line(row: list[Cell], hanging: dict[int, tuple[int, str]], repeat: bool) -> list[str]:
    """Texts of one row by grid column; updates the cells that hang down from rows above."""
    texts: dict[int, str] = {}
    for column in list(hanging):
        left, text = hanging.pop(column)
        texts[column] = text
        if left > 1:
            hanging[column] = (left - 1, text)
    column = 0
    for cell in row:
        while column in texts:
            column += 1
        for offset in range(cell.columns if repeat and column + cell.columns <= MAX_COLUMNS else 1):
            text = cell.text if offset == 0 or (cell.header and len(row) > 1) else ""
            texts[column] = text
            if cell.rows > 1 and repeat and column < MAX_COLUMNS:
                hanging[column] = (cell.rows - 1, text)
            column += 1
    return [texts.get(c, "") for c in range(max(texts, default=-1) + 1)]


def is_data_table(table: Element, code_blocks: Sequence[CodeBlock]) -> bool:
    """Whether a table holds data. Cheap signs first, all in C but the cell lengths.

    Headings, forms, code of several lines or tables of several rows inside mean layout: no pipe cell can hold them. A
    heading that only is the title of a data table is moved in front of it.
    """
    if table.attr("role") in ("presentation", "none"):
        return False
    titled = table.select_one(_STRUCTURE) is not None
    if titled and not _titles_only(table):
        return False
    if table.select_one(_PAIRED) is None:
        return False
    marked = table.select_one(_MARKED) is not None
    if not marked and table.select_one("tr~tr,tbody~tbody") is None:
        return False
    if table.find("table") is not None and (not marked or table.select_one(_NESTED_ROWS) is not None):
        return False
    if any("\n" in block.text for block in marked_blocks(table, code_blocks)):
        return False
    limit = MAX_MARKED_CELL_CHARS if marked else MAX_DATA_CELL_CHARS
    holds_data = all(len(cell.text) <= limit for cell in table.iter_elements(("td", "th")))
    if titled and holds_data:
        _set_title_apart(table)
    return holds_data


def _titles_only(table: Element) -> bool:
    """Whether headings and rules inside only give titles: in header cells, or alone in their rows."""
    found = table.select(_STRUCTURE)
    cells = [node.closest("td,th,caption") for node in found[:MAX_TITLES]]
    in_rows = [cell for cell in cells if cell is not None and cell.tag == "td"]
    if len(found) > MAX_TITLES or any(node.tag not in _TITLES for node in found) or None in cells:
        return False
    return not in_rows or (table.select_one(_PROSE) is None and all(_is_alone(cell) for cell in in_rows))


def _is_alone(cell: Element) -> bool:
    return cell.parent is not None and sum(isinstance(kid, Element) for kid in cell.parent.children) == 1


def _set_title_apart(table: Element) -> None:
    """Put a heading that is a data table's whole first row in front of the table; drop rows that only hold a rule."""
    for rule in table.select("hr")[:MAX_TITLES]:
        cell = rule.closest("td,th")
        row = cell.parent if cell is not None and not cell.text.strip() and _is_alone(cell) else None
        if isinstance(row, Element):
            row.decompose()
    row = table.select_one("tr")
    heading = row.select_one("h1,h2,h3,h4,h5,h6") if row is not None else None
    if row is not None and heading is not None and heading.text.strip() == row.text.strip():
        table.insert_before(heading)
        row.decompose()


def is_lined_table(table: Element) -> bool:
    """Whether a table that holds no data is lines of text in boxes: a signature, a row of labels, "name: value"."""
    return table.select_one(_BOXES) is None and len(table.text) <= MAX_LINED_CHARS  # a box comes early, if at all


def span(value: str | None, limit: int) -> int:
    """colspan or rowspan as the standard reads it: digits, at least 1, clamped."""
    if value is None:
        return 1
    value = value.strip()
    return max(1, min(int(value), limit)) if value.isascii() and value.isdigit() and len(value) < 9 else 1
