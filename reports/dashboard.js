"use strict";
/* Filters and sorts a dashboard, from the charges that it holds. Amounts are whole numbers (BigInt), never floats.
   What it writes is text, never markup. The words and figures are those of
   chargeback/dashboards/sections. No dollar sign may stand here: pandoc puts this file into a template. */
(() => {
  const element = document.getElementById("rows");
  const form = document.getElementById("filters");
  const MINUS = "\u2212";

  /* Links that lead nowhere are taken away. What the portal serves beside this page can be opened where it serves it:
     /units/ID/dashboard, /cost-centers/ID/dashboard, /all/dashboard, below whatever path it begins with. */
  for (const link of document.querySelectorAll("nav.places a")) {
    if (!document.getElementById(link.hash.slice(1))) link.parentElement.remove();
  }
  const root = location.pathname.endsWith("/all/dashboard") ? "../" : "../../";
  if (location.protocol.startsWith("http") && location.pathname.endsWith("/dashboard")) {
    for (const place of document.querySelectorAll("[data-open]")) {
      const link = document.createElement("a");
      link.href = root + place.dataset.open.split("/").map(encodeURIComponent).join("/");
      link.append(...place.childNodes);
      place.append(link);
      place.hidden = false;
    }
  }

  const make = (name, text, names) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (names && names.length) made.className = names.filter(Boolean).join(" ");
    return made;
  };
  const drawn = (name, attributes, text) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    return made;
  };

  /* Sorting. */
  const number = (cell) => {
    const value = cell.dataset.value;
    return value === undefined || value === "" ? -Infinity : Number(value);
  };
  const word = (cell) => cell.dataset.value || cell.textContent;
  const sortable = (table) => {
    for (const head of table.tHead.rows[0].cells) {
      if (!head.textContent || head.querySelector("button")) continue;
      const button = make("button", head.textContent);
      button.type = "button";
      button.addEventListener("click", () => sorted(table, head));
      head.replaceChildren(button);
    }
  };
  const sorted = (table, head) => {
    const at = head.cellIndex, numbers = head.classList.contains("figure");
    const was = head.getAttribute("aria-sort");
    const up = was ? was === "descending" : !numbers;
    for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const compare = (one, other) => numbers
      ? number(one.cells[at]) - number(other.cells[at]) || 0
      : word(one.cells[at]).localeCompare(word(other.cells[at]));
    const body = table.tBodies[0];
    body.append(...[...body.rows].sort((one, other) => up ? compare(one, other) : compare(other, one)));
  };
  for (const table of document.querySelectorAll("table.sorted")) sortable(table);
  if (!element || !form) return;

  /* The charges. */
  const data = JSON.parse(element.textContent);
  const rows = data.rows.map((row) => [...row.slice(0, -1), BigInt(row[row.length - 1])]);
  const AMOUNT = data.columns.length + 1;
  const place = Object.fromEntries(data.columns.map((name, at) => [name, at + 1]));
  const months = data.months.map(([period]) => period);
  const cent = 10n ** BigInt(data.scale - 2);

  /* A quotient rounded to a whole number, halves to the even one, as the figures of the page are. */
  const rounded = (above, below) => {
    const negative = above < 0n !== below < 0n;
    const a = above < 0n ? -above : above, b = below < 0n ? -below : below;
    let whole = a / b;
    const twice = 2n * (a % b);
    if (twice > b || (twice === b && whole % 2n === 1n)) whole += 1n;
    return negative ? -whole : whole;
  };
  const written = (whole, places) => {
    const digits = (whole < 0n ? -whole : whole).toString().padStart(places + 1, "0");
    const before = digits.slice(0, -places).replace(/\B(?=(\d{3})+(?!\d))/g, ",");
    return (whole < 0n ? MINUS : "") + before + "." + digits.slice(-places);
  };
  const money = (amount) => written(rounded(amount, cent), 2);
  const signed = (amount) => (rounded(amount, cent) > 0n ? "+" : "") + money(amount);
  const share = (part, whole) => whole === 0n ? "\u2013" : written(rounded(part * 1000n, whole), 1) + "%";
  const exact = (amount) => {
    const text = written(amount, data.scale).replaceAll(",", "").replace(MINUS, "-");
    return text;
  };
  const short = (amount) => {
    const value = Number(rounded(amount, cent)) / 100, size = Math.abs(value);
    for (const [limit, letter] of [[1e9, "B"], [1e6, "M"], [1e3, "K"]]) {
      if (size >= limit * 0.9995) {
        const digits = size / limit;
        return (value < 0 ? MINUS : "") + digits.toFixed(digits < 9.995 ? 2 : digits < 99.95 ? 1 : 0) + letter;
      }
    }
    return (value < 0 && size >= 0.5 ? MINUS : "") + size.toFixed(0);
  };

  /* What is chosen: of the form, and of the address, so that a view can be sent. */
  const NOTHING_CHOSEN = "*";
  const fresh = () => Object.fromEntries([["month", data.chosen], ...data.dimensions.map((name) => [name, NOTHING_CHOSEN])]);
  const has = (name, value) => [...form.elements[name].options].some((one) => one.value === value);
  const ofAddress = () => {
    const state = fresh();
    if (!location.hash.includes("=")) return null;
    for (const [name, value] of new URLSearchParams(location.hash.slice(1))) {
      if (Object.hasOwn(state, name) && has(name, value)) state[name] = value;
    }
    return state;
  };
  const ofForm = () => Object.fromEntries(Object.keys(fresh()).map((name) => [name, form.elements[name].value]));
  const isFresh = (state) => Object.entries(fresh()).every(([name, value]) => state[name] === value);
  const keep = (state) => {
    const usual = fresh(), chosen = Object.entries(state).filter(([name, value]) => value !== usual[name]);
    const text = new URLSearchParams(chosen).toString();
    history.replaceState(null, "", text ? "#" + text : location.pathname + location.search);
  };

  /* Sums of the charges that a state lets through. */
  const passes = (state) => {
    const wanted = data.dimensions
      .filter((name) => state[name] !== NOTHING_CHOSEN)
      .map((name) => [place[name], data.values[name].findIndex(([value]) => value === state[name])]);
    return (row) => wanted.every(([at, value]) => row[at] === value);
  };
  const sums = (chosen, at, month) => {
    const found = new Map();
    for (const row of chosen) {
      if (month !== null && row[0] !== month) continue;
      found.set(row[at], (found.get(row[at]) || 0n) + row[AMOUNT]);
    }
    return found;
  };
  const total = (amounts) => [...amounts].reduce((sum, one) => sum + one, 0n);

  /* A table by one column of the charges. */
  const cell = (tag, text, names, value) => {
    const made = make(tag, undefined, names);
    if (text) made.append(make("bdi", text));
    if (value !== undefined) made.dataset.value = value;
    return made;
  };
  const money_cell = (amount, names) =>
    cell("td", money(amount), [...names, rounded(amount, cent) < 0n ? "negative" : ""], exact(amount));
  const change_cell = (amount, names) =>
    cell("td", signed(amount), [...names, rounded(amount, cent) < 0n ? "negative" : "", "muted"], exact(amount));
  const bar = (part, largest) => {
    const width = part > 0n && largest > 0n ? Number(part * 1000n / largest) / 10 : 0;
    const made = drawn("svg", {class: "bar", viewBox: "0 0 100 3", preserveAspectRatio: "none", "aria-hidden": "true"});
    made.append(drawn("rect", {width: width, height: 3}));
    return made;
  };
  const line = (role, first, now, all, then, figures) => {
    const row = make("tr", undefined, [role]);
    row.append(first, money_cell(now, ["figure"]));
    row.append(figures ? cell("td", share(now, all), ["figure", "optional", "muted"], exact(now)) : cell("td", "", ["figure", "optional"]));
    if (then === null) row.append(cell("td", "", ["figure", "optional"]), cell("td", "", ["figure"]));
    else row.append(money_cell(then, ["figure", "optional", "muted"]), change_cell(now - then, ["figure"]));
    return row;
  };
  const tabulated = (table, chosen, month, earlier) => {
    const name = table.dataset.filtered, values = data.values[name];
    const now = sums(chosen, place[name], month);
    const then = earlier === null ? null : sums(chosen, place[name], earlier);
    const whole = total(now.values()), largest = [...now.values()].reduce((one, other) => one > other ? one : other, 0n);
    const listed = [...new Set([...now.keys(), ...(then ? then.keys() : [])])].sort((one, other) => {
      const a = now.get(one) || 0n, b = now.get(other) || 0n;
      if (a !== b) return a > b ? -1 : 1;
      return values[one][1] < values[other][1] ? -1 : values[one][1] > values[other][1] ? 1 : one - other;
    });
    const heads = table.tHead.rows[0].cells;
    const titles = [month === null ? "All months" : data.months[month][1], "Share",
                    earlier === null ? "" : data.months[earlier][1], earlier === null ? "" : "Change"];
    titles.forEach((title, at) => { heads[at + 1].replaceChildren(title); });
    for (const head of heads) head.removeAttribute("aria-sort");
    sortable(table);
    table.tBodies[0].replaceChildren(...listed.map((at) => {
      const [, label, sub] = values[at], amount = now.get(at) || 0n;
      const first = cell("th", label, []);
      first.scope = "row";
      if (sub) {
        const below = make("span", undefined, ["sub"]);
        below.append(make("bdi", sub));
        first.append(below);
      }
      first.append(bar(amount, largest));
      return line("body", first, amount, whole, then ? then.get(at) || 0n : null, true);
    }));
    const foot = table.tFoot || table.createTFoot(), label = cell("th", "Total", []);
    label.scope = "row";
    foot.replaceChildren(line("total", label, whole, whole, then ? total(then.values()) : null, false));
    return whole;
  };

  /* The trend of what is chosen, in place of that of everything. */
  const figure = document.querySelector("figure[data-chart=trend-chart]");
  const filteredTrend = (chosen, state) => {
    const amounts = months.map((_, at) => total(chosen.filter((row) => row[0] === at).map((row) => row[AMOUNT])));
    const cents = amounts.map((one) => Number(rounded(one, cent)));
    const high = Math.max(0, ...cents), low = Math.min(0, ...cents), height = 130, top = 18, slot = 504 / Math.max(months.length, 6);
    const at = (value) => top + (high - value) / (high - low || 1) * height;
    const picture = drawn("svg", {viewBox: "0 0 504 " + (top + height + 18), class: "only"});
    amounts.forEach((amount, index) => {
      const left = index * slot + slot * .19, from = at(Math.max(0, cents[index])), to = at(Math.min(0, cents[index]));
      const isMonth = state.month === "all" || months[index] === state.month;
      picture.append(
        drawn("rect", {x: left, y: from, width: slot * .62, height: Math.max(to - from, cents[index] ? .8 : 0),
                       class: cents[index] < 0 ? "minus" : isMonth ? "on" : "off"}),
        drawn("text", {x: index * slot + slot / 2, y: from - 4, "text-anchor": "middle", "font-size": 8}, short(amount)),
        drawn("text", {x: index * slot + slot / 2, y: top + height + 12, "text-anchor": "middle", "font-size": 8, class: "quiet"},
              months[index].slice(5) + "/" + months[index].slice(2, 4)));
    });
    const made = make("figure", undefined, ["chosen-trend"]);
    made.setAttribute("role", "img");
    made.setAttribute("aria-label", "What is chosen, each month: " +
      amounts.map((one, index) => data.months[index][1] + " " + money(one)).join(", "));
    made.append(make("figcaption", "What is chosen, each month"), picture);
    return made;
  };

  const shownTotal = form.querySelector("output");
  const tables = [...document.querySelectorAll("table[data-filtered]")];
  const show = (state) => {
    for (const [name, value] of Object.entries(state)) form.elements[name].value = value;
    const chosen = rows.filter(passes(state));
    const month = state.month === "all" ? null : months.indexOf(state.month);
    const earlier = month === null ? -1 : months.indexOf(data.months[month][2]);
    let whole = 0n;
    for (const table of tables) whole = tabulated(table, chosen, month, earlier < 0 ? null : earlier);
    const untouched = isFresh(state);
    const what = Object.entries(state)
      .filter(([name, value]) => name !== "month" && value !== NOTHING_CHOSEN)
      .map(([name]) => form.elements[name].selectedOptions[0].textContent);
    const amount = make("b", money(whole));
    amount.dataset.total = exact(whole);
    shownTotal.replaceChildren(
      make("bdi", [month === null ? "All months" : data.months[month][1], ...what].join(" \u00b7 ")), " ",
      amount, " " + data.currency);
    form.classList.toggle("active", !untouched);
    if (figure) {
      figure.parentElement.querySelector(".chosen-trend")?.remove();
      figure.hidden = !untouched;  // the whole one comes back
      if (!untouched) figure.after(filteredTrend(chosen, state));
    }
  };

  form.hidden = false;
  form.addEventListener("change", () => { const state = ofForm(); keep(state); show(state); });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", (event) => { event.preventDefault(); keep(fresh()); show(fresh()); });
  addEventListener("hashchange", () => { const state = ofAddress(); if (state) show(state); });
  show(ofAddress() || fresh());
})();
