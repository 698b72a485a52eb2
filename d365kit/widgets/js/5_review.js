// The screen: what the kernel sends is shown, what is pressed is sent. No rule of the review is here.

const CALM = 120; // milliseconds after a decision in which further keys decide nothing
const ALIKE = { a: "y", x: "n", Backspace: "z", ArrowDown: "j", ArrowUp: "k" };

class Box {
  constructor(model, root) {
    Object.assign(this, {
      model, root, card: null, selected: null, note: "", first: "", panel: null, panelName: "", busy: false,
      decidedAt: 0, start: null, sent: 0, told: null, blind: false, legendShown: false,
    });
    this.part = {};
    for (const name of ["status", "filters", "banner", "work", "tools", "below", "acts", "code"]) {
      this.part[name] = el("div", { class: name });
    }
    this.part.banner.setAttribute("role", "alert");
    this.live = el("div", { class: "hush", "aria-live": "polite" });
    this.list = new LongList({
      label: "Records in this order", height: 44, ask: (a, b) => this.ask({ op: "rows", a, b, v: this.version }),
      draw: (row, at) => this.listRow(row, at),
    });
    this.side = el("div", { class: "side" }, this.list.box);
    root.append(this.part.status, this.part.filters, this.part.banner,
      el("div", { class: "main" }, el("div", { class: "desk" }, this.part.work, this.part.tools,
        this.part.below, this.part.code, this.part.acts), this.side), this.live);
    this.onKey = (e) => this.key(e);
    root.addEventListener("keydown", this.onKey);
    this.onMessage = (m) => this.take(m);
    model.on("msg:custom", this.onMessage);
    this.ask({ op: "hello" });
    this.watch = setInterval(() => { if (!document.hidden && root.offsetParent) this.ask({ op: "look_around" }); }, 3000);
  }

  stop() {
    clearInterval(this.watch);
    this.list.stop();
    this.panel?.stop?.();
    this.root.removeEventListener("keydown", this.onKey);
    this.model.off("msg:custom", this.onMessage);
  }

  ask(message) { this.model.send(message); }

  // --- deciding ---

  decide(message) {
    if (this.busy || performance.now() - this.decidedAt < CALM) return;
    this.busy = true;
    this.root.setAttribute("aria-busy", "true");
    clearTimeout(this.slow);
    this.slow = setTimeout(() => this.banner("Waiting for the kernel, which is busy …", "note"), 1500);
    this.ask({ ...message, seen: this.card ? { entry: this.card.entry, state: this.card.state } : null,
      note: this.note, first: this.first });
  }

  confirm() {
    const c = this.card && this.selected !== null ? this.card.candidates[this.selected] : null;
    this.decide({ op: "confirm", id: c ? c.id : null });
  }

  choose(n) {
    if (!this.card || n >= this.card.candidates.length) return;
    this.selected = n;
    this.drawCard();
    this.say(`Candidate ${n + 1}, ${this.card.candidates[n].name}`);
    if (this.panelName === "why") this.open("why");
    if (this.panelName === "move") this.close(); // it spoke of the candidate selected before
  }

  go(step) { if (this.card || step < 0) this.ask({ op: "go", at: (this.card ? this.card.at : this.list.n) + step }); }

  key(event) {
    const target = event.target, typing = target.matches?.("input[type=text],input[type=search],textarea,select");
    if (event.ctrlKey || event.metaKey || event.altKey) return; // JupyterLab's own, such as saving
    event.stopPropagation(); // else its command mode would take a, b, d, m … for cells
    if (event.key === "Escape") { this.close(); event.preventDefault(); return; }
    if (typing) return;
    if ((event.key === " " || event.key === "Enter") && target.matches?.("button,input,summary,a")) return;
    const key = ALIKE[event.key] || (event.key.length === 1 ? event.key.toLowerCase() : event.key);
    const act = this.deed(key);
    if (!act) return;
    event.preventDefault();
    if (event.repeat && key !== "j" && key !== "k") return;
    act();
  }

  deed(key) {
    if (/^[1-9]$/.test(key)) return () => this.choose(Number(key) - 1);
    const deeds = {
      y: () => this.confirm(), n: () => this.decide({ op: "none" }), " ": () => this.decide({ op: "defer" }),
      j: () => this.go(1), k: () => this.go(-1), z: () => this.decide({ op: "undo" }),
      "/": () => this.open("search"), c: () => this.open("comment"), w: () => this.open("why"),
      e: () => this.decide({ op: "create" }), m: () => this.open("move"), b: () => this.open("batch"), "?": () => this.open("keys"),
      s: () => this.card && this.ask({ op: "alike" }),
    };
    return this.blind && "/wbesm".includes(key) ? null : deeds[key];
  }

