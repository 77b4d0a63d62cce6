"""read_page.py FILE: whether a page is one whole: each element ends where it should, and nothing in it runs or
is loaded from elsewhere. Prints its text, one piece a line."""

import html.parser
import sys

ALLOWED = set("""html head meta title style body header h1 h2 h3 p div span b a section article dl dt dd
details summary ul li figure figcaption time svg rect circle""".split())


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.ids, self.links = [], set(), set()

    def handle_starttag(self, tag, attributes):
        assert tag in ALLOWED, tag
        for name, value in attributes:
            assert not name.startswith("on") and name not in ("src", "style", "action"), name
            if name == "href":
                assert value.startswith("#"), value
                self.links.add(value[1:])
            if name == "id":
                assert value not in self.ids, value
                self.ids.add(value)
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, (self.getpos(), tag)

    def handle_data(self, data):
        if self.open and self.open[-1] == "style":
            assert "url(" not in data and "@import" not in data
        elif data.strip():
            print(data.strip())


page = Page()
page.feed(open(sys.argv[1], encoding="utf-8").read())
page.close()
assert not page.open, page.open
assert page.links <= page.ids, page.links - page.ids
