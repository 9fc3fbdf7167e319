// Charts on the clock of one run: one cursor, one zoom, by pointer and by keyboard, and each as a table.
const run = ((range) => {
  const { css, charts, plain, axis, held, element } = page;
  // How many rows the table of a chart has at most: a reader goes through all of them.
  const ROWS = 40;
  // Pixels across a sheet of A4 or Letter between its margins, what two charts beside each other have of it, and the
  // part of its height that a chart has there.
  const PAPER = 680, HALF = 330, LOWER = .72;
  let view = range, zooming = false;

  const clock = (s) => {
    const sign = s < 0 ? "−" : "", whole = Math.abs(s);
    if (whole < 120 && range[1] <= 180) return sign + (Number.isInteger(whole) ? whole : whole.toFixed(1)) + " s";
    const minutes = Math.floor(whole / 60), rest = Math.floor(whole % 60);
    return sign + minutes + ":" + String(rest).padStart(2, "0");
  };
  const exactly = (s) => clock(Math.round(s * 10) / 10);
  const wash = (color) => (u) => { const c = css(color); if (!(u.bbox.height > 0)) return c + "20"; const g = u.ctx.createLinearGradient(0, u.bbox.top, 0, u.bbox.top + u.bbox.height); g.addColorStop(0, c + "38"); g.addColorStop(1, c + "0a"); return g; };

  const zoom = (min, max) => {
    if (zooming || !(max > min) || (min === view[0] && max === view[1])) return;
    zooming = true;
    view = [min, max];
    charts.forEach((chart) => chart.setScale("x", { min, max }));
    zooming = false;
    document.getElementById("reset").hidden = min <= range[0] && max >= range[1];
    document.querySelectorAll("details[data-chart][open]").forEach((one) => one.dispatchEvent(new Event("toggle")));
  };
  const whole = () => zoom(range[0], range[1]);
  // By a factor about an instant, never beyond the run and never closer than a tenth of a second.
  const scale = (factor, about) => {
    const length = Math.min(range[1] - range[0], Math.max(.1, (view[1] - view[0]) * factor));
    const from = Math.min(Math.max(range[0], about - (about - view[0]) * length / (view[1] - view[0])), range[1] - length);
    zoom(from, from + length);
  };
  const pan = (share) => {
    const length = view[1] - view[0], from = Math.min(Math.max(range[0], view[0] + share * length), range[1] - length);
    zoom(from, from + length);
  };

  // What a series shows at a point, as its legend does.
  const shown = (u, series, index) => { const text = u.series[series].value(u, u.data[series][index], series, index); return text == null ? "–" : String(text); };
  const spoken = (u, index) => [exactly(u.data[0][index]), ...u.series.slice(1).map((one, i) => one.show ? `${one.label} ${shown(u, i + 1, index)}` : "").filter(Boolean)].join(", ");

  // Arrows move the cursor from point to point, + and - zoom about it, Home and Escape show the whole run.
  const keyboard = (host, chart, says) => {
    const visible = () => chart.data[0].reduce((found, x, i) => { if (x >= view[0] && x <= view[1]) found.push(i); return found; }, []);
    const move = (by) => {
      const points = visible();
      if (!points.length) { says.textContent = "no point in view"; return; }
      const now = chart.cursor.idx == null ? -1 : points.indexOf(chart.cursor.idx);
      const next = points[now < 0 ? (by > 0 ? 0 : points.length - 1) : Math.min(points.length - 1, Math.max(0, now + by))];
      chart.setCursor({ left: chart.valToPos(chart.data[0][next], "x"), top: 8 }, true, true);
      says.textContent = spoken(chart, next);
    };
    const about = () => chart.cursor.idx == null ? (view[0] + view[1]) / 2 : chart.data[0][chart.cursor.idx];
    const zoomed = () => { says.textContent = `${exactly(view[0])} to ${exactly(view[1])} in view`; };
    const actions = {
      ArrowLeft: () => move(-1), ArrowRight: () => move(1), PageUp: () => move(-10), PageDown: () => move(10),
      "+": () => { scale(.5, about()); zoomed(); }, "=": () => { scale(.5, about()); zoomed(); }, "-": () => { scale(2, about()); zoomed(); },
      Home: () => { whole(); zoomed(); }, Escape: () => { whole(); zoomed(); },
      ",": () => { pan(-.25); zoomed(); }, ".": () => { pan(.25); zoomed(); },
    };
    host.tabIndex = 0;
    host.setAttribute("role", "application");
    host.setAttribute("aria-roledescription", "chart");
    host.setAttribute("aria-describedby", "chart-keys");
    host.addEventListener("keydown", (event) => {
      const act = event.ctrlKey || event.altKey || event.metaKey ? null : actions[event.key];
      if (act && event.target === host) { event.preventDefault(); act(); }
    });
    host.addEventListener("blur", () => chart.setCursor({ left: -10, top: -10 }, true, true));
  };

  // The chart as a table: of each part of what is in view, the first point and for every curve its lowest and highest.
  const tabled = (host, chart, title) => {
    const details = element("details"), body = element("div", "scroll");
    details.dataset.chart = host.id;
    details.append(element("summary", "", `${title}: as a table`), body);
    const fill = () => {
      const points = [];
      chart.data[0].forEach((x, i) => { if (x >= view[0] && x <= view[1]) points.push(i); });
      const table = element("table"), head = table.createTHead().insertRow(), rows = table.createTBody();
      table.createCaption().textContent = `${title}, ${exactly(view[0])} to ${exactly(view[1])}`;
      const named = chart.series.map((one, i) => [one, i]).slice(1).filter(([one]) => one.label);
      head.append(element("th", "n", "at"), ...named.map(([one]) => element("th", "n", one.label)));
      const size = Math.max(1, Math.ceil(points.length / ROWS));
      for (let at = 0; at < points.length; at += size) {
        const part = points.slice(at, at + size), row = rows.insertRow();
        row.append(element("td", "n", exactly(chart.data[0][part[0]])), ...named.map(([, series]) => element("td", "n", extremes(chart, series, part))));
      }
      body.replaceChildren(table);
    };
    details.addEventListener("toggle", () => { if (details.open) fill(); });
    host.after(details);
  };
  const extremes = (u, series, part) => {
    const known = part.filter((i) => u.data[series][i] != null);
    if (!known.length) return part.length ? shown(u, series, part[0]) : "–";
    const by = (a, b) => u.data[series][a] - u.data[series][b], low = known.reduce((a, b) => by(b, a) < 0 ? b : a), high = known.reduce((a, b) => by(b, a) > 0 ? b : a);
    const texts = [...new Set([shown(u, series, low), shown(u, series, high)])];
    return texts.length > 1 ? texts.join(" to ") : texts[0];
  };

  // Options: height, whole (as high on paper), format and incrs of the y axis, most and least of it, steps (hold until the next point), and what is
  // drawn `behind` and in `front` of the curves: functions of the chart.
  const draw = (id, columns, series, options = {}) => {
    const host = document.getElementById(id);
    if (!host) return;
    if (!columns.length || !columns[0].length) { host.textContent = "Nothing of this was recorded."; host.className = "empty"; return; }
    const height = options.height || 160;
    const chart = new uPlot({
      width: host.clientWidth, height,
      cursor: { y: false, ...(options.steps ? { dataIdx: held } : {}), sync: { key: "run", setSeries: false, scales: ["x", null] }, drag: { x: true, y: false, setScale: true }, points: { size: 7 }, bind: { dblclick: () => () => { whole(); return null; } } },
      legend: { live: true },
      scales: { x: { time: false, range: (_u, min, max) => host.dataset.ready ? [min, max] : range },
        y: { range: (_u, _min, max) => [0, Math.min(options.most || Infinity, Math.max(options.least || 1, (max || 0) * 1.12))] } },
      axes: [axis({ values: (_u, ticks) => ticks.map(clock), incrs: [.1, .2, .5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200], space: 70, size: 30 }),
        axis({ size: 58, values: (_u, ticks) => ticks.map(options.format || plain), incrs: options.incrs })],
      series: [{ label: "at", value: (_u, v) => v == null ? "–" : exactly(v) }, ...series],
      hooks: { drawClear: options.behind || [], draw: options.front || [],
        ready: [() => { host.dataset.ready = "1"; }],
        setScale: [(u, key) => { if (key === "x" && host.dataset.ready) zoom(u.scales.x.min, u.scales.x.max); }] },
    }, columns, host);
    page.keys(host, series);
    const caption = host.closest("figure")?.querySelector("figcaption"), title = caption ? caption.firstChild.textContent.trim() || caption.textContent.trim() : id;
    host.setAttribute("aria-label", title);
    const says = element("p", "unseen");
    says.setAttribute("role", "status");
    host.after(says);
    keyboard(host, chart, says);
    tabled(host, chart, title);
    charts.push(chart);
    let printed = false;
    const fit = () => { if (host.clientWidth && !printed) chart.setSize({ width: host.clientWidth, height }); };
    new ResizeObserver(fit).observe(host);
    const onPaper = { width: host.closest(".multiples") ? HALF : PAPER, height: options.whole ? height : Math.round(height * LOWER) };
    addEventListener("beforeprint", () => { printed = true; chart.setSize(onPaper); });
    addEventListener("afterprint", () => { printed = false; fit(); });
  };

  // Curves of their own times, (times, values) each, as the columns of one chart in which each holds until its next point.
  const heldTogether = (curves, from, to) => {
    const times = [...new Set([from, to, ...curves.flatMap(([x]) => x)])].sort((a, b) => a - b);
    return [times, ...curves.map(([x, y]) => {
      let at = -1;
      return times.map((time) => { while (at + 1 < x.length && x[at + 1] <= time) at += 1; return at < 0 ? null : y[at]; });
    })];
  };
  document.getElementById("reset")?.addEventListener("click", whole);
  return { draw, zoom, whole, clock, wash, heldTogether, get view() { return view; } };
})(JSON.parse(document.getElementById("data").textContent).range);