  // --- panels ---

  open(name) {
    if (this.panelName === name && name !== "search" && name !== "why") { this.close(); return; }
    if (name === "why" && this.panelName === "why" && this.whyOf === `${this.card?.entry}/${this.selected}`) {
      this.close();
      return;
    }
    this.panel?.stop?.();
    this.panelName = name;
    if (name === "search") this.panel = searchPanel(this);
    else if (name === "comment") this.panel = commentPanel(this);
    else if (name === "keys") this.panel = { node: legend() };
    else if (name === "batch") { this.panel = { node: el("p", { class: "quiet" }, "…") }; this.ask({ op: "look" }); }
    else if (name === "move") {
      const c = this.card && this.selected !== null ? this.card.candidates[this.selected] : null;
      this.panel = { node: el("p", { class: "quiet" }, c ? "…" : "Choose a candidate with 1 to 9 first.") };
      this.moving = c ? c.id : null;
      if (c) this.ask({ op: "switch", id: c.id });
    } else if (name === "why") {
      const c = this.card && this.card.candidates[this.selected ?? 0];
      this.panel = { node: c ? whyPanel(null) : el("p", {}, "There is no candidate to explain.") };
      this.whyOf = `${this.card?.entry}/${this.selected}`;
      if (c) this.ask({ op: "why", id: c.id });
    }
    this.below();
    this.panel.focus?.();
  }

  close() {
    this.panel?.stop?.();
    this.panel = null;
    this.panelName = "";
    this.below();
    this.buttons();
    this.root.focus({ preventScroll: true });
  }

  below() { this.part.below.replaceChildren(...(this.panel ? [this.panel.node] : [])); this.panel?.shown?.(); }

  // --- what the kernel sends ---

  take(m) {
    if (m.op === "rows") { if (m.v === this.version) this.list.take(m.a, m.rows); }
    else if (m.op === "found") { if (this.panelName === "search") this.panel.take(m); }
    else if (m.op === "why") { if (this.panelName === "why") { this.panel = { node: whyPanel(m.why) }; this.below(); } }
    else if (m.op === "look") {
      if (this.panelName === "batch") { this.panel.stop?.(); this.panel = batchPanel(this, m.look); this.below(); this.panel.focus(); }
    } else if (m.op === "switch") {
      if (this.panelName === "move") { this.panel = movePanel(this, m, this.moving); this.below(); this.panel.focus(); }
    } else if (m.op === "look_rows") { if (this.panelName === "batch") this.panel.rows?.(m.a, m.rows); }
    else if (m.op === "show") this.show(m);
  }

  show(m) {
    clearTimeout(this.slow);
    this.root.removeAttribute("aria-busy");
    this.busy = false;
    if (m.start) { this.start = m.start; this.blind = m.start.blind; this.root.classList.toggle("blind", this.blind); }
    if (m.facets) this.filters(m.facets);
    if (m.version !== undefined && m.version !== this.version) { this.version = m.version; this.list.reset(m.n); }
    for (const [at, rows] of m.rows || []) this.list.take(at, rows);
    if (m.progress) this.progress(m.progress);
    for (const [band, n] of Object.entries(m.progress?.bands || {})) {
      const count = this.part.filters.querySelector(`[data-band="${CSS.escape(band)}"]`);
      if (count) count.textContent = n.toLocaleString("en");
    }
    if (m.acts) this.acts(m.acts);
    if (m.code) this.code(m.code);
    if (m.decided) { this.note = ""; if (this.panelName !== "keys") { this.panel?.stop?.(); this.panel = null; this.panelName = ""; } }
    const moved = m.card !== undefined && (m.card?.entry !== this.card?.entry || m.decided);
    if (m.card !== undefined) {
      this.card = m.card;
      this.end = m.end || null;
      if (moved && ["why", "move"].includes(this.panelName)) { this.panel = null; this.panelName = ""; }
      // What was refused can be pressed again: the choice stays.
      const stays = m.error && !moved && this.selected !== null && this.selected < (m.card?.candidates.length || 0);
      if (!stays) this.selected = m.card ? m.card.selected : null;
      this.drawCard();
      this.list.show(m.card ? m.card.at : -1);
      if (!m.card && m.decided) this.part.work.scrollIntoView({ block: "nearest" });
    }
    this.below();
    this.banner(m.error || (m.news || []).join(" "), m.error ? "bad" : "note");
    if (m.decided) this.decidedAt = performance.now();
    this.say([m.error, ...(m.news || []), m.said, moved ? this.spoken() : ""].filter(Boolean).join(" "));
  }

