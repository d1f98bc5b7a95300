"""Formulas side by side: their dollars must not run together, neither on the page nor in the text."""

from extractors.render import render


def formulas(html: str) -> list[str]:
    page = render(html)
    return [page.text[start:end] for start, end in zip(page.formulas.start, page.formulas.end, strict=True)]


def test_adjacent_elements_are_written_with_a_space_between():
    page = render("<p>a <math><mi>x</mi></math><math><mi>y</mi></math>$5 US$<math><mi>z</mi></math></p>")
    assert page.text == "a $x$ $y$ $5 US$ $z$"
    assert formulas("<p>a <math><mi>x</mi></math><math><mi>y</mi></math></p>") == ["$x$", "$y$"]


def test_double_dollars_between_single_ones_close_and_open():
    assert formulas(r"<p>a strain of $\delta L \over L$$=10^{-21}$.</p>") == [r"$\delta L \over L$", "$=10^{-21}$"]


def test_display_formulas_between_prices_stay_whole():
    assert formulas("<p>costs $5 and $$x=1$$ and $y_1$ done</p>") == ["$$x=1$$", "$y_1$"]


def test_bars_in_the_formulas_of_a_pipe_table_do_not_end_cells():
    rows = r"<tr><th>A</th><th>B</th></tr><tr><td>\(P(a|b)\)</td><td>\(\|x\|_2\)</td></tr>"
    assert render(f"<table>{rows}</table>").text.split("\n")[2] == r"| $P(a\vert b)$ | $\Vert x\Vert_2$ |"
    assert render(r"<p>\(P(a|b)\)</p>").text == "$P(a|b)$"
