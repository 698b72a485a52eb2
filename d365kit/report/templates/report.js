(() => {
  const tools = document.querySelector(".tools");
  const checks = [...document.querySelectorAll("details.check")];
  const all = [...document.querySelectorAll("details")];
  if (tools) {
    tools.hidden = false;
    const rows = checks.map((check) => [check, [...check.querySelectorAll("tbody tr")]]);
    const says = document.getElementById("filter-says");
    const field = document.getElementById("filter");
    let texts = null;
    const filter = () => {
      const wanted = field.value.trim().toLocaleLowerCase();
      texts ??= new Map(rows.flatMap(([, trs]) => trs.map((tr) => [tr, tr.textContent.toLocaleLowerCase()])));
      let seen = 0;
      for (const [check, trs] of rows) {
        let here = 0;
        for (const tr of trs) {
          tr.hidden = Boolean(wanted) && !texts.get(tr).includes(wanted);
          here += tr.hidden ? 0 : 1;
        }
        check.hidden = Boolean(wanted) && here === 0;
        if (wanted && here) check.open = true;
        seen += here;
      }
      says.textContent = wanted ? `${seen.toLocaleString("en")} of ${texts.size.toLocaleString("en")} rows on this page` : "";
    };
    let wait;
    field.addEventListener("input", () => { clearTimeout(wait); wait = setTimeout(filter, 120); });
    tools.addEventListener("click", (event) => {
      const wish = event.target.dataset.do;
      if (wish) checks.forEach((check) => { check.open = wish === "open"; });
    });
  }
  const show = () => {
    const target = location.hash && document.getElementById(location.hash.slice(1));
    const around = target && target.closest("details");
    if (around) around.open = true;
  };
  addEventListener("hashchange", show);
  show();
  let closed = [];
  addEventListener("beforeprint", () => { closed = all.filter((d) => !d.open); closed.forEach((d) => { d.open = true; }); });
  addEventListener("afterprint", () => { closed.forEach((d) => { d.open = false; }); closed = []; });
})();