  spoken() {
    const c = this.card;
    if (!c) return this.end ? this.end.text : "";
    const best = c.selected === null ? "none selected" : `selected ${c.candidates[c.selected].name}`;
    return `Record ${c.at + 1} of ${c.of}: ${c.name}. ${plural(c.candidates.length, "candidate")}, ${best}.`;
  }

  say(text) { if (text) this.live.textContent = text; }

  banner(text, tone) {
    this.part.banner.className = `banner ${tone || ""}`;
    this.part.banner.replaceChildren(...(text ? [el("span", { "aria-hidden": "true" }, tone === "bad" ? "✗ " : "ℹ "), text] : []));
  }

  // --- drawing ---

  drawCard() {
    const { card } = this;
    this.buttons();
    if (!card) {
      this.part.work.replaceChildren(...(this.end ? [this.blind ? sampleEnd(this.end) : endScreen(this.end, (m) => this.ask(m))] : []));
      return;
    }
    const c = this.selected === null ? null : card.candidates[this.selected];
    const said = this.blind ? [el("p", { class: "quiet" }, "A blind sample: are these two the same?")] : [
      el("div", { class: "reason" }, band(card.band, BAND_SIGNS[card.band]), " ", el("span", {}, c && c.reason ? c.reason : card.reason),
        card.stake ? el("span", { class: "quiet" }, ` · ${card.stake}`) : null),
      card.state !== "open" ? el("div", { class: "state" }, `● ${card.state}`, card.taken ? `. ${card.taken}` : "") : null,
      card.outside ? el("div", { class: "state" }, `⊘ Hidden by the mapping's filter: ${card.outside}`) : null,
      conflictList(card.conflicts, (m) => this.ask(m)),
    ];
    const place = this.part.work.querySelector(".scroll")?.scrollLeft || 0;
    const notes = c && !this.blind ? [
      c.runner_up ? el("div", { class: "note" }, el("b", {}, "Next best: "), c.runner_up) : null,
      c.settles ? el("div", { class: "note" }, el("b", {}, "Would settle it: "), c.settles) : null,
    ] : [];
    this.part.work.replaceChildren(...said.filter(Boolean),
      cardTable(card, this.selected, (n) => this.choose(n), (m) => this.ask(m), () => this.open("move")),
      ...notes.filter(Boolean),
      ...(card.candidates.length ? [] : [el("p", { class: "quiet" },
        "Nothing was found on the other side. Search it, put the record off, or have a partner created.")]),
      ...(card.more ? [el("p", { class: "quiet" }, `${plural(card.more, "further candidate")} not shown.`)] : []));
    this.part.work.querySelector(".scroll").scrollLeft = place;
  }

  buttons() {
    const { card } = this, made = [];
    const c = card && this.selected !== null ? card.candidates[this.selected] : null;
    const button = (key, label, more) => keyed(key, label, (e) => {
      this.deed({ space: " " }[key] || key)?.();
      if (e.detail && !["/", "c", "b", "m"].includes(key)) this.root.focus({ preventScroll: true });
    }, more);
    const gone = card ? null : true;
    if (this.blind) {
      made.push(button("y", "The same", { class: "yes", disabled: gone }), button("n", "Different", { class: "no", disabled: gone }),
        button("space", "Cannot tell", { disabled: gone }), button("z", "Undo"), button("c", "Comment", { disabled: gone }));
    } else {
      made.push(button("y", "Confirm", { class: "yes", disabled: gone }),
        ...(c && c.switch ? [button("m", c.switch === "move" ? "Move here" : "Take over")] : []),
        button("n", "None of these", { class: "no", disabled: gone }),
        button("space", "Later", { disabled: gone }),
        button("e", card ? `Create in ${card.other_name}` : "Create", { disabled: !card || !card.creatable }),
        button("z", "Undo"), button("/", "Search", { disabled: gone, "aria-expanded": this.panelName === "search" ? "true" : "false" }),
        button("c", this.note ? "Comment ●" : "Comment", { disabled: gone }), button("w", "Why", { disabled: gone }),
        button("s", "Same reason", { disabled: gone }), button("b", "Batch", {}), button("k", "Previous"), button("j", "Next", { disabled: gone }),
        button("?", "Keys"));
      if (this.start && this.start.directions.length) {
        made.push(choice("First synchronisation", this.start.directions, this.first, (v) => { this.first = v; this.root.focus(); }));
      }
    }
    const active = this.part.tools.contains(document.activeElement) ? document.activeElement.getAttribute("aria-keyshortcuts") : null;
    this.part.tools.setAttribute("role", "toolbar");
    this.part.tools.setAttribute("aria-label", "Decide");
    this.part.tools.replaceChildren(...made);
    if (active) this.part.tools.querySelector(`[aria-keyshortcuts="${CSS.escape(active)}"]`)?.focus();
  }

