// Status 103: when it arrived, when the response arrived, and what the browser did.

import {badge, find, nameOf} from "./connection.js";

const page = performance.getEntriesByType("navigation")[0];
const ms = value => `${Math.round(value)}\u00a0ms`;

// Positions on a time line: the request, the hints, the response.
function draw(hints, answer) {
  const chart = find("hints-chart");
  chart.replaceChildren();
  const put = (name, text, at, edge) => {
    const element = document.createElement(name);
    element.textContent = text;
    element.style.left = `${at}%`;
    if (edge && name !== "i") element.className = edge;
    chart.append(element);
  };
  const place = hints === null ? [] : [["103", hints, Math.min(74, Math.max(28, 100 * hints / answer)), ""]];
  for (const [title, time, at, edge] of [["asked", 0, 0, "start"], ...place, ["200", answer, 100, "end"]]) {
    put("i", "", at, edge);
    put("b", title, at, edge);
    put("small", ms(time), at, edge);
  }
  chart.setAttribute("aria-label",
    (hints === null ? "No status 103. " : `Status 103 after ${ms(hints)}, `) + `status 200 after ${ms(answer)}`);
}

function tellPage() {
  const told = page.firstInterimResponseStart;
  const answer = (page.finalResponseHeadersStart || page.responseStart) - page.requestStart;
  badge("hints", page.nextHopProtocol);
  draw(told ? told - page.requestStart : null, answer);
  const early = performance.getEntriesByType("resource")
    .filter(entry => entry.initiatorType === "early-hints")
    .map(entry => new URL(entry.name).pathname.slice(1));
  find("hints-page").textContent = told === undefined ? "This browser does not report when a 103 arrives."
    : !told ? `Over ${nameOf(page.nextHopProtocol)} none came with this page.`
    : early.length ? `In between, your browser has fetched ${early.join(" and ")}.`
    : "The 103 came, and this time your browser did nothing with it: it is free to, and does so "
      + "where it does not trust the certificate.";
}

async function ask() {
  find("hints-ask").disabled = true;
  try {
    const name = `/hints?${Math.random().toString(36).slice(2)}`;
    const {sent} = await (await fetch(name)).json();
    await new Promise(done => setTimeout(done, 50));
    const entry = performance.getEntriesByName(new URL(name, location).href)[0];
    const told = entry?.firstInterimResponseStart;
    find("hints-result").textContent = !sent ? "The server could not send one here."
      : told ? `The 103 came after ${ms(told - entry.requestStart)}, the answer after `
        + `${ms(entry.finalResponseHeadersStart - entry.requestStart)}. Browsers act on the hints of pages alone.`
      : "The server has sent one; this browser does not report it.";
  } catch {
    find("hints-result").textContent = "The server does not answer.";
  }
  find("hints-ask").disabled = false;
}

find("hints-ask").onclick = ask;
// before the waterfall clears the list of loaded resources
tellPage();
