"""Names that people could write into params or tags: attacks on a medium or on the layout."""

SCRIPT = "<script>alert('x')</script><img src=x onerror=alert(1)> & \"quoted\""
TYPST = '#eval("1+1") #read("unit.json") ] } ) $x^2$ *bold* _it_ @ref <label> \\ // /* "'
MARKDOWN = (
    "```` ```{=html} <b>fence</b> ``` **bold** [a](javascript:1) | # heading {{< env HOME >}}"
)
FORMULA = '=HYPERLINK("http://example.com","click")'
MINUS_FORMULA = "-2+3+cmd|' /C calc'!A0"
LONG = "W" * 256
LONG_PATH = "arn:aws:ecs:us-east-1:123456789012:service/" + "very-long-segment/" * 11
EMOJI = "Claims 🚑 père & fils 日本語"
RTL = "تسوية المطالبات‏ \u202egnp.exe"
TOTAL = "Total"
AMOUNT = "9,999.99"

NAMES = [
    SCRIPT,
    TYPST,
    MARKDOWN,
    FORMULA,
    MINUS_FORMULA,
    LONG,
    LONG_PATH,
    EMOJI,
    RTL,
    TOTAL,
    AMOUNT,
    "Shared cost",
    "data",
    "Data",
    "table",
]
