// A list of any length: a few rows are in the page, the rest is asked for when it comes into view.

const TALLEST = 8_000_000; // pixels; browsers cut taller elements
const PAGE = 40;

class LongList {
  // ask(start, end) requests rows; draw(row, at) makes the inside of one; height is that of every row.
  constructor({ label, height, ask, draw }) {
    Object.assign(this, { height, ask, draw, n: 0, rows: new Map(), asked: new Set(), current: -1, nodes: new Map() });
    this.layer = el("div", { class: "rows", role: "list", "aria-label": label });
    this.filler = el("div", { class: "filler" }, this.layer);
    this.box = el("div", { class: "long", onscroll: () => this.paint() }, this.filler);
    this.box.addEventListener("wheel", (e) => this.wheel(e), { passive: false });
    this.watcher = new ResizeObserver(() => this.paint());
    this.watcher.observe(this.box);
  }

  get visible() { return Math.ceil(this.box.clientHeight / this.height); }
  get whole() { return this.n * this.height; }
  get scaled() { return this.whole > TALLEST; }
  get last() { return Math.max(0, this.n - this.box.clientHeight / this.height); }

  // The place of the first row in view, which need not be whole.
  get first() {
    const room = Math.max(1, Math.min(this.whole, TALLEST) - this.box.clientHeight);
    return this.scaled ? Math.min(1, this.box.scrollTop / room) * this.last : this.box.scrollTop / this.height;
  }

  set first(at) {
    const wanted = Math.max(0, Math.min(at, this.last));
    const room = Math.min(this.whole, TALLEST) - this.box.clientHeight;
    this.exact = wanted;
    this.box.scrollTop = this.scaled ? (this.last ? (wanted / this.last) * room : 0) : wanted * this.height;
    this.paint();
  }

  wheel(event) {
    if (!this.scaled) return; // where a pixel stands for several rows, a notch still moves by a few
    event.preventDefault();
    this.first = (this.exact ?? this.first) + event.deltaY / this.height;
  }

  reset(n) {
    this.n = n;
    this.rows.clear();
    this.asked.clear();
    this.nodes.clear();
    this.layer.replaceChildren();
    this.filler.style.height = `${Math.min(this.whole, TALLEST)}px`;
    this.paint();
  }

  show(at) {
    this.current = at;
    const top = this.first;
    if (at < top || at + 1 > top + this.box.clientHeight / this.height) this.first = at - this.visible / 2;
    else this.paint();
  }

  take(start, rows) {
    rows.forEach((row, n) => this.rows.set(start + n, row));
    this.paint();
  }

  paint() {
    if (!this.box.isConnected) return;
    const near = this.exact !== undefined && Math.abs(this.first - this.exact) < 8;
    const top = this.scaled && near ? this.exact : this.first;
    if (!near) this.exact = undefined;
    const from = Math.max(0, Math.floor(top)), to = Math.min(this.n, Math.floor(top) + this.visible + 2);
    for (const [at, node] of this.nodes) {
      if (at < from || at >= to || node.row !== this.rows.get(at) || node.now !== (at === this.current)) {
        node.remove();
        this.nodes.delete(at);
      }
    }
    const scrolled = this.box.scrollTop; // read once: each reading after a change lays the page out anew
    // Rows that stay are not touched, so that the focus inside one is kept.
    for (let at = from, before = this.layer.firstChild; at < to; at++) {
      let node = this.nodes.get(at);
      if (!node) {
        node = this.made(at);
        this.nodes.set(at, node);
        this.layer.insertBefore(node, before);
      } else before = node.nextSibling;
      node.style.top = `${scrolled - (top - at) * this.height}px`;
    }
  }

  made(at) {
    const row = this.rows.get(at), now = at === this.current;
    if (!row) this.want(Math.floor(at / PAGE));
    const node = el("div", {
      class: `row${now ? " now" : ""}`, role: "listitem", "data-at": at, "aria-setsize": this.n,
      "aria-posinset": at + 1, "aria-current": now ? "true" : null,
    }, ...(row ? this.draw(row, at) : [el("span", { class: "quiet" }, "…")]));
    node.style.height = `${this.height}px`;
    return Object.assign(node, { row, now });
  }

  want(page) {
    if (this.asked.has(page)) return;
    this.asked.add(page);
    this.ask(page * PAGE, Math.min(this.n, (page + 1) * PAGE));
  }

  stop() { this.watcher.disconnect(); }
}
