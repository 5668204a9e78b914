"""A page's HTML as a tree, strict about nesting: what a browser would forgive fails here."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"}
)
NOT_READ = frozenset({"head", "script", "style", "template"})


@dataclass(eq=False)
class Element:
    """One element, with what stands in it: text and further elements."""

    tag: str
    attributes: dict[str, str]
    children: "list[Element | str]" = field(default_factory=list)
    parent: "Element | None" = field(default=None, repr=False)

    def get(self, name: str, default: str = "") -> str:
        """An attribute's value."""
        return self.attributes.get(name, default)

    def has(self, name: str) -> bool:
        """Whether the attribute stands there at all."""
        return name in self.attributes

    def all(self, *tags: str) -> "Iterator[Element]":
        """Every element of these tags below this one (every element, without tags), in order."""
        for child in self.children:
            if isinstance(child, Element):
                if not tags or child.tag in tags:
                    yield child
                yield from child.all(*tags)

    def within(self, tag: str) -> bool:
        """Whether this element stands somewhere inside an element of this tag."""
        return self.parent is not None and (self.parent.tag == tag or self.parent.within(tag))

    @property
    def text(self) -> str:
        """What a person reads in it, with single spaces."""
        return " ".join("".join(self._pieces()).split())

    def _pieces(self) -> Iterator[str]:
        for child in self.children:
            if isinstance(child, str):
                yield child
            elif child.tag not in NOT_READ:
                yield from child._pieces()


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self.current = self.root

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> has an attribute twice: {names}"
        element = Element(tag, {n: v or "" for n, v in attrs}, parent=self.current)
        self.current.children.append(element)
        if tag not in VOID:
            self.current = element

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.current.tag == tag, f"</{tag}> closes <{self.current.tag}>"
        assert self.current.parent is not None
        self.current = self.current.parent

    def handle_data(self, data: str) -> None:
        self.current.children.append(data)


def parse(html: str) -> Element:
    """The tree of a page. Fails where tags do not nest or an attribute stands twice."""
    builder = _Builder()
    builder.feed(html)
    builder.close()
    assert builder.current is builder.root, f"<{builder.current.tag}> is not closed"
    return builder.root
