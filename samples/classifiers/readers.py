"""Source files into Markdown-like text with `$…$` formulas and fenced code, so that one parser labels all of them.

These are rough on purpose: a training page needs words in their order, not a faithful rendering. Everything is linear.
"""

from __future__ import annotations

import ast
import csv
import io
import json
import re
import tarfile
import textwrap
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from lxml import etree

from extractors import RenderRejected, html_to_text

FENCE = "```"
CONLLU_SENTENCES = 14  # sentences of a treebank make one page where it marks no documents
_TEX_MATH = re.compile(
    r"\\begin\{(equation|align|gather|multline|eqnarray|displaymath|array)(\*?)\}(.*?)\\end\{\1\2\}", re.DOTALL
)
_TEX_CODE = re.compile(r"\\begin\{(lstlisting|verbatim|minted|pyverbatim)\}(.*?)\\end\{\1\}", re.DOTALL)
_TEX_HEAD = re.compile(r"\\(?:chapter|section|subsection|frametitle)\*?(?:\[[^\]\n]*\])?\{([^}\n]*)\}")
_TEX_COMMAND = re.compile(
    r"\\(?:begin|end|label|ref|eqref|cite|index|input|includegraphics|usepackage)\*?(?:\[[^\]\n]*\])?\{[^}\n]*\}"
)
_TEX_COMMENT = re.compile(r"(?<!\\)%[^\n]*")


def markdown(text: str) -> Iterator[str]:
    """Markdown, Quarto and MyST: front matter and comments off, MyST math fences as display formulas."""
    text = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r"```\{math\}\n(?::label:[^\n]*\n)?(.*?)```", r"$$\1$$", text, flags=re.DOTALL)
    text = re.sub(r"!?\[([^\]\n]*)\]\([^)\n]*\)", r"\1", text)
    text = re.sub(r"\{[{%][^}\n]*[}%]\}|</?[a-zA-Z][^>\n]{0,200}>|\{ref\}|\{doc\}|\{cite[^}\n]*\}", " ", text)
    yield _brackets(text)


def _brackets(text: str) -> str:
    """`\\(…\\)`, `\\[…\\]` and bare LaTeX environments as dollars."""
    text = re.sub(r"\\\\?\((.{1,400}?)\\\\?\)", r"$\1$", text)
    text = re.sub(r"\\\\?\[(.{1,2000}?)\\\\?\]", r"$$\1$$", text, flags=re.DOTALL)
    return _TEX_MATH.sub(lambda found: f"\n$${found[3]}$$\n", text)


def rst(text: str) -> Iterator[str]:
    """reStructuredText: math roles and directives as formulas, literal blocks and doctests as fenced code."""
    text = re.sub(r":math:`([^`]*)`", r"$\1$", text)
    text = re.sub(r":[a-z:+-]+:`~?([^`<]*?)(?:\s*<[^`]*>)?`", r"\1", text)
    lines, at = text.split("\n"), 0
    out: list[str] = []
    while at < len(lines):
        line = lines[at]
        end = _indented_until(lines, at)
        body = textwrap.dedent("\n".join(lines[at + 1 : end])).strip()
        if re.match(r"\s*\.\. math::", line):
            out.append("$$" + line.split("::", 1)[1] + " " + re.sub(r"^:\w+:.*$", "", body, flags=re.MULTILINE) + "$$")
            at = end
        elif re.match(r"\s*\.\. (?:code|code-block|sourcecode|ipython|plot|testcode|doctest|prompt)::", line):
            out += [FENCE, body, FENCE]
            at = end
        elif re.match(r"\s*\.\. ", line) or re.match(r"^[=\-~^*#\"'`+]{3,}\s*$", line):
            at += 1
        elif line.rstrip().endswith("::") and body:
            out += [line.rstrip()[:-1], FENCE, body, FENCE]
            at = end
        else:
            out.append(line)
            at += 1
    yield _fence_doctests("\n".join(out))


