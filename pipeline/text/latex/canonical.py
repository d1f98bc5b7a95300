"""One spelling per formula, so that dedup, guard and decontamination compare formulas, not habits of typing.

What changes appearance only is dropped (spaces, sizes, styles, `\\left`, colours, labels); synonyms become one name;
braces stand around every argument and nowhere else; scripts come in the order sub, sup; every table is a `matrix`. A
sign, an index, a letter's alphabet stay. The walk is linear; nesting is kept on an explicit stack.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from pipeline.text.latex import names
from pipeline.text.latex.lex import tokens
from pipeline.text.latex.symbols import FUNCTIONS, INVISIBLE, LATEX_OF, LETTER_OF

_MAX_BARE_ARGUMENTS = 50  # `\\hat\\hat\\hat x`: arguments without braces nest on Python's stack
_MAX_DEPTH = 400  # braces beyond it are read flat
_LENGTH = re.compile(r"-?[\d.]+[a-z]{2}|-?[\d.]*\\[a-z]{5,}")
_PLAIN = frozenset(map(chr, range(0x21, 0x7F))) - {"{", "}", "."} - names.SYNONYMS.keys()  # canonical as they are


@dataclass(slots=True)
class _Group:
    """A closed group: its atoms, each with its scripts."""

    atoms: list[str]


_Item = str | _Group


@dataclass(slots=True)
class _Frame:
    opener: str
    items: list[_Item] = field(default_factory=list)


def canonical(tex: str) -> str:
    """Canonical spelling of one formula; any input gives some string, equal formulas an equal one."""
    frames = [_Frame("")]
    before = ""
    for part in tokens(tex):
        if part in _PLAIN:
            frames[-1].items.append(part)
        elif part == "{" or part.startswith("\\begin{"):
            if len(frames) <= _MAX_DEPTH:
                frames.append(_Frame(part))
        elif part == "}" or part.startswith("\\end{"):
            if len(frames) > 1:
                _close(frames)
        elif part != "." or before not in ("\\left", "\\right", "\\middle"):
            frames[-1].items.extend(_translated(part))
        before = part
    while len(frames) > 1:
        _close(frames)
    return _joined(_atoms(frames[0].items))


def _close(frames: list[_Frame]) -> None:
    frame = frames.pop()
    if frame.opener == "{":
        frames[-1].items.append(_Group(_atoms(frame.items)))
        return
    frames[-1].items.extend(_environment(frame))


def _environment(frame: _Frame) -> list[_Item]:
    name = frame.opener[7:-1].rstrip("*")
    items = _without_arguments(frame.items) if name in names.WITH_ARGUMENT else frame.items
    if name in names.PLAIN_ENVIRONMENTS:
        return list(_atoms(items))
    body = _joined(_atoms(items))
    while body.endswith("\\\\"):
        body = body[:-2].rstrip()
    table = f"\\begin{{matrix}}{body}\\end{{matrix}}"
    if name not in names.FENCED_ENVIRONMENTS:
        return [table]
    left, right = names.FENCED_ENVIRONMENTS[name]
    return [
        _Group([left]),
        table,
        *([right] if right else ()),
    ]  # as a group a bracket is no option of what stands before it


def _without_arguments(items: list[_Item]) -> list[_Item]:
    """`array`'s position and columns, `alignat`'s count."""
    start = 0
    if items and items[0] == "[" and "]" in items[:6]:
        start = items.index("]") + 1
    return items[start + 1 :] if start < len(items) and isinstance(items[start], _Group) else items[start:]


def _translated(token: str) -> list[_Item]:
    """One token in its canonical name; Unicode letters and symbols as LaTeX."""
    if token in names.SYNONYMS:
        return list(names.SYNONYMS[token])
    if token.isascii():
        return [token]
    if token in INVISIBLE or not token.isprintable():
        return []
    if token in LATEX_OF:
        return [part for name in tokens(LATEX_OF[token]) for part in names.SYNONYMS.get(name, (name,))]
    if token in LETTER_OF:
        letter, variant = LETTER_OF[token]
        wrapper = names.ALPHABETS.get(variant)
        plain = LATEX_OF.get(letter, letter)
        return [wrapper, _Group([plain])] if wrapper else [plain]
    return [token]


def _atoms(items: list[_Item]) -> list[str]:
    """Canonical atoms of one group: infix fractions, font switches, commands with arguments, scripts."""
    for index, item in enumerate(items):
        if item.__class__ is str and item in names.INFIX:
            parts = (_joined(_atoms(items[:index])), _joined(_plain_atoms(items[index + 1 :])))
            return [names.INFIX[item] % parts]
    return _plain_atoms(items)


def _plain_atoms(items: list[_Item]) -> list[str]:
    reader = _Reader(items)
    size = len(items)
    while reader.position < size:
        item = items[reader.position]
        if item.__class__ is str and item not in _SPECIAL:
            reader.atoms.append(item)  # most are: `step` is for the others
            reader.position += 1
        else:
            reader.step()
    reader.switch("")
    return reader.atoms


@dataclass(slots=True)
class _Reader:
    """Reads one group's items left to right into atoms."""

    items: list[_Item]
    position: int = 0
    atoms: list[str] = field(default_factory=list)
    depth: int = 0
    wrapper: str = ""
    wrapped_from: int = 0

    def peek(self) -> _Item | None:
        return self.items[self.position] if self.position < len(self.items) else None

    def step(self) -> None:
        item = self.items[self.position]
        self.position += 1
        if isinstance(item, _Group):
            scripted = self.peek() in ("^", "_", "'")
            self.atoms.extend(item.atoms if not scripted or len(item.atoms) == 1 else [f"{{{_joined(item.atoms)}}}"])
            if scripted and not item.atoms:
                self.atoms.append("{}")
        elif item in ("^", "_", "'"):
            self.position -= 1
            self.scripts()
        elif item in names.SWITCHES:
            self.switch(names.SWITCHES[item])
        elif item in names.DROPPED_WITH_ARGUMENTS:
            for _ in range(names.DROPPED_WITH_ARGUMENTS[item]):
                self.argument()
        elif item in _COMMANDS:
            self.atoms.extend(_COMMANDS[item](self, item))
        else:
            self.atoms.append(item)

    def argument(self) -> list[str]:
        """The next group, or the next single item, as atoms."""
        item = self.peek()
        self.position += 1
        if item is None:
            return []
        if isinstance(item, _Group):
            return item.atoms
        if item not in _COMMANDS or self.depth > _MAX_BARE_ARGUMENTS:
            return [item]
        self.depth += 1
        atoms = _COMMANDS[item](self, item)
        self.depth -= 1
        return atoms

    def optional(self) -> list[str]:
        """An argument in brackets, [] where there is none."""
        if self.peek() != "[":
            return []
        end = next(
            (i for i in range(self.position, min(len(self.items), self.position + 60)) if self.items[i] == "]"), -1
        )
        if end < 0:
            return []
        inner = self.items[self.position + 1 : end]
        self.position = end + 1
        return _plain_atoms(inner)

    def switch(self, wrapper: str) -> None:
        """`\\rm` and its kin hold to the next of them or to the end of the group."""
        if self.wrapper:
            self.atoms[self.wrapped_from :] = _wrapped(self.wrapper, self.atoms[self.wrapped_from :])
        self.wrapper, self.wrapped_from = wrapper, len(self.atoms)

    def scripts(self) -> None:
        sub: list[str] = []
        sup: list[str] = []
        while (mark := self.peek()) in ("^", "_", "'"):
            self.position += 1
            if mark == "'":
                sup.append("\\prime")
            elif mark == "^":
                sup.extend(self.argument())
            else:
                sub.extend(self.argument())
        base = self.atoms.pop() if self.atoms else "{}"
        below = f"_{{{_joined(sub)}}}" if sub else ""
        above = f"^{{{_joined(sup)}}}" if sup else ""
        self.atoms.append(base + below + above)


