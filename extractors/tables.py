"""Tables: which ones hold data, and how those become pipe tables.

A layout table (old pages are built of them) is no table to a reader: its cells are blocks in source order. A data
table becomes one row per line. Merged cells: a rowspan repeats its text in every row it covers, so that each line can
be read alone; a colspan repeats it in header rows only. Grid algorithm: HTML Living Standard 4.9.12.
"""

from __future__ import annotations

from collections.abc import Sequence

from turbohtml import Element

from extractors.code import CodeBlock, marked_blocks
from extractors.layout.hot import Cell
from extractors.layout.tags import MAX_COLUMNS

MAX_GRID_CELLS = 400_000  # a larger grid keeps its cells, without repeating merged ones
MAX_DATA_CELL_CHARS = 600  # longer cells are columns of a page, unless the table has header cells
MAX_MARKED_CELL_CHARS = 4_000
_SECTIONS = "form,article,section,nav,aside,main,blockquote,fieldset"
_TITLES = "h1,h2,h3,h4,h5,h6,hr"
_STRUCTURE = f"{_SECTIONS},{_TITLES}"
_PROSE = "p,ul,ol,dl,pre,figure"
MAX_TITLES = 200
_BOXES = f"{_STRUCTURE},table,p,div,ul,ol,dl,pre,br,li,figure,img"
MAX_LINED_CHARS = 400
_MARKED = "th,thead,caption"
_NESTED_ROWS = ":scope td table tr~tr,:scope td table tbody~tbody,:scope td table table"
_PAIRED = "td+td,th+th,th+td,td+th"


def to_lines(rows: Sequence[Sequence[Cell]]) -> str:
    """One line per row, cells parted by spaces."""
    lines = (" ".join(text for text, _, _, _ in row if text) for row in rows)
    return "\n".join(line for line in lines if line)


def to_pipe(rows: Sequence[Sequence[Cell]]) -> str:
    """Pipe table with a header row; rows and columns without any text are dropped. "" for an empty table.

    `rows`: cells in source order, formulas in them as sentinels.
    """
    lines = [line for line in _lines(rows) if any(line)]
    width = max((len(line) for line in lines), default=0)
    used = [c for c in range(width) if any(c < len(line) and line[c] for line in lines)]
    if not used:
        return ""
    shown = [[line[c].replace("|", "\\|") if c < len(line) else "" for c in used] for line in lines]
    head, *body = [f"| {' | '.join(line)} |" for line in shown]
    return "\n".join([head, f"|{' --- |' * len(used)}", *body])


def _lines(rows: Sequence[Sequence[Cell]]) -> list[list[str]]:
    """Texts by row and column of the grid."""
    if all(columns == 1 == rows_down for row in rows for _, columns, rows_down, _ in row):
        return [[text for text, _, _, _ in row] for row in rows]
    repeat = _grid_size(rows) <= MAX_GRID_CELLS
    hanging: dict[int, tuple[int, str]] = {}  # column -> (rows still to come, text)
    return [_line(row, hanging, repeat) for row in rows]


def _grid_size(rows: Sequence[Sequence[Cell]]) -> int:
    widest = max((sum(columns for _, columns, _, _ in row) for row in rows), default=0)
    hanging = sum(columns for row in rows for _, columns, rows_down, _ in row if rows_down > 1)
    return (widest + min(hanging, MAX_COLUMNS)) * len(rows)


def _line(row: Sequence[Cell], hanging: dict[int, tuple[int, str]], repeat: bool) -> list[str]:
    """Texts of one row by grid column; updates the cells that hang down from rows above."""
    texts: dict[int, str] = {}
    for column in list(hanging):
        left, text = hanging.pop(column)
        texts[column] = text
        if left > 1:
            hanging[column] = (left - 1, text)
    column = 0
    for shown, columns, rows_down, header in row:
        while column in texts:
            column += 1
        for offset in range(columns if repeat and column + columns <= MAX_COLUMNS else 1):
            text = shown if offset == 0 or (header and len(row) > 1) else ""
            texts[column] = text
            if rows_down > 1 and repeat and column < MAX_COLUMNS:
                hanging[column] = (rows_down - 1, text)
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
    if table.select_one(_SECTIONS) is not None:  # it comes early, if at all
        return False
    found = table.select(_TITLES)
    cells = [node.closest("td,th,caption") for node in found[:MAX_TITLES]]
    in_rows = [cell for cell in cells if cell is not None and cell.tag == "td"]
    if len(found) > MAX_TITLES or None in cells:
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
