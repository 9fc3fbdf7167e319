"use strict";
// What every page does: colours from the style sheet, the reader's theme, tips at what has one, all details in print.
const page = (() => {
  const root = document.documentElement;
  const css = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  const charts = [];
  const system = matchMedia("(prefers-color-scheme: dark)");
  root.dataset.theme = system.matches ? "dark" : "light";
  const plain = (v) => v == null ? "–" : String(Math.round(v * 100) / 100);
  const axis = (more = {}) => ({ stroke: () => css("--muted"), font: "12px system-ui, sans-serif", grid: { stroke: () => css("--grid"), width: 1 }, ticks: { show: false }, ...more });
  const line = (label, color, more = {}) => ({ label, stroke: () => css(color), width: 1.75, points: { show: false }, value: (_u, v) => plain(v), key: color, ...more });
  const stepped = uPlot.paths.stepped({ align: 1 });
  const steps = (label, color, more = {}) => line(label, color, { paths: stepped, ...more });
  // A step holds from its instant on: the cursor reads the last one at or before it, not the nearest.
  const held = (u, _series, index, x) => index > 0 && u.data[0][index] > x ? index - 1 : index;
  const keys = (host, series) => host.querySelectorAll(".u-legend .u-series").forEach((row, i) => { if (i > 0) row.querySelector(".u-marker").style.setProperty("--key", `var(${series[i - 1].key})`); });
  // An element with its class and its text, which is never markup.
  const element = (name, className = "", text = "") => { const made = document.createElement(name); made.className = className; made.textContent = text; return made; };

  const tip = document.getElementById("tip");
  const show = (target, x, y) => {
    tip.textContent = target.dataset.tip; tip.hidden = false;
    const box = tip.getBoundingClientRect();
    tip.style.left = Math.max(8, Math.min(x + 14, innerWidth - box.width - 8)) + "px";
    tip.style.top = (y + 18 + box.height > innerHeight ? y - box.height - 10 : y + 18) + "px";
  };
  const hide = () => { tip.hidden = true; };
  const tips = (within) => within.querySelectorAll("[data-tip]").forEach((one) => {
    one.addEventListener("pointermove", (event) => show(one, event.clientX, event.clientY));
    one.addEventListener("pointerleave", hide);
    one.addEventListener("focus", () => { const box = one.getBoundingClientRect(); show(one, box.left, box.bottom); });
    one.addEventListener("blur", hide);
    one.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
  });

  // Once all charts are drawn.
  const start = () => {
    // Theme: the system's choice until the reader makes another.
    const button = document.getElementById("theme");
    let chosen = null;
    const paint = (theme) => {
      root.dataset.theme = theme;
      button.textContent = theme === "dark" ? "Light" : "Dark";
      charts.forEach((chart) => chart.redraw(false, true));
    };
    const current = () => chosen || (system.matches ? "dark" : "light");
    button.hidden = false;
    button.addEventListener("click", () => { chosen = current() === "dark" ? "light" : "dark"; paint(chosen); });
    system.addEventListener("change", () => paint(current()));
    // On paper everything is light, and nothing can be opened: what is brief there stays closed.
    let closed = [];
    addEventListener("beforeprint", () => {
      paint("light");
      closed = [...document.querySelectorAll("details:not([open], .brief, [data-chart])")];
      closed.forEach((one) => { one.open = true; });
    });
    addEventListener("afterprint", () => { closed.forEach((one) => { one.open = false; }); closed = []; paint(current()); });
    paint(current());
    tips(document);
  };
  return { css, charts, plain, axis, line, steps, held, keys, element, tips, start };
})();
