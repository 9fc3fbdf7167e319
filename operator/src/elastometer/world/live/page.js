"use strict";
// Everything foreign goes in as text, never as HTML. The token is in the fragment, which a browser sends to no server.
const PERIOD = 2000, DELIVERY = 3, WIDTH = 800, HEIGHT = 180, LEFT = 60, TOP = 10, BOTTOM = 24;
const find = (id) => document.getElementById(id);
const svg = (name, attributes, text) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const key in attributes) element.setAttribute(key, attributes[key]);
  if (text !== undefined) element.textContent = text;
  return element;
};
const number = (value, digits) => value === null || value === undefined ? "–" : value.toLocaleString("en", {maximumFractionDigits: digits});
const unit = (value, digits, text) => value === null || value === undefined ? "–" : number(value, digits) + text;

function remaining(progress) {
  const seconds = progress.remainingSeconds;
  if (seconds === null || seconds === undefined) return "–";
  const bound = progress.remainingSecondsAreExact === false ? "at most " : "";
  return bound + (seconds < 60 ? seconds + " s" : Math.floor(seconds / 60) + " min " + seconds % 60 + " s");
}

function rows(body, lines) {
  body.replaceChildren(...lines.map((cells) => {
    const row = document.createElement("tr");
    for (const cell of cells) row.insertCell().textContent = cell;
    return row;
  }));
}

// The next number of two digits whose half has no more: an axis that is easy to read.
function rounded(value) {
  const unit = 10 ** Math.floor(Math.log10(value)) / 5;
  return Math.ceil(value / unit) * unit;
}

// Times are seconds; a point without a value breaks its line.
function draw(id, points, step, lines) {
  const chart = find(id), times = points.map((point) => Date.parse(point.time) / 1000);
  const first = times[0], span = Math.max(times[times.length - 1] - first, step);
  const top = rounded(Math.max(1, ...lines.flatMap((line) => points.map((point) => line.value(point) ?? 0))));
  const x = (time) => LEFT + (time - first) / span * (WIDTH - LEFT - 10);
  const y = (value) => HEIGHT - BOTTOM - value / top * (HEIGHT - BOTTOM - TOP);
  const made = [0, top / 2, top].flatMap((value) => [
    svg("line", {class: "grid", x1: LEFT, x2: WIDTH, y1: y(value), y2: y(value)}),
    svg("text", {x: LEFT - 8, y: y(value) + 4, "text-anchor": "end"}, number(value, value < 10 ? 1 : 0))]);
  for (const time of [first, first + span]) {
    const clock = new Date(time * 1000).toISOString().slice(11, 19);
    made.push(svg("text", {x: x(time), y: HEIGHT - 6, "text-anchor": time === first ? "start" : "end"}, clock));
  }
  for (const line of lines) {
    let path = [];
    const paths = [path];
    points.forEach((point, index) => {
      const value = line.value(point);
      if (value === null || (index && times[index] - times[index - 1] > step)) paths.push(path = []);
      if (value !== null) path.push(x(times[index]).toFixed(1) + "," + y(value).toFixed(1));
    });
    for (const one of paths) if (one.length) {
      made.push(svg("polyline", {class: line.shade, points: one.length > 1 ? one.join(" ") : one[0] + " " + one[0]}));
    }
  }
  chart.replaceChildren(...made);
}

function show(live) {
  const progress = live.progress ?? {}, points = live.history.points, step = live.history.secondsPerPoint;
  rows(find("now").tBodies[0], [
    ["stage", progress.stage ?? "–"],
    ["users", number(progress.users, 0)],
    ["offered", progress.load ?? unit(live.offeredRequestsPerSecond, 1, "/s")],
    ["served", unit(live.servedRequestsPerSecond, 1, "/s")],
    ["latency P50", unit(live.latencyP50Milliseconds, 0, " ms")],
    ["latency P95", unit(live.latencyP95Milliseconds, 0, " ms")],
    ["time to first token P50", unit(live.timeToFirstTokenP50Milliseconds, 0, " ms")],
    ["replicas, ready/desired", progress.replicas ?? "–"],
    ["requests", number(live.sent, 0)],
    ["lost", number(live.failed, 0)],
    ["time left", remaining(progress)],
  ]);
  rows(find("losses").tBodies[0], live.lost.length ? live.lost.map((loss) =>
    [loss.outcome, loss.statusCode === undefined ? "no answer" : String(loss.statusCode), number(loss.count, 0)]) : [["none", "", ""]]);
  // Of the newest points not every request has ended and arrived yet, which would look like a fall.
  const whole = points.filter((point) => Date.parse(live.time) - Date.parse(point.time) >= (step + DELIVERY) * 1000);
  if (whole.length) {
    draw("rates", whole, step, [{shade: "served", value: (point) => point.served / step}, {shade: "lost", value: (point) => point.lost / step}]);
    draw("latencies", whole, step, [{shade: "served", value: (point) => point.latencyP50Milliseconds}, {shade: "high", value: (point) => point.latencyP95Milliseconds}]);
  }
}

const PROBLEMS = {
  401: "The token is missing or wrong.",
  404: "There is no such run, or it has been deleted.",
  503: "The operator is starting.",
};

function state(text, isOld) {
  find("note").textContent = text;
  find("view").classList.toggle("old", isOld);
}

async function poll() {
  const token = decodeURIComponent(location.hash.slice(1));
  find("ask").hidden = Boolean(token);
  if (!token) return state(PROBLEMS[401], true);
  let next = true;
  try {
    const answer = await fetch("live", {headers: {"X-Elastometer-Token": token}, cache: "no-store"});
    if (answer.ok) {
      const shown = await answer.json();
      show(shown);
      find("view").hidden = false;
      state("As of " + shown.time.slice(11, 19) + " UTC.", false);
    } else {
      state(PROBLEMS[answer.status] ?? "The operator answered with status " + answer.status + ".", true);
      find("ask").hidden = answer.status !== 401;
      next = answer.status !== 401;
    }
  } catch (error) {
    state("The operator cannot be reached: " + error.message + ". Trying again.", true);
  }
  if (next) timer = setTimeout(poll, PERIOD);
}

let timer;
const restart = () => { clearTimeout(timer); poll(); };
find("ask").addEventListener("submit", (event) => { event.preventDefault(); location.hash = encodeURIComponent(find("token").value); });
addEventListener("hashchange", restart);
restart();
