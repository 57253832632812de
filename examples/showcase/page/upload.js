// An upload with its progress, and whether all of it has arrived.

import {badge, find} from "./connection.js";

const SIZE = 8 << 20;
// The most bytes that crypto.getRandomValues returns at a time.
const MOST = 65536;

const mebibytes = size => `${(size / (1 << 20)).toFixed(1)}\u00a0MiB`;

function random() {
  const bytes = new Uint8Array(SIZE);
  for (let at = 0; at < SIZE; at += MOST) crypto.getRandomValues(bytes.subarray(at, at + MOST));
  return new Blob([bytes]);
}

async function hash(blob) {
  // browsers offer it only on secure pages
  if (!crypto.subtle || blob.size > 256 << 20) return null;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await blob.arrayBuffer()));
  return Array.from(digest, byte => byte.toString(16).padStart(2, "0")).join("");
}

function say(text) {
  find("upload-result").textContent = text;
}

function upload() {
  const body = find("upload-file").files[0] ?? random();
  const request = new XMLHttpRequest();
  find("upload-start").disabled = true;
  find("upload-progress").value = 0;
  say("");
  request.upload.onprogress = ({loaded, total}) => {
    find("upload-progress").value = total ? loaded / total : 1;
    say(`${mebibytes(loaded)} of ${mebibytes(total)}`);
  };
  request.onload = async () => {
    if (request.status !== 200) return say(`The server answered with status ${request.status}.`);
    const {size, sha256, seconds, http_version} = JSON.parse(request.responseText);
    const expected = await hash(body);
    badge("upload", http_version === "2" ? "h2" : `http/${http_version}`);
    find("upload-progress").value = 1;
    const whole = expected === null ? "" : expected === sha256 && size === body.size
      ? " The checksums agree." : " What arrived is not what was sent.";
    say(`${mebibytes(size)} arrived in ${seconds.toFixed(2)}\u00a0s.${whole}`);
  };
  request.onerror = () => say("The upload was interrupted.");
  request.onloadend = () => { find("upload-start").disabled = false; };
  request.open("PUT", "/upload");
  request.send(body);
}

find("upload-start").onclick = upload;
