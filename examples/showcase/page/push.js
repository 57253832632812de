// Server push: whether it is allowed.

import {badge, find, nameOf} from "./connection.js";

try {
  const response = await fetch("/push");
  const {pushed, http_version} = await response.json();
  const protocol = http_version === "2" ? "h2" : `http/${http_version}`;
  badge("push", protocol);
  find("push-result").textContent = pushed.length ? `The server has pushed ${pushed.join(" and ")} to this browser.`
    : protocol === "h2" ? "Your browser has said SETTINGS_ENABLE_PUSH = 0: the server was not allowed to push anything."
    : `${nameOf(protocol)} has no push: nothing was pushed.`;
} catch {
  find("push-result").textContent = "The server does not answer.";
}
