-- Pages of a project from Markdown to HTML and Typst, many in one run of pandoc (chargeback/statements/render.py).
-- Arguments, five a page: the Markdown; a template and a file for HTML; the same for Typst, the file blank for none.

local function read(path) local f = assert(io.open(path, "rb")); local t = f:read("a"); f:close(); return t end
local function write(path, text) local f = assert(io.open(path, "wb")); assert(f:write(text)); assert(f:close()) end
local templates = {}
local function template(name)
  if not templates[name] then templates[name] = pandoc.template.compile(read(name), name) end
  return templates[name]
end
for i = 1, #arg, 5 do
  local source, html_template, html, typst_template, typst = table.unpack(arg, i, i + 4)
  local document = pandoc.read(read(source), "markdown")
  for _, one in ipairs{{"html", html_template, html}, {"typst", typst_template, typst}} do
    local format, from, to = table.unpack(one)
    if to ~= "" then
      write(to, pandoc.write(document, format, pandoc.WriterOptions{template = template(from), wrap_text = "preserve"}))
    end
  end
end