  progress(p) {
    const bar = el("div", { class: "meter", role: "progressbar", "aria-label": "Done", "aria-valuemin": 0, "aria-valuemax": p.total,
      "aria-valuenow": p.done });
    const full = el("span", {});
    full.style.width = `${p.total ? (100 * p.done) / p.total : 100}%`;
    bar.append(full);
    const n = (v) => v.toLocaleString("en");
    this.part.status.replaceChildren(el("strong", {}, this.start ? this.start.title : ""), " ",
      el("span", {}, `${n(p.done)} done · ${n(p.left)} left · ${n(p.deferred)} deferred`),
      el("span", { class: "quiet" }, p.pace ? ` · ${p.pace}` : ""), bar);
  }

  filters(f) {
    const set = (changes) => this.ask({ op: "filter", ...changes });
    const on = new Set(f.now.bands);
    const chips = f.bands.filter((b) => b.n || on.has(b.id)).map((b) => el("button", {
      type: "button", class: "chip", "aria-pressed": on.has(b.id) ? "true" : "false",
      onclick: () => { if (on.has(b.id)) on.delete(b.id); else on.add(b.id); set({ bands: [...on] }); },
    }, el("span", { "aria-hidden": "true" }, `${on.has(b.id) ? "☑" : "☐"} ${BAND_SIGNS[b.id]} `), b.title, " ", el("span", { "data-band": b.id }, b.n.toLocaleString("en"))));
    const any = (title) => [{ id: "", title }];
    const text = el("input", { type: "search", "aria-label": "Filter by any value", placeholder: "Filter by any value", value: f.now.text,
      onkeydown: (e) => { if (e.key === "Enter") e.target.blur(); }, onchange: (e) => set({ text: e.target.value }) });
    this.part.filters.setAttribute("role", "group");
    this.part.filters.setAttribute("aria-label", "Filter and order");
    this.part.filters.replaceChildren(
      el("div", { class: "chips", role: "group", "aria-label": "Bands" }, ...chips),
      choice("Reason", [...any("all reasons"), ...f.reasons], f.now.reason, (v) => set({ reason: v })),
      f.places.length ? choice("Place", [...any("all places"), ...f.places], f.now.place, (v) => set({ place: v })) : "",
      choice("State", f.states, f.now.state, (v) => set({ state: v })),
      choice("Order", f.orders, f.now.order, (v) => set({ order: v })), text);
  }

  listRow(row, at) {
    const sign = { open: "○", coupled: "✓", "none of these": "✗", deferred: "…", "to be created": "+" }[row.state] || "◌";
    return [el("button", { type: "button", class: "entry", tabindex: "-1", onclick: (e) => {
      this.ask({ op: "go", at });
      if (e.detail) this.root.focus({ preventScroll: true });
    } }, el("span", { class: "sign", role: "img", "aria-label": row.state, title: row.state }, sign),
    el("span", { class: "two" }, bdi(row.name), el("small", {}, row.number, row.number && row.place ? " · " : "", bdi(row.place))),
    el("span", { class: "two quiet" }, row.best ? bdi(row.best) : "–", el("small", {}, `${row.band} · ${row.reason}`)))];
  }

  acts(acts) {
    if (!acts.length) { this.part.acts.replaceChildren(); return; }
    this.part.acts.replaceChildren(el("h4", {}, "Last decisions"), el("ol", {}, ...acts.map((a) => el("li", {},
      el("span", { "aria-hidden": "true" }, `${a.sign} `), el("b", {}, a.word), " ", bdi(a.what), " ",
      el("span", { class: "quiet" }, `${a.by}, ${a.at}`, a.note ? " · “" : "", a.note ? bdi(a.note) : "", a.note ? "”" : ""), " ",
      a.reversible ? el("button", { type: "button", class: "inline", "aria-label": `Undo: ${a.word} ${a.what}`,
        onclick: () => this.decide({ op: "undo", batch: a.batch }) }, "↶ undo") : el("span", { class: "quiet" }, "by apply")))));
  }

  code(line) {
    const copy = keyed("", "Copy", async () => {
      try { await navigator.clipboard.writeText(line); copy.textContent = "Copied"; }
      catch { getSelection().selectAllChildren(shown); copy.textContent = "Selected, press Ctrl+C"; }
    }, { class: "inline", "aria-label": "Copy the line of code" });
    const shown = el("code", {}, line);
    this.part.code.replaceChildren(el("span", { class: "quiet" }, "The same by code: "), shown, " ", copy);
  }
}

function render({ model, el: node }) {
  const root = el("div", { class: "d365kit-review", tabindex: "0", role: "region", "aria-label": "Review of couplings" });
  node.append(root);
  const box = new Box(model, root);
  return () => box.stop();
}

export default { render };
