(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const { css, plain, line, steps } = page, { wash, heldTogether } = run;
  const span = (ms) => ms == null ? "–" : ms >= 10000 ? (ms / 1000).toFixed(1) + " s" : ms >= 1000 ? (ms / 1000).toFixed(2) + " s" : ms.toFixed(0) + " ms";
  const tick = (ms) => ms >= 1000 ? plain(ms / 1000) + " s" : ms + " ms";

  // Behind the curves: stages, gaps. In front: scale events and the bounds of objectives.
  const behind = (named) => (u) => {
    const { ctx, bbox } = u, ratio = devicePixelRatio;
    const x = (s) => u.valToPos(s, "x", true);
    const clip = (a, b) => [Math.max(bbox.left, x(a)), Math.min(bbox.left + bbox.width, x(b))];
    ctx.save();
    ctx.font = `${11.5 * ratio}px system-ui, sans-serif`;
    data.stages.forEach((stage, i) => {
      const [from, to] = clip(stage.from, stage.to);
      if (to <= from) return;
      if (i % 2 === 0) { ctx.fillStyle = css("--band"); ctx.fillRect(from, bbox.top, to - from, bbox.height); }
      if (named && to - from > ctx.measureText(stage.name).width + 8 * ratio) {
        ctx.fillStyle = css("--muted"); ctx.textAlign = "center"; ctx.textBaseline = "top";
        ctx.fillText(stage.name, (from + to) / 2, bbox.top + 3 * ratio);
      }
    });
    // The steps of a Knee: a line where each begins, and what it asked for.
    data.steps.forEach((step) => {
      const [from, to] = clip(step.from, step.to);
      if (to <= from) return;
      const label = step.value + (step.failed ? " ✕" : "");
      ctx.fillStyle = css(step.failed ? "--c-failed" : "--muted");
      ctx.globalAlpha = .45; ctx.fillRect(from, bbox.top, ratio, bbox.height); ctx.globalAlpha = 1;
      if (named && to - from > ctx.measureText(label).width + 8 * ratio) {
        ctx.textAlign = "left"; ctx.textBaseline = "top"; ctx.fillText(label, from + 4 * ratio, bbox.top + 18 * ratio);
      }
    });
    ctx.fillStyle = css("--gap");
    data.gaps.forEach((gap) => { const [from, to] = clip(gap.from, gap.to); if (to > from) ctx.fillRect(from, bbox.top, to - from, bbox.height); });
    // From zero replicas to the first replica that serves.
    ctx.strokeStyle = css("--c-failed"); ctx.globalAlpha = .35; ctx.lineWidth = ratio;
    data.atZero.forEach((span) => {
      const [from, to] = clip(span.from, span.to);
      if (to <= from) return;
      ctx.save(); ctx.beginPath(); ctx.rect(from, bbox.top, to - from, bbox.height); ctx.clip(); ctx.beginPath();
      for (let at = from - bbox.height; at < to; at += 9 * ratio) { ctx.moveTo(at, bbox.top + bbox.height); ctx.lineTo(at + bbox.height, bbox.top); }
      ctx.stroke(); ctx.restore();
    });
    ctx.restore();
  };
  const front = (labelled, bounds) => (u) => {
    const { ctx, bbox } = u, ratio = devicePixelRatio;
    ctx.save();
    ctx.beginPath(); ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height); ctx.clip();
    ctx.lineWidth = ratio; ctx.font = `600 ${11 * ratio}px system-ui, sans-serif`; ctx.textBaseline = "top"; ctx.textAlign = "left";
    // With a rim, so that curves behind it leave it legible.
    const write = (label, x, y) => {
      ctx.globalAlpha = 1; ctx.fillStyle = ctx.strokeStyle; ctx.strokeStyle = css("--surface"); ctx.setLineDash([]); ctx.lineWidth = 3 * ratio;
      ctx.strokeText(label, x, y); ctx.fillText(label, x, y); ctx.lineWidth = ratio;
    };
    // A label that would touch another one goes below it; where there is no room, the line alone is drawn.
    const ends = [], LEVELS = 4;
    const level = (x, width) => { let at = 0; while (at < ends.length && ends[at] > x) at += 1; if (at < LEVELS) ends[at] = x + width; return at; };
    data.events.forEach((event) => {
      const x = Math.round(u.valToPos(event.at, "x", true)) + .5;
      ctx.strokeStyle = css(event.step > 0 ? "--c-served" : "--c-p95"); ctx.globalAlpha = labelled ? .9 : .35;
      ctx.setLineDash([3 * ratio, 3 * ratio]);
      ctx.beginPath(); ctx.moveTo(x, bbox.top); ctx.lineTo(x, bbox.top + bbox.height); ctx.stroke();
      if (!labelled) return;
      const label = (event.step > 0 ? "+" : "−") + Math.abs(event.step), at = level(x, ctx.measureText(label).width + 6 * ratio);
      if (at < LEVELS) { write(label, x + 3 * ratio, bbox.top + (2 + 13 * at) * ratio); }
    });
    if (bounds) {
      ctx.globalAlpha = 1; ctx.strokeStyle = css("--c-bound"); ctx.lineWidth = 1.5 * ratio; ctx.setLineDash([6 * ratio, 4 * ratio]);
      data.bounds.forEach((bound) => {
        const y = u.valToPos(bound.milliseconds, "y", true);
        ctx.beginPath(); ctx.moveTo(u.valToPos(bound.from, "x", true), y); ctx.lineTo(u.valToPos(bound.to, "x", true), y); ctx.stroke();
      });
    }
    ctx.restore();
  };

  const draw = (id, columns, series, { named, labelled, bounds, ...options } = {}) => run.draw(id, columns, series, {
    ...options, behind: [behind(named), ...(options.behind || [])], front: [front(labelled, bounds), ...(options.front || [])],
  });

  draw("chart-load", data.load, [
    line("planned", "--c-planned", { dash: [4, 4], width: 1.5 }), steps("offered", "--c-offered"),
    steps("served", "--c-served", { fill: wash("--c-served") }), steps("not served", "--c-failed"),
  ], { named: true, format: plain, steps: true });
  draw("chart-first-token", data.firstToken, [
    line("p95", "--c-p95", { value: (_u, v) => span(v) }), line("p50", "--c-p50", { value: (_u, v) => span(v) }),
  ].reverse(), { format: tick, bounds: true, least: 100 });
  draw("chart-replicas", heldTogether(data.replicas, ...data.range), [
    steps("desired", "--c-desired", { dash: [5, 3] }), steps("ordered (spec)", "--c-spec"), steps("created", "--c-created", { show: false }),
    steps("Ready", "--c-ready", { fill: wash("--c-ready"), width: 2.25 }), steps("serving", "--c-serving", { dash: [2, 3] }),
  ], { labelled: true, steps: true, incrs: [1, 2, 5, 10, 20, 50, 100, 200], height: 170 });
  const names = { in_flight: ["in flight", "--c-in-flight"], requests_waiting: ["waiting", "--c-waiting"], requests_running: ["running", "--c-running"] };
  const curves = data.queue.filter((curve) => curve.x.length && names[curve.name]);
  const joined = curves.length ? uPlot.join(curves.map((curve) => [curve.x, curve.y])) : [[]];
  draw("chart-queue", joined, curves.map((curve) => line(...names[curve.name], { spanGaps: true })), { format: plain });

  // The autoscaler: the band that it may move in, and a strip of what bound each sync. A want far beyond the maximum is
  // drawn at the upper edge, so that the rest can be read; the legend has the number.
  const scaler = data.autoscaler;
  if (document.getElementById("chart-autoscaler")) {
    const band = (u) => {
      const { ctx, bbox } = u, top = u.valToPos(scaler.maximum, "y", true), bottom = u.valToPos(scaler.minimum, "y", true);
      ctx.save(); ctx.beginPath(); ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height); ctx.clip();
      ctx.fillStyle = css("--c-band"); ctx.fillRect(bbox.left, top, bbox.width, bottom - top);
      ctx.strokeStyle = css("--muted"); ctx.globalAlpha = .5; ctx.lineWidth = devicePixelRatio; ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
      [top, bottom].forEach((y) => { ctx.beginPath(); ctx.moveTo(bbox.left, y); ctx.lineTo(bbox.left + bbox.width, y); ctx.stroke(); });
      ctx.restore();
    };
    const strip = (u) => {
      const { ctx, bbox } = u, ratio = devicePixelRatio, height = 9 * ratio;
      scaler.bound.forEach((spell) => {
        const from = Math.max(bbox.left, u.valToPos(spell.from, "x", true)), to = Math.min(bbox.left + bbox.width, u.valToPos(spell.to, "x", true));
        if (to <= from) return;
        ctx.fillStyle = css("--lost-" + spell.cause); ctx.fillRect(from, bbox.top + bbox.height - height, Math.max(to - from - ratio, ratio), height);
      });
    };
    const boundAt = (x) => { const spell = scaler.bound.find((one) => one.from <= x && x < one.to); return spell ? spell.label : "–"; };
    const most = Math.max(2, 2 * scaler.maximum), [times, wanted, raw, ...rest] = scaler.columns;
    const edge = (column) => column.map((v) => v == null ? v : Math.min(v, most * .88));
    const shown = (column) => ({ value: (_u, _v, _s, i) => plain(i == null ? null : column[i]) });
    draw("chart-autoscaler", [times, edge(wanted), edge(raw), ...rest, times.map(() => null)], [
      steps("wanted (unclamped ratio)", "--c-wanted", { dash: [2, 3], ...shown(wanted) }), steps("proposed", "--c-desired", { dash: [5, 3], ...shown(raw) }),
      steps("desired", "--c-spec"), steps("Ready", "--c-ready", { fill: wash("--c-ready"), width: 2.25 }),
      line("bound by", "--muted", { value: (u, _v, _s, i) => i == null ? "–" : boundAt(u.data[0][i]) }),
    ], { steps: true, incrs: [1, 2, 5, 10, 20, 50, 100, 200], height: 200, labelled: true, most, behind: [band], front: [strip] });
  }

  page.start();
})();