def _joined(atoms: list[str]) -> str:
    joined = "".join(atoms)
    if "\\" not in joined:
        return joined
    out: list[str] = []
    for atom in atoms:
        if out and atom[:1].isalpha() and out[-1][-1:].isalpha() and "\\" in out[-1] and _is_command_tail(out[-1]):
            out.append(" ")
        out.append(atom)
    return "".join(out)


def _is_command_tail(tex: str) -> bool:
    return tex[tex.rfind("\\") + 1 :].isalpha()


def _wrapped(wrapper: str, atoms: list[str]) -> list[str]:
    """An alphabet command over each letter, so that `\\mathbf{xy}` and `\\mathbf{x}\\mathbf{y}` agree."""
    if wrapper == "\\mathrm":
        word = "".join(atoms)
        if word in FUNCTIONS:
            return [f"\\{word}"]
    return [
        f"{wrapper}{{{atom}}}" if atom.isalnum() or (atom[:1] == "\\" and atom[1:].isalpha()) else atom
        for atom in atoms
    ]


def _alphabet(reader: _Reader, command: str) -> list[str]:
    return _wrapped(command, reader.argument())


def _operator(reader: _Reader, _command: str) -> list[str]:
    return _wrapped("\\mathrm", reader.argument())


def _unwrapped(reader: _Reader, _command: str) -> list[str]:
    return reader.argument()


