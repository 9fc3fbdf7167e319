(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const { charts, axis, steps, held } = page;
  const host = document.getElementById("chart-replicas");
  const colors = ["--c-ready", "--c-desired", "--c-offered", "--c-spec"];
  if (data.x.length) {
    const series = data.names.map((name, i) => steps(name, colors[i % colors.length], { width: i ? 1.75 : 2.25, ...(data.predicted[i] ? { dash: [5, 3] } : {}) }));
    const chart = new uPlot({
      width: host.clientWidth, height: 220,
      cursor: { y: false, dataIdx: held, drag: { x: true, y: false, setScale: true }, points: { size: 7 } },
      scales: { x: { time: false }, y: { range: (_u, _min, max) => [0, Math.max(1, max * 1.12)] } },
      axes: [axis({ values: (_u, ticks) => ticks.map((s) => s + " s"), space: 70, size: 30 }), axis({ size: 58, incrs: [1, 2, 5, 10, 20, 50, 100] })],
      series: [{ label: "at", value: (_u, v) => v == null ? "–" : Math.round(v * 10) / 10 + " s" }, ...series],
    }, [data.x, ...data.y], host);
    page.keys(host, series);
    charts.push(chart);
    new ResizeObserver(() => chart.setSize({ width: host.clientWidth, height: 220 })).observe(host);
  } else { host.textContent = "Nothing of this was recorded."; }
  page.start();
})();
