'use strict';
// Requests of several kinds to the soak's server, all at once; prints, for each, the checksums of
// the received bodies: [[sha256, …], …]. Any error ends it with status 1.
const crypto = require('node:crypto');
const fs = require('node:fs');
const http = require('node:http');
const https = require('node:https');
const http2 = require('node:http2');

const task = JSON.parse(process.argv[2]);
const ca = fs.readFileSync(task.ca);
const block = fs.readFileSync(task.block);

function pathOf({ kind, at, size }) {
  const query = `?at=${at}&size=${size}`;
  switch (kind) {
    case 'get': case 'cancel': return `/bytes${query}`;
    case 'file': return `/file${query}`;
    case 'push': return `/push${query}&tokens=a-b`;
    case 'post': return '/echo';
    case 'trailers': return '/trailers';
  }
}

function sum(stream) {
  return new Promise((resolve, reject) => {
    const hash = crypto.createHash('sha256');
    stream.on('data', (chunk) => hash.update(chunk));
    stream.on('end', () => resolve(hash.digest('hex')));
    stream.on('error', reject);
    stream.on('aborted', () => reject(new Error('aborted')));
  });
}

async function overHttp2(session, job, pushes) {
  const body = block.subarray(job.at, job.at + job.size);
  const up = job.kind === 'post' || job.kind === 'trailers';
  const request = session.request(
    { ':method': up ? 'POST' : 'GET', ':path': pathOf(job) },
    { endStream: !up, waitForTrailers: job.kind === 'trailers' },
  );
  if (job.kind === 'cancel') {
    await new Promise((resolve, reject) => {
      request.on('error', reject);
      request.on('response', () => {
        request.close(http2.constants.NGHTTP2_CANCEL);
        request.resume(); // a response that is complete by now would wait for its reader for ever
      });
      request.on('close', resolve);
    });
    return [];
  }
  const right = crypto.createHash('sha256').update(body).digest('hex');
  let trailer;
  request.on('wantTrailers', () => request.sendTrailers({ 'x-sha256': right }));
  request.on('trailers', (headers) => { trailer = headers['x-sha256']; });
  if (up) request.end(body);
  const whole = await sum(request);
  if (job.kind === 'trailers' && trailer !== right) throw new Error(`trailer ${trailer}`);
  return job.kind === 'push' ? Promise.all(pushes) : [whole];
}

function overHttp1(agent, job) {
  const body = block.subarray(job.at, job.at + job.size);
  const { request } = task.origin.startsWith('https') ? https : http;
  return new Promise((resolve, reject) => {
    const method = job.kind === 'post' ? 'POST' : 'GET';
    const sent = request(task.origin + pathOf(job), { agent, ca, method }, (response) => {
      if (job.kind === 'cancel') {
        response.on('error', () => {});
        response.on('close', () => resolve([]));
        sent.destroy();
      } else {
        sum(response).then((whole) => resolve([whole]), reject);
      }
    });
    sent.on('error', reject);
    sent.end(job.kind === 'post' ? body : undefined);
  });
}

// Requests that have not ended yet: printed after the time limit, to find the cause.
const open = new Set();

function noting(result, job) {
  open.add(job);
  return result.finally(() => open.delete(job));
}

setTimeout(() => {
  console.error(`after ${task.limit} s not done: ${JSON.stringify([...open])}, or the end`);
  process.exit(1);
}, task.limit * 1000).unref();

async function main() {
  if (task.http1) {
    const { Agent } = task.origin.startsWith('https') ? https : http;
    const agent = new Agent({ keepAlive: true, maxSockets: 3 });
    const sums = await Promise.all(task.jobs.map((job) => noting(overHttp1(agent, job), job)));
    agent.destroy();
    return sums;
  }
  const session = http2.connect(task.origin, { ca });
  const failed = new Promise((_, reject) => session.on('error', reject));
  const pushes = [];
  session.on('stream', (stream) => pushes.push(sum(stream)));
  const sums = await Promise.race([
    failed,
    Promise.all(task.jobs.map((job) => noting(overHttp2(session, job, pushes), job))),
  ]);
  await new Promise((resolve) => session.close(resolve));
  return sums;
}

main().then((sums) => console.log(JSON.stringify(sums)), (error) => {
  console.error(error);
  process.exit(1);
});
