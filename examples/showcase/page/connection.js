// The connections of the page: counted from the browser's timings and the server's report on
// the connection of each response (the field `server-timing`, with the client's port).

const NAMES = {"h2": "HTTP/2", "h3": "HTTP/3", "http/1.1": "HTTP/1.1", "http/1.0": "HTTP/1.0"};

export const find = id => document.getElementById(id);

export const nameOf = protocol => NAMES[protocol] ?? (protocol || "not told");

// A protocol's badge on the panel `panel`.
export function badge(panel, protocol) {
  find(`${panel}-protocol`).textContent = nameOf(protocol);
  find(`${panel}-protocol`).hidden = false;
}

export const connectionOf = entry =>
  entry.serverTiming?.find(({name}) => name === "connection")?.description;

// The connections, with the number of responses over each.
const connections = new Map();
const entry = performance.getEntriesByType("navigation")[0];

// Count a response, as soon as it has begun.
export function note(connection) {
  if (!connection) return;
  connections.set(connection, (connections.get(connection) ?? 0) + 1);
  const total = [...connections.values()].reduce((sum, count) => sum + count, 0);
  find("requests").textContent = total;
  find("connections").textContent = connections.size;
}

export const pageConnection = connectionOf(entry);

// How the page's own connection relates to another.
export const sameAsPage = connection =>
  connection === pageConnection ? "on the connection of this page" : "on a connection of its own";

find("protocol").textContent = nameOf(entry.nextHopProtocol);
note(pageConnection);
new PerformanceObserver(list => {
  for (const entry of list.getEntries()) {
    // a response from a cache used no connection
    if (entry.transferSize > 0 && !entry.name.includes("/events")) note(connectionOf(entry));
  }
}).observe({type: "resource", buffered: true});

// the ports of `make serve`: the page is on both
if (location.protocol === "http:") {
  find("older").hidden = false;
  const link = find("older").querySelector("a");
  if (location.port === "8080") link.href = `https://${location.hostname}:8443/`;
} else if (location.port === "8443") {
  find("compare").href = `http://${location.hostname}:8080/`;
  find("compare").hidden = false;
}
