// What the run used: a small chart for each quantity, and the heat map by replica, on the clock of the run.
(() => {
  const { stages, resources: { quantities, replicas } } = JSON.parse(document.getElementById("data").textContent);
  const { css, charts, element, line } = page;

  // Every other stage is shaded, as in the charts of the run.
  const bands = (u) => {
    const { ctx, bbox } = u, at = (s) => Math.min(bbox.left + bbox.width, Math.max(bbox.left, u.valToPos(s, "x", true)));
    ctx.fillStyle = css("--band");
    stages.forEach((stage, i) => { if (i % 2 === 0) ctx.fillRect(at(stage.from), bbox.top, at(stage.to) - at(stage.from), bbox.height); });
  };
  const PODS = 8, DASHES = { lowest: [2, 3], highest: [6, 3] };
  quantities.forEach((quantity, index) => {
    const series = quantity.lines.map((one, i) => line(one.name, `--r-${i % PODS}`, { width: 1.5, dash: DASHES[one.name], spanGaps: false, value: (_u, v) => v == null ? "–" : String(v) }));
    run.draw(`chart-resource-${index}`, [quantity.x, ...quantity.lines.map((one) => one.y)], series, { height: 110, behind: [bands], least: quantity.lines.some((one) => one.y.some((v) => v > 0)) ? 1e-6 : 1, format: (v) => v == null ? "–" : String(+v.toPrecision(3)) });
  });

  if (!replicas) return;
  const STOPS = 6, FEW = 10, row = replicas.pods.length > FEW ? 10 : 18;
  const hex = (text) => [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16));
  // The colours of one theme, between which a value's is taken.
  const ramp = () => { const stops = Array.from({ length: STOPS }, (_, i) => hex(css(`--heat-${i}`))); return (share) => {
    const place = Math.max(0, Math.min(1, share)) * (STOPS - 1), low = Math.min(STOPS - 2, Math.floor(place)), part = place - low;
    return `rgb(${stops[low].map((from, i) => Math.round(from + part * (stops[low + 1][i] - from))).join()})`;
  }; };
  const times = Array.from({ length: replicas.count }, (_, i) => replicas.from + i * replicas.interval);

  const cells = (rows, most) => (u) => {
    const { ctx, bbox } = u, ratio = devicePixelRatio, colour = ramp(), height = bbox.height / rows.length;
    ctx.save(); ctx.beginPath(); ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height); ctx.clip();
    rows.forEach((values, pod) => values.forEach((value, i) => {
      if (value == null) return;
      const from = u.valToPos(times[i], "x", true), to = u.valToPos(times[i] + replicas.interval, "x", true);
      if (to < bbox.left || from > bbox.left + bbox.width) return;
      ctx.fillStyle = colour(most > 0 ? value / most : 0);
      ctx.fillRect(Math.floor(from), bbox.top + pod * height, Math.ceil(to) - Math.floor(from), Math.max(1, height - ratio));
    }));
    ctx.restore();
  };
  // The end of a Pod's name is what tells it from the others of one Deployment.
  const names = (u) => {
    const { ctx, bbox } = u, ratio = devicePixelRatio, height = bbox.height / replicas.pods.length;
    ctx.save(); ctx.font = `${Math.min(11, row - 1) * ratio}px system-ui, sans-serif`; ctx.fillStyle = css("--muted"); ctx.textAlign = "right"; ctx.textBaseline = "middle";
    replicas.pods.forEach((pod, i) => ctx.fillText(/^\d+ others/.test(pod) ? pod.split(" (")[0] : pod.slice(-7), bbox.left - 5 * ratio, bbox.top + (i + .5) * height));
    ctx.restore();
  };
  const scaleOf = (host, most, unit) => {
    const scale = element("p", "heat-scale"), bar = element("canvas");
    bar.width = 160; bar.height = 10;
    scale.append(element("span", "", "0"), bar, element("span", "", `${+most.toPrecision(3)}${unit}`), element("span", "", "empty: not scraped"));
    host.after(scale);
    const paint = () => { const ctx = bar.getContext("2d"), colour = ramp(); for (let x = 0; x < bar.width; x += 1) { ctx.fillStyle = colour(x / (bar.width - 1)); ctx.fillRect(x, 0, 1, bar.height); } };
    paint();
    return paint;
  };

  const heat = (name, unit) => {
    const rows = replicas.maps[name], host = document.getElementById(`heat-${name}`);
    const most = rows.reduce((found, values) => values.reduce((a, v) => v > a ? v : a, found), 0);
    if (!host || !rows.some((values) => values.some((v) => v != null))) { if (host) host.textContent = "Nothing of this was scraped."; return; }
    if (rows.length > FEW) host.classList.add("many");
    let repaint = () => {};
    const series = replicas.pods.map((pod, i) => line(pod, `--r-${i % PODS}`, { paths: () => null, spanGaps: false, value: (_u, v) => v == null ? "–" : String(v) }));
    run.draw(host.id, [times, ...rows], series, { whole: true, height: rows.length * row + 80, least: rows.length, most: rows.length, steps: true, format: () => "", behind: [cells(rows, most)], front: [names, () => repaint()] });
    repaint = scaleOf(host, most, unit);
    const chart = charts.at(-1), over = chart.over;
    over.dataset.tip = "";
    over.addEventListener("pointermove", (event) => {
      const box = over.getBoundingClientRect(), pod = Math.min(rows.length - 1, Math.floor((event.clientY - box.top) / box.height * rows.length));
      const at = chart.posToVal(event.clientX - box.left, "x"), i = Math.floor((at - replicas.from) / replicas.interval), value = rows[pod][i];
      over.dataset.tip = `${replicas.pods[pod]}\n${run.clock(Math.round(at))}: ${value == null ? "not scraped" : value + unit}`;
    });
  };
  heat("waiting", " waiting");
  heat("running", " running");
  heat("kv", " %");
})();
