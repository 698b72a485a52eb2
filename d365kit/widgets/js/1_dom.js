// Elements out of plain data. Values of records only ever become text nodes: nothing here parses HTML.

function el(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "class") made.className = value;
    else made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children.flat().filter((c) => c !== null && c !== undefined && c !== ""));
  return made;
}

// A value apart from the direction of the text around it.
const bdi = (text) => el("bdi", {}, text);

// A button with its key in the label; a click by mouse gives the keys back to the whole box.
function keyed(key, label, act, more) {
  const shown = key ? [el("kbd", { "aria-hidden": "true" }, key), " ", label] : [label];
  return el("button", { type: "button", "aria-keyshortcuts": key || null, onclick: act, ...(more || {}) }, ...shown);
}

function choice(label, options, value, act) {
  const select = el("select", { "aria-label": label, onchange: (e) => act(e.target.value) });
  for (const o of options) {
    const words = o.n === undefined ? o.title : `${o.title} (${o.n.toLocaleString("en")})`;
    select.append(el("option", { value: o.id, selected: o.id === value }, words));
  }
  return el("label", { class: "choice" }, el("span", {}, label), select);
}

const plural = (n, word) => `${n.toLocaleString("en")} ${word}${n === 1 ? "" : "s"}`;
