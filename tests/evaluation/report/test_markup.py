from html import unescape

from hypothesis import given
from hypothesis import strategies as st

from dwcp.evaluation.report.markup import Markup, element, join


def test_markup_goes_in_as_it_is_and_text_is_escaped() -> None:
    built = element("p", Markup("<b>x</b>"), "<i> & \"'", class_='a"b', data_x=None, x1=1.50)
    assert built == '<p class="a&quot;b" x1="1.5"><b>x</b>&lt;i&gt; &amp; &quot;&#x27;</p>'


def test_void_elements_have_no_end() -> None:
    assert element("meta", http_equiv="X", content="y") == '<meta http-equiv="X" content="y">'


@given(st.text())
def test_text_comes_back_but_for_what_no_document_may_hold(text: str) -> None:
    escaped = join([text])
    assert not set(escaped) & set("<>\"'\0\x0b\x7f\ud800\ufdd0\uffff")
    assert len(unescape(escaped)) == len(text)
    escaped.encode()


def test_a_file_name_that_is_not_unicode_can_be_shown() -> None:
    assert element("td", b"caf\xe9".decode("utf-8", "surrogateescape")) == "<td>caf\ufffd</td>"
