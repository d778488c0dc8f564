"""What those who make a page and those who read it agree on, without the libraries that make one."""

#: The id of the element that holds the charges of a page.
ROWS_ID = "rows"

#: What cells are shown as on pages; JupyterLab asks for more.
MARKDOWN = "text/markdown"
OF_PAGES = ("text/plain", MARKDOWN)
