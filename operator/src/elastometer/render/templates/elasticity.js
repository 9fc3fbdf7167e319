// Supply against demand: what is missing and what is idle as areas, on the clock of the run.
(() => {
  const found = JSON.parse(document.getElementById("data").textContent).elasticity;
  if (!found || !document.getElementById("chart-elasticity")) return;
  const { css, steps, plain } = page, names = ["demand", "low", "high", "backlog", "ordered", "ready", "warm"];
  const [times, ...values] = run.heldTogether(names.map((name) => found.curves[name]), found.from, found.to);
  // Nothing is demanded outside of the load, and nothing outside of it is scored.
  const inside = times.map((time, i) => [time, i]).filter(([time]) => time >= found.from && time <= found.to).map(([, i]) => i);
  const columns = [times, ...values].map((column) => inside.map((i) => column[i]));
  const [x, demand, low, high, , , ready] = columns;

  // Rectangles between two curves that hold until the next time, where `color` says that there is an area.
  const between = (one, other, color, opacity) => (u) => {
    const { ctx, bbox } = u, y = (value) => u.valToPos(value, "y", true);
    ctx.save(); ctx.beginPath(); ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height); ctx.clip();
    ctx.globalAlpha = opacity;
    for (let i = 0; i + 1 < x.length; i += 1) {
      if (one[i] == null || other[i] == null || one[i] === other[i]) continue;
      const fill = color(one[i], other[i]);
      if (!fill) continue;
      const from = u.valToPos(x[i], "x", true), to = u.valToPos(x[i + 1], "x", true);
      if (to < bbox.left || from > bbox.left + bbox.width) continue;
      ctx.fillStyle = fill;
      ctx.fillRect(from, y(Math.max(one[i], other[i])), to - from, Math.abs(y(one[i]) - y(other[i])));
    }
    ctx.restore();
  };
  run.draw("chart-elasticity", [columns[0], demand, columns[4], columns[5], ready, columns[7]], [
    steps("demand", "--c-demand", { width: 2.25 }), steps("demand with backlog", "--c-demand", { dash: [2, 3], width: 1.25, show: false }),
    steps("ordered (spec)", "--c-spec", { dash: [5, 3] }), steps("Ready", "--c-ready", { width: 2.25 }), steps("warm", "--c-warm", { dash: [2, 2] }),
  ], { steps: true, format: plain, height: 220, behind: [
    between(low, high, () => css("--c-error"), 1),
    between(demand, ready, (d, s) => css(d > s ? "--c-missing" : "--c-idle"), .28),
  ] });
})();
