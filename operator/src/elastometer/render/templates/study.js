// The reader's choice of a baseline and of a measure. All text stays text.
const study = (async () => {
  const data = JSON.parse(document.getElementById("data").textContent), { element } = page;
  const SVG = "http://www.w3.org/2000/svg";
  const drawn = (name, attributes) => { const made = document.createElementNS(SVG, name); Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value)); return made; };
  const unpacked = async (text) => {
    const bytes = Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).json();
  };

  // What is in a cell of the tables: as the template writes it, and the reason, which would double the page there.
  const fill = (cell, found) => {
    cell.className = "difference";
    cell.removeAttribute("title");
    if (!found) { cell.replaceChildren(element("b", "", "baseline")); return; }
    const [number, change, note, reason] = found, [kind, word] = data.kinds[number];
    cell.classList.add(kind);
    if (reason) cell.title = reason;
    cell.replaceChildren(element("b", "", word), " ", ...(change ? [element("span", "", change), " "] : []), element("small", "", note));
  };
  const compare = (differences, baseline) => {
    const chosen = Number(baseline.value), name = data.variants[chosen];
    document.querySelectorAll("[data-difference]").forEach((cell) => {
      const [measure, variant] = cell.dataset.difference.split(" ").map(Number);
      fill(cell, differences[measure][chosen][variant]);
    });
    document.querySelectorAll(".to").forEach((one) => { one.textContent = name; });
    return name;
  };

  // A lane for each variant with a dot for each of its runs, all on one scale.
  const host = document.getElementById("strips");
  const lane = (ticks, one, height) => {
    const says = one.dots.map(([, repetition, text]) => `repetition ${repetition}: ${text}`);
    const middle = height / 2, svg = drawn("svg", { class: "dots", width: "100%", height, tabindex: 0, role: "img", "aria-label": says.join(", "), "data-tip": says.join("\n") });
    ticks.forEach(([at]) => svg.append(drawn("line", { class: "grid", x1: `${at}%`, x2: `${at}%`, y1: 0, y2: "100%" })));
    if (one.ends) svg.append(drawn("line", { class: "whisker", x1: `${one.ends[0]}%`, x2: `${one.ends[1]}%`, y1: middle, y2: middle }));
    if (one.dots.length) svg.append(drawn("line", { class: "middle", x1: `${one.median}%`, x2: `${one.median}%`, y1: middle - 12, y2: middle + 12 }));
    one.dots.forEach(([at]) => svg.append(drawn("circle", { cx: `${at}%`, cy: middle, r: 5 })));
    return svg;
  };
  const scatter = (strips, title) => {
    document.getElementById("strips-title").textContent = title;
    // As high together as the chart beside them, as long as each is high enough.
    const height = Math.max(30, Math.min(64, Math.round(330 / strips.lanes.length)));
    const rows = strips.lanes.map((one, variant) => {
      const row = element("div", "strip-row");
      row.setAttribute("role", "listitem");
      row.append(element("b", "", data.variants[variant]), one.dots.length ? lane(strips.ticks, one, height) : element("span", "empty", one.note || "not measured"), element("span", "n", one.text));
      return row;
    });
    const scale = element("div", "strip-row scale-row"), axis = drawn("svg", { class: "dots", width: "100%", height: 18, "aria-hidden": "true" });
    strips.ticks.forEach(([at, text]) => { const label = drawn("text", { x: `${at}%`, y: 13, "text-anchor": "middle" }); label.textContent = text; axis.append(label); });
    scale.append(element("span"), axis, element("span", "n", "median"));
    host.replaceChildren(...rows, scale);
    page.tips(host);
  };

  // The patch as text in the clipboard; where that is not allowed, as the reader's selection.
  document.querySelectorAll(".copy").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => {
      const range = document.createRange(), selection = getSelection();
      range.selectNodeContents(button.nextElementSibling);
      selection.removeAllRanges();
      selection.addRange(range);
      button.textContent = document.execCommand("copy") ? "Copied" : "Selected";
    });
  });
  page.start();
  if (!data.measures.length) return;

  const { strips, differences } = await unpacked(data.packed);
  const baseline = document.getElementById("baseline"), measure = document.getElementById("measure");
  const choose = () => scatter(strips[Number(measure.value)], data.measures[Number(measure.value)]);
  baseline.addEventListener("change", () => { document.getElementById("says").textContent = `Differences are to ${compare(differences, baseline)} now.`; });
  measure.addEventListener("change", choose);
  compare(differences, baseline);
  choose();
  document.querySelectorAll(".control").forEach((one) => { one.hidden = false; });
})();
