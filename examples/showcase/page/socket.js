// A WebSocket: the server first sends its HTTP version, and then echoes messages.

import {badge, find, note, sameAsPage} from "./connection.js";

const KEPT = 4;

let socket;
let sent;
let known;

function open() {
  sent = [];
  known = false;
  socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/echo`);
  socket.onmessage = ({data}) => known ? heard(data) : introduced(JSON.parse(data));
  socket.onclose = ({code}) => {
    find("socket-state").textContent = `Closed with ${code}. “Send” opens it again.`;
  };
}

function introduced({http_version, connection}) {
  known = true;
  note(connection);
  badge("socket", http_version === "2" ? "h2" : `http/${http_version}`);
  find("socket-state").textContent = http_version === "2"
    ? `Over HTTP/2 (RFC 8441): a stream ${sameAsPage(connection)}.`
    : `Over HTTP/${http_version} (RFC 6455): ${sameAsPage(connection)}.`;
  // the page is busy until then
  if (document.readyState === "complete") send();
  else addEventListener("load", send, {once: true});
}

function heard(text) {
  const [wanted, begun] = sent.shift() ?? [];
  const line = document.createElement("li");
  const said = document.createElement("span");
  const took = document.createElement("small");
  said.textContent = text;
  took.textContent = text === wanted ? `back after ${(performance.now() - begun).toFixed(1)} ms` : "not what was sent";
  line.append(said, took);
  find("socket-log").append(line);
  while (find("socket-log").children.length > KEPT) find("socket-log").firstChild.remove();
}

function send() {
  const text = find("socket-text").value;
  sent.push([text, performance.now()]);
  socket.send(text);
}

find("socket-form").onsubmit = event => {
  event.preventDefault();
  if (socket.readyState === WebSocket.OPEN) send();
  else if (socket.readyState !== WebSocket.CONNECTING) open();
};
open();