def _coloured(reader: _Reader, _command: str) -> list[str]:
    reader.argument()
    return reader.argument()


def _fixed(count: int) -> Callable[[_Reader, str], list[str]]:
    def read(reader: _Reader, command: str) -> list[str]:
        return [command + "".join(f"{{{_joined(reader.argument())}}}" for _ in range(count))]

    return read


def _root(reader: _Reader, command: str) -> list[str]:
    index = reader.optional()
    return [command + (f"[{_joined(index)}]" if index else "") + f"{{{_joined(reader.argument())}}}"]


def _binomial(reader: _Reader, _command: str) -> list[str]:
    top, bottom = reader.argument(), reader.argument()
    return ["(", f"\\atop{{{_joined(top)}}}{{{_joined(bottom)}}}", ")"]


def _general_fraction(reader: _Reader, _command: str) -> list[str]:
    left, right, thickness, _style = (reader.argument() for _ in range(4))
    name = "\\atop" if "".join(thickness).startswith("0") else "\\frac"
    fraction = f"{name}{{{_joined(reader.argument())}}}{{{_joined(reader.argument())}}}"
    return [*left, fraction, *right]


def _arrow(reader: _Reader, command: str) -> list[str]:
    under = reader.optional()
    return [f"{command}[{_joined(under)}]{{{_joined(reader.argument())}}}"]


def _row_end(reader: _Reader, command: str) -> list[str]:
    """`\\\\[2pt]` is a space; `\\\\[0,1]` is an interval in the next row."""
    before = reader.position
    if reader.peek() == "[" and not _LENGTH.fullmatch("".join(reader.optional())):
        reader.position = before
    return [command]


_COMMANDS: dict[str, Callable[[_Reader, str], list[str]]] = {
    **dict.fromkeys(names.ONE_ARGUMENT, _fixed(1)),
    **dict.fromkeys(names.TWO_ARGUMENTS, _fixed(2)),
    **dict.fromkeys(names.ALPHABET_COMMANDS, _alphabet),
    **dict.fromkeys(names.TRANSPARENT, _unwrapped),
    **dict.fromkeys(names.ARROWS, _arrow),
    "\\operatorname": _operator,
    "\\textcolor": _coloured,
    "\\colorbox": _coloured,
    "\\sqrt": _root,
    "\\binom": _binomial,
    "\\genfrac": _general_fraction,
    "\\\\": _row_end,
}
_SPECIAL = frozenset({"^", "_", "'"} | names.SWITCHES.keys() | names.DROPPED_WITH_ARGUMENTS.keys() | _COMMANDS.keys())
