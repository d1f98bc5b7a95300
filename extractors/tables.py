"""Tables: which ones hold data; `extractors.layout.hot.tables` writes those as pipe tables.

A layout table (old pages are built of them) is no table to a reader: its cells are blocks in source order. A data
table becomes one row per line.
"""

from __future__ import annotations

from collections.abc import Sequence

from turbohtml import Element

from extractors.code import CodeBlock, holds, marked_blocks

MAX_DATA_CELL_CHARS = 600  # longer cells are columns of a page, unless the table has header cells
MAX_MARKED_CELL_CHARS = 4_000
_SECTIONS = ("form", "article", "section", "nav", "aside", "main", "blockquote", "fieldset")
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_TITLES = (*_HEADINGS, "hr")
_STRUCTURE = (*_SECTIONS, *_TITLES)
_PROSE = ("p", "ul", "ol", "dl", "pre", "figure")
MAX_TITLES = 200
_BOXES = (*_STRUCTURE, *_PROSE, "table", "div", "br", "li", "img")
MAX_LINED_CHARS = 400
_CELLS = ("td", "th")
_CELLS_ALONE = ":not(tr)>td,:not(tr)>th"
_MARKED = ("th", "thead", "caption")
_NESTED_ROWS = ":scope td table tr~tr,:scope td table tbody~tbody,:scope td table table"
_PAIRED = "td+td,th+th,th+td,td+th"


def is_data_table(table: Element, code_blocks: Sequence[CodeBlock]) -> bool:
    """Whether a table holds data. Cheap signs first, all in C but the cell lengths.

    `code_blocks`: those of the page, or () where none has several lines.
    Headings, forms, code of several lines or tables of several rows inside mean layout: no pipe cell can hold them. A
    heading that only is the title of a data table is moved in front of it.
    """
    if table.attr("role") in ("presentation", "none"):
        return False
    titled = holds(table, _STRUCTURE)
    if titled and not _titles_only(table):
        return False
    if table.select_one(_PAIRED) is None:
        return False
    marked = holds(table, _MARKED)
    if not marked and table.select_one("tr~tr,tbody~tbody") is None:
        return False
    if holds(table, "table") and (not marked or table.select_one(_NESTED_ROWS) is not None):
        return False
    if code_blocks and any("\n" in block.text for block in marked_blocks(table, code_blocks)):
        return False
    holds_data = _cells_are_short(table, MAX_MARKED_CELL_CHARS if marked else MAX_DATA_CELL_CHARS)
    if titled and holds_data:
        _set_title_apart(table)
    return holds_data


def _cells_are_short(table: Element, limit: int) -> bool:
    """Whether no cell has more characters than `limit`; what holds cells is looked at first."""
    if len(table.text) <= limit:
        return True
    if table.select_one(_CELLS_ALONE) is not None:
        return all(len(cell.text) <= limit for cell in table.iter_elements(_CELLS))
    long_rows = (row for row in table.iter_elements("tr") if len(row.text) > limit)
    return all(len(cell.text) <= limit for row in long_rows for cell in row.iter_elements(_CELLS))


def _titles_only(table: Element) -> bool:
    """Whether headings and rules inside only give titles: in header cells, or alone in their rows."""
    if holds(table, _SECTIONS):  # it comes early, if at all
        return False
    found = list(table.iter_elements(_TITLES))
    cells = [node.closest("td,th,caption") for node in found[:MAX_TITLES]]
    in_rows = [cell for cell in cells if cell is not None and cell.tag == "td"]
    if len(found) > MAX_TITLES or None in cells:
        return False
    return not in_rows or (not holds(table, _PROSE) and all(_is_alone(cell) for cell in in_rows))


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
    heading = next(row.iter_elements(_HEADINGS), None) if row is not None else None
    if row is not None and heading is not None and heading.text.strip() == row.text.strip():
        table.insert_before(heading)
        row.decompose()


def is_lined_table(table: Element) -> bool:
    """Whether a table that holds no data is lines of text in boxes: a signature, a row of labels, "name: value"."""
    return not holds(table, _BOXES) and len(table.text) <= MAX_LINED_CHARS  # a box comes early, if at all
