(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const colors = ["--c-ready", "--c-desired", "--c-offered", "--c-spec"];
  const series = data.names.map((name, i) => page.steps(name, colors[i % colors.length], { width: i ? 1.75 : 2.25, ...(data.predicted[i] ? { dash: [5, 3] } : {}) }));
  run.draw("chart-replicas", data.names.length ? [data.x, ...data.y] : [], series, { height: 220, steps: true, incrs: [1, 2, 5, 10, 20, 50, 100, 200] });
  page.start();
})();
