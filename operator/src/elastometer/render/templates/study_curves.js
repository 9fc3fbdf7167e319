// What cannot be shown without a script, and then the replica curves, a chart for each variant: all on one clock and one scale, a line for each repetition.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent), { css, steps } = page;
  document.querySelectorAll(".scripted").forEach((one) => { one.hidden = false; });
  data.charts.forEach((chart) => {
    const columns = run.heldTogether([chart.demand, ...chart.ready.map(([, x, y]) => [x, y])], ...data.range);
    run.draw(`curve-${chart.variant}`, columns, [
      steps("demand", "--c-planned", { width: 1, fill: run.wash("--c-planned"), dash: [3, 3] }),
      ...chart.ready.map(([repetition]) => steps(`run ${repetition}`, "--c-ready", { stroke: () => css("--c-ready") + "b8" })),
    ], { steps: true, height: 150, least: 1.12 * data.most, most: 1.12 * data.most, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500] });
  });
})();
