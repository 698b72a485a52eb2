// The last screen of a blind sample: how often each threshold was right, and what it would confirm.

function sampleEnd(end) {
  const percent = (v) => (v === null ? "–" : `${(100 * v).toFixed(1)} %`);
  const table = el("table", { class: "sample" }, el("caption", {}, "Of the sampled pairs at least this probable, how many you found to be the same"),
    el("thead", {}, el("tr", {}, ...["probability from", "sampled", "the same", "precision", "95 % interval", "would confirm"].map(
      (h) => el("th", { scope: "col" }, h)))),
    el("tbody", {}, ...end.table.map((r) => el("tr", {}, el("th", { scope: "row" }, percent(r.threshold)),
      el("td", { class: "n" }, r.sampled), el("td", { class: "n" }, r.same), el("td", { class: "n" }, percent(r.precision)),
      el("td", { class: "n" }, r.sampled ? `${percent(r.low)} – ${percent(r.high)}` : "–"),
      el("td", { class: "n" }, r.would_confirm.toLocaleString("en"))))));
  const out = el("output", { class: "moved", "aria-live": "polite" });
  const slide = el("input", { type: "range", min: 0, max: end.steps.length - 1, value: end.at, "aria-label": "Threshold", class: "slide" });
  const tell = () => {
    const s = end.steps[Number(slide.value)];
    slide.setAttribute("aria-valuetext", percent(s.threshold));
    out.replaceChildren(el("p", {}, el("b", {}, `From ${percent(s.threshold)}: `), `${plural(s.would_confirm, "pair")} would be confirmed; `,
      s.contradicts ? `${plural(s.contradicts, "decision")} of yours would be contradicted:` : "no decision of yours would be contradicted."),
    s.named.length ? el("ul", {}, ...s.named.map((n) => el("li", {}, bdi(n)))) : "");
  };
  slide.addEventListener("input", tell);
  tell();
  return el("div", { class: "end", role: "status" }, el("h3", {}, end.text), table,
    el("h4", {}, "Where would you draw the line?"), slide, out,
    end.code ? el("p", {}, el("code", {}, end.code)) : null);
}
