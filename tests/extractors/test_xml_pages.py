"""XHTML and feeds through the one renderer (extractors/xml_pages.py)."""

import time

import pytest

from extractors import RenderRejected, render
from extractors.xml_pages import MAX_ENTRIES, feed_to_html, xhtml_to_html

XHTML = b"""<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE html [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;"> ]>
<h:html xmlns:h="http://www.w3.org/1999/xhtml" xmlns:m="http://www.w3.org/1998/Math/MathML">
<h:head><h:title/><h:script src="x.js"/></h:head>
<h:body><h:p>Half <m:math><m:mfrac><m:mn>1</m:mn><m:mi>n</m:mi></m:mfrac></m:math> of
<![CDATA[a < b & c]]> stays.</h:p><h:div/><h:p>Last words.</h:p></h:body></h:html>"""


def test_prefixes_empty_elements_and_cdata():
    # as HTML, <h:script/> swallows the page and the CDATA section is a comment
    page = render(XHTML, content_type="application/xhtml+xml")
    assert page.text == "Half $\\frac{1}{n}$ of a < b & c stays.\n\nLast words."
    assert page.formulas.source_form == ["mathml"]


def test_scripts_keep_what_xml_escapes():
    page = xhtml_to_html('<html><script type="math/tex">a &lt; b</script><script><![CDATA[c<d]]></script><br/></html>')
    assert page == '<html><script type="math/tex">a < b</script><script>c<d</script><br/></html>'


def test_html_that_reads_alike_is_left_alone():
    page = "<html><p class='a'>x<br>y</p></html>"
    assert xhtml_to_html(page) is page


def test_entities_of_the_page_are_not_expanded():
    text = render(XHTML.replace(b"Last words", b"&b; words"), content_type="application/xhtml+xml").text
    assert text.endswith("&b; words.")


RSS = b"""<?xml version="1.0"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>
<title>News &amp;amp; notes</title><link>http://example.org/</link><description>about</description>
<item><title>One &lt;i&gt;x&lt;/i&gt;</title><link>http://example.org/1</link><description>short</description>
<content:encoded><![CDATA[<p>Let $x^2$ be.</p><div>open]]></content:encoded></item>
<item><title>Two</title><description>&lt;p&gt;1 &amp;lt; 2&lt;/p&gt;</description></item></channel></rss>"""
ATOM = b"""<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>Log</title>
<entry><title>First</title><summary>no</summary><content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">
<p>In <em>line</em></p></div></content></entry></feed>"""


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        (RSS, "application/rss+xml", "# News & notes\n\n## One x\n\nLet $x^2$ be.\n\nopen\n\n## Two\n\n1 < 2"),
        (RSS, "text/xml", "# News & notes\n\n## One x\n\nLet $x^2$ be.\n\nopen\n\n## Two\n\n1 < 2"),
        (ATOM, "application/atom+xml", "# Log\n\n## First\n\nIn line"),
    ],
)
def test_feeds_are_articles_in_order(body, content_type, expected):
    assert render(body, content_type=content_type).text == expected


def test_a_long_feed_is_read_whole_and_an_endless_one_refused():
    entries = "".join(f"<item><title>entry {number}</title></item>" for number in range(6_000))
    assert render(f'<?xml version="1.0"?><rss>{entries}</rss>'.encode()).text.count("## entry ") == 6_000
    with pytest.raises(RenderRejected) as refused:
        render(f'<?xml version="1.0"?><rss>{"<item/>" * (MAX_ENTRIES + 1)}</rss>'.encode())
    assert refused.value.reason == "too_many_nodes"


def test_entries_inside_entries_do_not_multiply():
    nested = "<item><description>" * 500 + "x" * 1_000_000
    with pytest.raises(RenderRejected) as refused:
        render(f'<?xml version="1.0"?><rss>{nested}'.encode())
    assert refused.value.reason == "too_large"


def test_a_formula_served_alone():
    body = b'<math xmlns="http://www.w3.org/1998/Math/MathML"><msup><mi>x</mi><mn>2</mn></msup></math>'
    assert render(body, content_type="application/mathml+xml").text == "$x^{2}$"


@pytest.mark.parametrize("flood", ["<![CDATA[", "<!--", "<a ", '<a "', "<a '", "<!DOCTYPE [", "<?", "<a/", "xmlns:"])
def test_floods_cost_linear_time(flood):
    markup = f"<x/>{flood * (500_000 // len(flood))}"
    start = time.process_time()
    xhtml_to_html(markup)
    feed_to_html(markup)
    assert time.process_time() - start < 3
