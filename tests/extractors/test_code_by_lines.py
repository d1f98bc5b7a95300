"""Code that a page marks by its lines alone: `<br>`, hard spaces, inline code line by line, boards' boxes."""

import pytest

from extractors import render

BLOCK = "```\nint main() {\n  return 0;\n}\n```"
LINES = "int main() {<br>&nbsp;&nbsp;return 0;<br>}"


@pytest.mark.parametrize(
    "markup",
    [
        f"<p>{LINES}</p>",
        "<p>int main() {<br>\n&nbsp; return 0;<br>\n}</p>",
        f'<div style="font-family:Courier New">{LINES}</div>',
        f'<font face="Courier New">{LINES}</font>',
        f"<p><tt>{LINES}</tt></p>",
        f"<p><code>{LINES}</code></p>",
        "<p><code>int main() {</code><br><code>&nbsp;&nbsp;return 0;</code><br><code>}</code></p>",
        f'<dl class="codebox"><dt>Code: <a href="#">Select all</a></dt><dd><code>{LINES}</code></dd></dl>',
        '<div class="codebox"><p>Code: Select all</p><pre><code>int main() {\n  return 0;\n}</code></pre></div>',
        '<ol class="code"><li>int main() {</li><li>&nbsp;&nbsp;return 0;</li><li>}</li></ol>',
        '<table><tr><td class="line-num">1</td><td><pre>int main() {</pre></td></tr>'
        '<tr><td class="line-num">2</td><td><pre>  return 0;</pre></td></tr>'
        '<tr><td class="line-num">3</td><td><pre>}</pre></td></tr></table>',
    ],
)
def test_one_block(markup):
    assert render(markup).text == BLOCK


def test_wide_spaces_are_steps():
    page = render("<p>def f(x):<br>&emsp;if x:<br>&emsp;&emsp;return g(x)<br>&ensp;pass;</p>")
    assert page.text == "```\ndef f(x):\n    if x:\n        return g(x)\n  pass;\n```"


def test_verses_are_no_code():
    page = render("<p>I wandered lonely<br>&nbsp;&nbsp;as a cloud<br>&nbsp;&nbsp;that floats on high</p>")
    assert page.text == "I wandered lonely\nas a cloud\nthat floats on high"


def test_inline_code_in_a_sentence_stays_inline():
    assert render("<p>Use <code>a</code><br><code>b</code></p>").text == "Use `a`\n`b`"


def test_posts_of_boards_are_neither_quotes_nor_items():
    page = render(
        '<ol class="posts"><li class="postbitlegacy"><blockquote class="postcontent restore">First [TEX]x^2[/TEX]'
        '</blockquote></li><li class="postbitlegacy"><blockquote class="postcontent">Second'
        "<blockquote>said before</blockquote></blockquote></li></ol>"
    )
    assert page.text == "First $x^2$\n\nSecond\n\n> said before"
