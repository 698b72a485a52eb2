// What opens below the buttons, one at a time: search, comment, batch, keys; and the last screens.

const KEYS = [
  ["y / a", "confirm the selected candidate"], ["m", "move: couple in place of the partner that one of the two has"],
  ["n / x", "none of these: say no to all that are shown"],
  ["space", "put the record off"], ["1 – 9", "select a candidate"], ["j / k", "next / previous, without deciding"],
  ["z / ⌫", "undo the last decision and show its record"], ["/", "search the other side"], ["c", "comment"],
  ["w", "why: every comparison of the selected candidate"], ["e", "no partner: have it created on the other side"],
  ["s", "show those with the same reason"], ["b", "batch: confirm all that the filter shows"], ["Esc", "close, back to the keys"],
  ["?", "these keys"],
];

const legend = () => el("dl", { class: "legend" },
  ...KEYS.flatMap(([k, v]) => [el("dt", {}, el("kbd", {}, k)), el("dd", {}, v)]));

function searchPanel(box) {
  let timer = 0;
  const hits = el("div", { class: "hits", "aria-live": "polite" });
  const input = el("input", {
    type: "search", "aria-label": `Search all records of ${box.card.other_name}`, autocomplete: "off",
    placeholder: `Any words: name, number, city, e-mail … in ${box.card.other_name}`, class: "words",
    oninput: () => { clearTimeout(timer); timer = setTimeout(() => box.ask({ op: "search", q: input.value }), 120); },
    onkeydown: (e) => { if (e.key === "Enter") hits.querySelector("button:not([aria-disabled])")?.click(); },
  });
  return { node: el("div", { class: "search" }, input, hits), focus: () => input.focus(), take: (found) => {
    if (found.q !== undefined && found.q !== input.value) return;
    const some = found.hits.length < found.n ? `, the nearest ${found.hits.length} are shown` : "";
    hits.replaceChildren(
      el("p", { class: "quiet" }, input.value.trim() ? `${plural(found.n, "record")} found${some}.` : ""),
      ...found.hits.map((h) => el("button", {
        type: "button", class: "hit", "aria-disabled": h.taken ? "true" : null, "data-id": h.id,
        onclick: () => { box.close(); box.ask({ op: "try", id: h.id }); },
      }, bdi(h.name), " ", el("span", { class: "quiet" }, h.number ? bdi(h.number) : null, h.place ? " · " : null,
        h.place ? bdi(h.place) : null), h.taken ? el("div", { class: "sub" }, "⊘ ", h.taken) : null,
      h.outside ? el("div", { class: "sub" }, "⊘ Hidden by the mapping's filter: ", h.outside) : null)));
  } };
}

function commentPanel(box) {
  const input = el("input", {
    type: "text", class: "words", "aria-label": "Comment on the next decision", maxlength: 500, value: box.note,
    placeholder: "Goes into the ledger with the next decision", oninput: () => { box.note = input.value; box.buttons(); },
    onkeydown: (e) => { if (e.key === "Enter") box.close(); },
  });
  return { node: el("div", { class: "comment" }, input), focus: () => input.focus() };
}

function batchPanel(box, look) {
  const out = new Set();
  const go = el("button", { type: "button", class: "act", onclick: () => {
    box.decide({ op: "batch", leave_out: [...out] });
    box.close();
  } });
  const told = () => {
    const n = look.n - out.size;
    go.textContent = n ? `Confirm ${plural(n, "pair")}` : "Nothing to confirm";
    go.disabled = n < 1;
  };
  const list = new LongList({
    label: "Pairs of the batch", height: 40, ask: (a, b) => box.ask({ op: "look_rows", a, b }),
    draw: (p) => [el("label", { class: "pairline" }, el("input", {
      type: "checkbox", checked: !out.has(p.id), "aria-label": `Confirm ${p.bc} with ${p.dv}`,
      onchange: (e) => { if (e.target.checked) out.delete(p.id); else out.add(p.id); told(); },
    }), el("span", { class: "two" }, bdi(p.bc), p.bc_number ? ` ${p.bc_number}` : ""), "↔",
    el("span", { class: "two" }, bdi(p.dv), p.dv_number ? ` ${p.dv_number}` : ""),
    el("span", { class: "quiet" }, p.chance), p.conflict ? el("span", { class: "warn" }, "▲ number conflicts") : null,
    el("span", { class: "quiet why1" }, p.reason))],
  });
  told();
  const node = el("div", { class: "batch" }, el("p", {}, el("strong", {}, look.text), ". One undo takes them all back."),
    look.n ? list.box : null, el("div", { class: "bar1" }, go, keyed("Esc", "Close", () => box.close())));
  return { node, focus: () => go.focus(), rows: (a, rows) => list.take(a, rows), stop: () => list.stop(),
    shown: () => list.reset(look.n) };
}

function movePanel(box, look, id) {
  const go = el("button", { type: "button", class: "act", onclick: () => { box.decide({ op: "move", id }); box.close(); } },
    look.way === "move" ? "Move here" : "Take over"); // the kernel ends no more than this look said
  const node = el("div", { class: "move" }, el("p", {}, el("strong", {}, bdi(look.text)), ". One undo brings all back."),
    el("ul", {}, ...look.ends.map((line) => el("li", {}, line))),
    el("p", { class: "quiet" }, "What was agreed on at the last synchronisation is forgotten: the new pair synchronises as for the first time."),
    el("div", { class: "bar1" }, go, keyed("Esc", "Close", () => box.close())));
  return { node, focus: () => go.focus() };
}

function endScreen(end, ask) {
  return el("div", { class: "end", role: "status" },
    el("h3", {}, end.text),
    end.left ? el("p", {}, `${plural(end.left, "record")} of this kind are still open under other filters.`) : el(
      "p", {}, "No record of this kind is open any more."),
    end.unlocks.length ? el("div", {}, el("h4", {}, "What this unlocks"),
      el("ul", {}, ...end.unlocks.map((u) => el("li", {}, u.text, ".")))) : null,
    el("h4", {}, "Next"), el("ul", {}, ...end.next.map((line) => el("li", {}, el("code", {}, line)))),
    el("div", { class: "bar1" },
      end.left ? keyed("", "Show all that is open", () => ask({ op: "filter", state: "open", bands: [], reason: "", place: "", text: "" })) : null,
      end.deferred ? keyed("", `Show the deferred (${end.deferred.toLocaleString("en")})`,
        () => ask({ op: "filter", state: "deferred", bands: [], reason: "", place: "", text: "" })) : null));
}