def _indented_until(lines: list[str], at: int) -> int:
    """The line after the block indented more than line `at`."""
    depth = len(lines[at]) - len(lines[at].lstrip())
    end = at + 1
    while end < len(lines) and (not lines[end].strip() or len(lines[end]) - len(lines[end].lstrip()) > depth):
        end += 1
    return end


def _fence_doctests(text: str) -> str:
    out, inside = [], False
    for line in text.split("\n"):
        prompt = line.lstrip().startswith((">>>", "..."))
        if prompt and not inside:
            out.append(FENCE)
        if inside and not prompt and not line.strip():
            out.append(FENCE)
        inside = prompt or (inside and bool(line.strip()))
        out.append(line.strip().removeprefix(">>> ").removeprefix("... ") if prompt else line)
    return "\n".join([*out, FENCE] if inside else out)


def latex(text: str) -> Iterator[str]:
    """LaTeX sources: environments as formulas, listings as code, other commands off."""
    text = _TEX_COMMENT.sub("", text)
    text = text.split(r"\begin{document}", 1)[-1]
    text = _TEX_CODE.sub(lambda found: f"\n{FENCE}\n{found[2]}\n{FENCE}\n", text)
    text = _brackets(text)
    text = _TEX_HEAD.sub(r"\n# \1\n", text)
    parts = re.split(r"(\$\$.*?\$\$|\$[^$\n]{1,600}\$|```.*?```)", text, flags=re.DOTALL)
    yield "".join(part if i % 2 else _plain_tex(part) for i, part in enumerate(parts))


def _plain_tex(text: str) -> str:
    text = _TEX_COMMAND.sub(" ", text)
    text = re.sub(r"\\(?:emph|text\w+|vocab|defn|keyword|footnote)\{", "{", text)
    return re.sub(r"\\[a-zA-Z]+\*?|[{}~]|\\.", " ", text)


def notebook(text: str) -> Iterator[str]:
    """Jupyter: Markdown cells and fenced code cells."""
    try:
        cells = json.loads(text).get("cells", [])
    except json.JSONDecodeError:  # notebooks of exercises are cut off here and there
        return
    parts = []
    for cell in cells:
        source = "".join(cell.get("source", []))
        parts += [next(markdown(source))] if cell.get("cell_type") == "markdown" else [FENCE, source, FENCE]
    yield "\n\n".join(parts)


def html(text: str) -> Iterator[str]:
    """A whole web page as warcmill lays it out, menus and all."""
    try:
        yield html_to_text(text.encode())
    except RenderRejected:
        return


