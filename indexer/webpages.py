"""HTML documentation into sections: the headings of its main part, and the API entries that Sphinx writes."""

import re

from bs4 import BeautifulSoup, Tag

from .documents import Draft

_NOT_TEXT = ("script", "style", "nav", "header", "footer", "aside", "form", "noscript", "svg", "template")
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_TEXT_BLOCKS = frozenset({"p", "li", "dd", "td", "th", "caption", "figcaption", "blockquote", "summary"})
_BLOCKS = ["p", "pre", "dl", "ul", "ol", "table", *_HEADINGS]
_SMALLEST_PAGE = 80  # characters of text; less is a page of an application, not of documentation


def drafts(data: bytes, name: str) -> list[Draft]:
    """Take a page apart. Pages without a text to speak of give nothing."""
    soup = BeautifulSoup(data, "html.parser")
    for tag in soup(_NOT_TEXT):
        tag.decompose()
    for tag in soup.select("a.headerlink, .sphinxsidebar, .toctree-wrapper"):
        tag.decompose()
    main = soup.select_one("main, [role=main], article, div.body, div.document") or soup.body or soup
    if len(main.get_text(" ", strip=True)) < _SMALLEST_PAGE:
        return []
    title = soup.title.get_text(" ", strip=True) if soup.title else name
    found = [Draft(title, 1)]
    _read(main, found)
    return found


def _read(tag: Tag, found: list[Draft]) -> None:
    for child in tag.find_all(True, recursive=False):
        if child.name in _HEADINGS:
            found.append(Draft(_text(child), child.sourceline or 1, _anchor(child)))
        elif child.name == "dt" and child.get("id"):
            anchor = str(child["id"])
            draft = Draft(_text(child), child.sourceline or 1, anchor)
            if re.fullmatch(r"[\w.]+", anchor):  # Sphinx: the qualified name of the API that it describes
                draft.names.append(anchor)
            found.append(draft)
        elif child.name == "pre":
            found[-1].code.append(child.get_text())
        elif child.find(True) is None or (child.name in _TEXT_BLOCKS and not child.find(_BLOCKS)):
            found[-1].text.append(_text(child))
        else:
            _read(child, found)


def _text(tag: Tag) -> str:
    return " ".join(tag.get_text(" ", strip=True).replace("\N{PILCROW SIGN}", "").split())


def _anchor(heading: Tag) -> str:
    if heading.get("id"):
        return str(heading["id"])
    section = heading.find_parent(["section", "div"], id=True)
    return str(section["id"]) if section is not None else ""
