// The record at the left and its candidates beside it, one row a field.

const SIGNS = {
  "=": "equal", "≈": "nearly equal", "≠": "different", "?": "not comparable until both records are coupled",
};

function valueOf(cell, pieces) {
  if (cell.none) return [el("i", { class: "none" }, cell.none)];
  const text = pieces
    ? el("bdi", {}, ...pieces.map(([piece, differs]) => (differs ? el("mark", {}, piece) : piece)))
    : bdi(cell.t);
  if (cell.coupled === undefined) return [text];
  const mark = cell.coupled ? ["✓", "coupled"] : ["○", "not coupled yet"];
  return [text, " ", el("span", { class: "ref", title: mark[1], role: "img", "aria-label": mark[1] }, mark[0])];
}

function conflictList(conflicts, ask) {
  if (!conflicts.length) return null;
  return el("ul", { class: "conflicts" }, ...conflicts.map((c) => el("li", { "data-code": c.code },
    el("span", { class: "warn", "aria-hidden": "true" }, c.blocks ? "⊘ " : "▲ "), c.text,
    ...(c.others || []).map((o) => el("span", {}, " ", el("button", {
      type: "button", class: "inline", onclick: () => ask({ op: "entry", entry: o.entry }),
    }, bdi(o.name)), o.given ? ` (given to it, ${o.band})` : "")))));
}

function band(name, sign) {
  const tone = { certain: "good", likely: "note", unsure: "care" }[name] || "calm";
  return el("span", { class: `band ${tone}` }, el("span", { "aria-hidden": "true" }, `${sign || "–"} `), name);
}

const BAND_SIGNS = { certain: "●", likely: "◐", unsure: "○", "nothing found": "–", "only in Sales": "–" };

function candidateHead(card, c, n, selected, choose, ask, move) {
  const on = n === selected;
  return el("th", { scope: "col", class: `cand${on ? " on" : ""}`, "data-n": n },
    el("button", {
      type: "button", role: "radio", "aria-checked": on ? "true" : "false", class: "choose",
      "aria-keyshortcuts": n + 1, "aria-disabled": c.blocked ? "true" : null,
      "aria-label": `Candidate ${n + 1}: ${c.name}${c.blocked ? ", cannot be chosen" : ""}`,
      onclick: () => choose(n),
    }, el("kbd", { "aria-hidden": "true" }, n + 1), " ",
    el("span", { "aria-hidden": "true", class: "dot" }, on ? "◉" : "○"), " ", bdi(c.name)),
    el("div", { class: "sub" }, c.number ? bdi(c.number) : null,
      c.number && (c.band || c.searched) ? " · " : null, c.searched && !c.band ? "found by search" : null,
      c.band ? band(c.band, c.sign) : null),
    c.reason ? el("div", { class: "sub" }, c.reason) : null,
    conflictList(c.conflicts, ask),
    // Beside the words that say who has it; a record that is itself coupled has them above the table.
    c.switch ? el("button", { type: "button", class: "inline", onclick: () => { choose(n); move(n); } },
      c.switch === "move" ? "Move here …" : "Take over …") : null);
}

function cardTable(card, selected, choose, ask, move) {
  const cands = card.candidates;
  const chosen = selected === null ? null : cands[selected];
  const head = el("tr", {}, el("th", { scope: "col", class: "field" }, el("span", { class: "hush" }, "field")),
    el("th", { scope: "col", class: "own" }, el("div", { class: "name" }, bdi(card.name)),
      el("div", { class: "sub" }, card.side_name, card.number ? " · " : null, card.number ? bdi(card.number) : null)),
    ...cands.map((c, n) => candidateHead(card, c, n, selected, choose, ask, move)));
  const rows = card.fields.map((f, r) => {
    const against = chosen && chosen.cells[r];
    return el("tr", { "data-field": f.name },
      el("th", { scope: "row", class: "field" }, f.label),
      el("td", { class: `own${f.number ? " n" : ""}` }, ...valueOf(f, against && against.m)),
      ...cands.map((c, n) => {
        const cell = c.cells[r];
        const same = cell.s === "=" && cell.t === undefined;
        const shown = same ? { ...cell, t: f.t } : cell;
        return el("td", { class: `cand s${"=≈≠?".indexOf(cell.s)}${n === selected ? " on" : ""}${f.number ? " n" : ""}`,
          "data-n": n }, cell.s ? el("span", { class: "sign", role: "img", "aria-label": SIGNS[cell.s] }, cell.s) : null,
        " ", ...valueOf(shown, cell.p));
      }));
  });
  return el("div", { class: "scroll", role: "radiogroup", "aria-label": "Candidates", tabindex: "0" },
    el("table", { class: selected === null ? "pick" : "" }, el("thead", {}, head), el("tbody", {}, ...rows)));
}

function whyPanel(why) {
  if (!why) return el("p", { class: "quiet" }, "…");
  const span = why.high - why.low || 1;
  const across = (bits) => `${(100 * (Math.max(why.low, Math.min(why.high, bits)) - why.low)) / span}%`;
  return el("div", { class: "why" }, el("table", {}, el("caption", {}, why.text),
    el("thead", {}, el("tr", {}, ...["comparison", "Business Central", "Sales", "level", "", "bits"].map(
      (h) => el("th", { scope: "col" }, h || el("span", { class: "hush" }, "bar"))))),
    el("tbody", {}, ...why.steps.map((s) => {
      const bits = Math.abs(s.bits) < 0.05 ? "0" : `${s.bits > 0 ? "+" : "−"}${Math.abs(s.bits).toFixed(1)}`;
      const bar = el("span", { class: `bar ${s.bits >= 0 ? "for" : "against"}` });
      bar.style.left = across(Math.min(s.start, s.end));
      bar.style.width = `calc(${across(Math.max(s.start, s.end))} - ${across(Math.min(s.start, s.end))})`;
      return el("tr", { class: s.missing ? "quiet" : "" }, el("th", { scope: "row" }, s.step),
        el("td", {}, s.bc === null ? "" : bdi(s.bc)), el("td", {}, s.dv === null ? "" : bdi(s.dv)),
        el("td", {}, s.level || ""), el("td", { class: "lane" }, bar), el("td", { class: "n" }, bits));
    }))));
}
