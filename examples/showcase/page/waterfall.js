// A hundred images, and when each was requested, waited for and received.

import {badge, connectionOf, find, nameOf} from "./connection.js";

const COUNT = 100;
const SVG = "http://www.w3.org/2000/svg";

performance.setResourceTimingBufferSize(1000);

// Load the tiles of `run`; resolve when all are done, with the number of failures.
function load(run) {
  find("tiles").replaceChildren();
  return Promise.all(Array.from({length: COUNT}, (_, number) => new Promise(done => {
    const image = new Image();
    image.alt = "";
    image.onload = () => { image.className = "there"; done(0); };
    image.onerror = () => done(1);
    image.src = `/tile/${number}.svg?${run}`;
    find("tiles").append(image);
  }))).then(missing => missing.reduce((sum, one) => sum + one, 0));
}

// The timings of `run`; those of the last images may arrive shortly after the images.
async function timings(run, wanted) {
  for (let patience = 100; ; patience--) {
    const entries = performance.getEntriesByType("resource")
      .filter(entry => entry.name.endsWith(`.svg?${run}`) && entry.responseStart > 0);
    if (entries.length >= wanted || patience === 0) return entries;
    await new Promise(done => setTimeout(done, 10));
  }
}

function shape(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

function draw(entries, begin, span) {
  const chart = shape("svg", {
    viewBox: `0 0 1000 ${COUNT * 4}`, preserveAspectRatio: "none", "aria-hidden": "true",
  });
  const room = Math.max(2, find("chart").clientWidth / 80);
  const step = [10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000].find(ms => span / ms <= room) ?? 60000;
  find("axis").replaceChildren();
  for (let ms = 0; ms <= span; ms += step) {
    const x = 1000 * ms / span;
    chart.append(shape("line", {x1: x, x2: x, y1: 0, y2: COUNT * 4}));
    const label = document.createElement("span");
    label.textContent = `${ms} ms`;
    label.style.left = `${x / 10}%`;
    // within the chart
    label.className = x === 0 ? "first" : x > 940 ? "last" : "";
    find("axis").append(label);
  }
  entries.forEach((entry, row) => {
    const times = [entry.startTime, entry.requestStart, entry.responseStart, entry.responseEnd];
    ["queued", "waiting", "receiving"].forEach((name, part) => {
      const x = 1000 * (times[part] - begin) / span;
      // show also bars without a duration
      const least = name === "receiving" ? 4 : 0;
      const width = Math.max(least, 1000 * (times[part + 1] - times[part]) / span);
      chart.append(shape("rect", {class: name, x: Math.min(x, 1000 - width), y: row * 4 + .4, width, height: 3.2}));
    });
  });
  find("chart").replaceChildren(chart);
}

async function run() {
  find("again").disabled = true;
  find("waterfall-result").textContent = "";
  performance.clearResourceTimings();
  const name = Math.random().toString(36).slice(2);
  const missing = await load(name);
  const entries = await timings(name, COUNT - missing);
  if (entries.length) tell(entries, missing);
  else find("waterfall-result").textContent = "The server does not answer.";
  find("again").disabled = false;
}

function tell(entries, missing) {
  entries.sort((one, other) => one.startTime - other.startTime);
  const begin = Math.min(...entries.map(entry => entry.startTime));
  const span = Math.max(...entries.map(entry => entry.responseEnd)) - begin;
  const waits = entries.flatMap(entry => entry.serverTiming)
    .reduce((sum, {name, duration}) => sum + (name === "wait" ? duration : 0), 0);
  const protocols = [...new Set(entries.map(entry => entry.nextHopProtocol))];
  const connections = new Set(entries.map(connectionOf)).size;
  draw(entries, begin, span * 1.02);
  badge("waterfall", protocols[0]);
  const took = `${entries.length} images over ${protocols.map(nameOf).join(" and ")}, `
    + `${connections} connection${connections === 1 ? "" : "s"}: ${Math.round(span)}\u00a0ms.`;
  find("waterfall-result").textContent =
    `${took} The server has waited ${(waits / 1000).toFixed(1)}\u00a0s for them in all.`
    + (missing ? ` ${missing} did not come.` : "");
  find("chart").setAttribute("role", "img");
  find("chart").setAttribute("aria-label", `When each image was requested and received. ${took}`);
}

find("again").onclick = run;
run();
