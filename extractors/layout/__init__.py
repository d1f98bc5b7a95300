"""HTML tree to laid-out text, lynx-style: block and inline flow, lists, tables, code, quotes."""
