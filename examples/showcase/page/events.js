// Server-sent events: their number, and how regular they are.

import {badge, find, note, sameAsPage} from "./connection.js";

const KEPT = 60;
const USUAL = 500;

let source = null;
let before = 0;

function begin() {
  source = new EventSource("/events");
  before = 0;
  let known = false;
  find("events-toggle").textContent = "Stop";
  source.onmessage = event => {
    const {http_version, connection} = JSON.parse(event.data);
    if (!known) {
      known = true;
      note(connection);
      badge("events", http_version === "2" ? "h2" : `http/${http_version}`);
      // over HTTP/1.1 the page's own connection may be free again by now
      find("events-result").textContent = http_version === "2"
        ? `A stream ${sameAsPage(connection)}.` : "A connection is its own now.";
    }
    tick(event.lastEventId);
  };
  source.onerror = () => {
    known = false;
    before = 0;
    find("events-state").textContent = "interrupted; the browser tries again";
  };
}

function tick(number) {
  const now = performance.now();
  find("events-number").textContent = number;
  find("events-state").textContent = before ? `after ${Math.round(now - before)} ms` : "";
  if (before) {
    const bar = document.createElement("i");
    bar.style.height = `${Math.min(100, 60 * (now - before) / USUAL)}%`;
    find("events-chart").append(bar);
    if (find("events-chart").children.length > KEPT) find("events-chart").firstChild.remove();
  }
  before = now;
}

function end() {
  source.close();
  source = null;
  find("events-toggle").textContent = "Start";
  find("events-state").textContent = "stopped";
}

find("events-toggle").onclick = () => source ? end() : begin();
begin();