def docstrings(text: str) -> Iterator[str]:
    """The docstrings of a Python file one after another, as a module's reference page shows them."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return
    parts = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and (doc := ast.get_docstring(node)):
            parts.append(f"{getattr(node, 'name', '')}\n\n" + next(rst(doc)))
    yield "\n\n".join(parts)


def julia(text: str) -> Iterator[str]:
    """Docstrings of Julia: Markdown between triple quotes, ``…`` for formulas."""
    docs = re.findall(r'"""\n(.*?)"""', text, flags=re.DOTALL)
    yield _brackets(
        re.sub(
            r"(?<!`)``([^`\n]+)``(?!`)",
            r"$\1$",
            re.sub(r"```math\n(.*?)```", r"$$\1$$", "\n\n".join(docs), flags=re.DOTALL),
        )
    )


def doxygen(text: str) -> Iterator[str]:
    """Comments of C++ headers with \\f$ formulas and @code blocks."""
    blocks = re.findall(r"/\*\*(.*?)\*/", text, flags=re.DOTALL)
    joined = "\n\n".join(re.sub(r"^\s*\* ?", "", block, flags=re.MULTILINE) for block in blocks)
    joined = re.sub(r"\\f\$(.*?)\\f\$", r"$\1$", joined, flags=re.DOTALL)
    joined = re.sub(r"\\f\[(.*?)\\f\]", r"$$\1$$", joined, flags=re.DOTALL)
    joined = re.sub(
        r"[@\\](?:code|verbatim)(?:\{\.\w+\})?(.*?)[@\\]end(?:code|verbatim)",
        rf"\n{FENCE}\1\n{FENCE}\n",
        joined,
        flags=re.DOTALL,
    )
    yield re.sub(r"[@\\](?:param|return|brief|note|ref|ingroup|cite|p|see|author|date|name|file)\b", " ", joined)


def cnxml(text: str) -> Iterator[str]:
    """OpenStax modules: MathML as a bare dollar formula of its letters."""
    root = etree.fromstring(text.encode(), etree.XMLParser(recover=True, huge_tree=False, resolve_entities=False))
    if root is None:
        return
    for math in root.iter("{http://www.w3.org/1998/Math/MathML}math"):
        letters = " ".join("".join(math.itertext()).split())
        for child in list(math):
            math.remove(child)
        math.text = f" ${letters}$ "
    paragraphs = root.iter("{*}para", "{*}title", "{*}item")
    yield "\n\n".join(" ".join("".join(node.itertext()).split()) for node in paragraphs)


def pretext(text: str) -> Iterator[str]:
    """PreTeXt books: <m>, <me>, <md> and their kin as formulas, <program> and <sage> as fenced code."""
    text = re.sub(r"<(m|me|men|md|mdn)\b[^>]{0,200}>(.*?)</\1>", r" $$\2$$ ", text, flags=re.DOTALL)
    text = re.sub(
        r"<(program|sage|console)\b[^>]{0,200}>(.*?)</\1>", rf"\n{FENCE}\n\2\n{FENCE}\n", text, flags=re.DOTALL
    )
    yield re.sub(r"<[^>]{1,400}>", " ", text)


def asciidoc(text: str) -> Iterator[str]:
    """AsciiDoc: listings between ---- lines as fenced code, attributes and macros off."""
    text = re.sub(
        r"^(?:----+|\.\.\.\.+)\n(.*?)^(?:----+|\.\.\.\.+)$",
        rf"{FENCE}\n\1{FENCE}",
        text,
        flags=re.DOTALL | re.MULTILINE,
    )
    text = re.sub(r"^(?::[\w-]+:.*|\[[^\]\n]*\]|\+|//.*)$", "", text, flags=re.MULTILINE)
    yield re.sub(r"(?:link:|<<|xref:|https?://)[^\[\]\s>]*[\[,]([^\]>\n]*)(?:\]|>>)", r"\1", text)


def conllu(text: str) -> Iterator[str]:
    """Treebank sentences, by document where documents are marked, else CONLLU_SENTENCES at a time."""
    marked, page = "# newdoc" in text, list[str]()
    for line in text.split("\n"):
        full = len(page) >= (3 * CONLLU_SENTENCES if marked else CONLLU_SENTENCES)
        if full or (line.startswith("# newdoc") and len(page) >= 4):
            yield " ".join(page)
            page = []
        if line.startswith("# text = "):
            page.append(line.removeprefix("# text = "))
    if len(page) >= 4:
        yield " ".join(page)


def news_csv(text: str) -> Iterator[str]:
    """10kGNAD: `label;'text'` a line."""
    for row in csv.reader(io.StringIO(text), delimiter=";", quotechar="'"):
        yield row[-1]


def plain(text: str) -> Iterator[str]:
    yield text


READERS: dict[str, Callable[[str], Iterator[str]]] = {
    "markdown": markdown, "rst": rst, "latex": latex, "notebook": notebook, "html": html, "docstrings": docstrings,
    "julia": julia, "doxygen": doxygen, "cnxml": cnxml, "conllu": conllu, "csv": news_csv, "plain": plain,
    "pretext": pretext, "asciidoc": asciidoc,
}  # fmt: skip


def members(path: Path) -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of a file, or of the text files inside a zip or tar archive."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            for name in sorted(archive.namelist()):
                if not name.endswith("/"):
                    yield f"{path.name}/{name}", archive.read(name)
    elif path.name.endswith(".tar.gz"):
        with tarfile.open(path) as tar:
            for entry in tar:
                if entry.isfile() and (handle := tar.extractfile(entry)):
                    yield f"{path.name}/{entry.name}", handle.read()
    else:
        yield path.name, path.read_bytes()
