// Searches over the rows of tables that are too long to list. All text of the rows stays text.
(() => {
  const { element } = page;
  const tables = JSON.parse(document.getElementById("data").textContent).tables;
  const MATCHES = 20, SVG = "http://www.w3.org/2000/svg";

  const cells = ({ begin, words, cells }) => cells.map((one) => begin + (words ? words[one] : one));
  const drawn = (name, attributes) => { const made = document.createElementNS(SVG, name); Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value)); return made; };

  // The phases of one row on a scale that all matches share.
  const lane = (bars, parts, longest) => {
    const svg = drawn("svg", { class: "lane", width: "100%", height: 26 });
    for (let at = 0, from = 0; at < parts.length; at += 2) {
      const [name, label] = bars[parts[at]], took = parts[at + 1];
      if (took > 0) {
        const tip = `${label}: ${took >= 1000 ? (took / 1000).toFixed(2) + " s" : took + " ms"}`;
        const bar = drawn("svg", { class: `bar p-${name}`, x: `${100 * from / longest}%`, width: `${100 * took / longest}%`, height: 26, tabindex: 0, role: "img", "aria-label": tip, "data-tip": tip });
        bar.append(drawn("rect", { width: "100%", height: "100%" }));
        svg.append(bar);
      }
      from += took;
    }
    return svg;
  };
  const length = (parts) => parts.reduce((sum, one, i) => i % 2 ? sum + one : sum, 0);

  document.querySelectorAll(".search").forEach((host) => {
    const table = tables[host.dataset.table];
    const columns = table.columns.map(cells), input = host.querySelector("input"), found = host.querySelector(".found"), matches = host.querySelector(".matches");
    const rows = Array.from({ length: table.count }, (_, row) => columns.map((column) => column[row]));
    const texts = rows.map((row) => row.join("\n").toLowerCase());
    const show = () => {
      // Words of any cells, in any order; what is between quotes is one.
      const words = [...input.value.toLowerCase().matchAll(/"([^"]+)"|([^\s"]+)/g)].map(([, phrase, word]) => phrase || word);
      if (!words.length) { found.textContent = ""; matches.replaceChildren(); return; }
      const hits = texts.reduce((kept, text, row) => { if (words.every((word) => text.includes(word))) kept.push(row); return kept; }, []);
      const listed = hits.slice(0, MATCHES);
      found.textContent = hits.length ? `${hits.length.toLocaleString("en")} found` + (hits.length > MATCHES ? `, the first ${MATCHES} shown` : "") : "none found";
      const made = element("table"), head = made.createTHead().insertRow(), body = made.createTBody();
      const [name, ...facts] = table.head;
      head.append(...[name, ...(table.parts ? ["Phases"] : []), ...facts].map((one) => element("th", "", one)));
      const longest = table.parts ? Math.max(1, ...listed.map((row) => length(table.parts[row]))) : 1;
      listed.forEach((row) => {
        const line = body.insertRow(), [first, ...others] = rows[row].map((one) => element("td", "", one));
        line.append(first);
        if (table.parts) line.insertCell().append(lane(table.bars, table.parts[row], longest));
        line.append(...others);
      });
      const scroll = element("div", "scroll");
      if (listed.length) scroll.append(made);
      matches.replaceChildren(scroll);
      page.tips(matches);
    };
    input.addEventListener("input", show);
    host.hidden = false;
  });
})();
