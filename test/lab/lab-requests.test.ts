/** What the lab answers, and to whom: any page and any program of this machine may ask. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { request } from 'node:http';
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { test } from 'node:test';

import { KiB, MiB } from '../../src/index.ts';
import { FrameReader } from '../../src/lab/protocol/frames.ts';
import type { StreamMessage } from '../../src/lab/protocol/messages.ts';
import { assertSettles, until } from '../support/runner/settled.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { admitted, ask, bearing, keyOf, passOf } from './ask-lab.ts';
import type { Answer } from './ask-lab.ts';
import { labForTest, partsOf } from './lab-for-test.ts';

checkLeaksAfterFile();

test('a token lets in once; the key that it gives lets in for ever; nothing else does', async (t) => {
  const lab = await labForTest(t);
  const first = lab.newAddress();
  const { port, token } = partsOf(first);
  const hello = async (authorization?: string): Promise<number> =>
    (
      await ask(port, {
        method: 'POST',
        path: '/api/hello',
        headers: authorization === undefined ? {} : { authorization },
      })
    ).status;
  const spend = async (value: unknown): Promise<Answer> =>
    await ask(port, { method: 'POST', path: '/api/session', body: JSON.stringify({ token: value }) });

  for (const wrong of [undefined, 'Bearer ', `Bearer ${token}`, `bearer ${'a'.repeat(43)}`, `Bearer ${'é'.repeat(43)}`])
    assert.equal(await hello(wrong === undefined ? undefined : Buffer.from(wrong).toString('latin1')), 401);
  for (const wrong of ['', 'x', 7, null, { toString: token }, `${token} `, 'a'.repeat(token.length)])
    assert.equal((await spend(wrong)).status, 401);
  const { key } = JSON.parse((await spend(token)).body) as { readonly key: string };
  // The key itself is never sent.
  assert.equal(await hello(`Bearer ${key}`), 401);
  const pass = await passOf(port, key);
  assert.equal(await hello(`Bearer ${pass}`), 200);
  const again = await spend(token);
  assert.equal(again.status, 401);
  assert.match(again.body, /used before, or is not of this lab: take the latest one/u);
  const second = partsOf(lab.newAddress()).token;
  lab.newAddress();
  assert.equal((await spend(second)).status, 401);
  assert.equal(await hello(`Bearer ${pass}`), 200);
});

test('other names of this machine, and the pages of others, are refused before anything is read', async (t) => {
  const lab = await labForTest(t);
  const { port } = partsOf(lab.newAddress());
  const own = `127.0.0.1:${port}`;
  const refused: OutgoingHttpHeaders[] = [
    { host: 'evil.example' },
    { host: `evil.example:${port}` },
    { host: '127.0.0.1.evil.example' },
    { host: 'localhost@evil.example' },
    { host: '0.0.0.0' },
    { host: own, origin: 'http://evil.example' },
    { host: own, origin: 'null' },
    { host: own, origin: `http://localhost:${port}` },
    { host: own, origin: `https://${own}` },
    { host: own, origin: 'http://127.0.0.1:1' },
    { host: own, 'sec-fetch-site': 'cross-site' },
    { host: own, 'sec-fetch-site': 'same-site' },
  ];
  for (const headers of refused)
    for (const method of ['GET', 'POST', 'OPTIONS'])
      assert.equal((await ask(port, { method, headers, path: '/api/session' })).status, 403, JSON.stringify(headers));
  // A link to the lab may stand anywhere. It opens a window: no frame, and nothing that posts.
  const link = { host: own, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' };
  const follow = async (method: string, destination: string): Promise<number> =>
    (await ask(port, { method, headers: { ...link, 'sec-fetch-dest': destination } })).status;
  assert.equal(await follow('GET', 'document'), 200);
  assert.equal(await follow('GET', 'iframe'), 403);
  assert.equal(await follow('POST', 'document'), 403);
  for (const host of [own, `localhost:${port}`, 'localhost:9', `[::1]:${port}`, 'localhost'])
    assert.equal((await ask(port, { headers: { host, origin: `http://${host}` } })).status, 200, host);
});

test('only the files of the page are there, whatever the path', async (t) => {
  const lab = await labForTest(t);
  const { port } = partsOf(lab.newAddress());
  const status = async (path: string): Promise<number> => (await ask(port, { path })).status;
  for (const path of ['/', '/heap', '/machine', '/convert', '/callers', '/style.css', '/js/lab/page/main.js'])
    assert.equal(await status(path), 200, path);
  const absent = ['/../package.json', '/js/../../package.json', '/%2e%2e/package.json', '/..%2fpackage.json', '/js'];
  const more = [
    '/js/',
    '/vendor',
    '/etc/passwd',
    '/report/',
    '/report/x',
    '/heap/',
    '/HEAP',
    '/index.html%00.js',
    '/api',
  ];
  for (const path of [...absent, ...more]) assert.equal(await status(path), 404, path);
  for (const method of ['PUT', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE'])
    assert.equal((await ask(port, { method })).status, 405, method);
});

test('an answer forbids to keep it, to frame it, and every script but those of the page', async (t) => {
  const lab = await labForTest(t);
  const { headers } = await ask(partsOf(lab.newAddress()).port, {});
  const policy = String(headers['content-security-policy']);
  assert.match(policy, /^default-src 'none'; script-src 'self' 'sha256-[\w+/]{43}='; style-src 'self';/u);
  assert.match(policy, /frame-ancestors 'none'$/u);
  assert.equal(headers['x-content-type-options'], 'nosniff');
  assert.equal(headers['cache-control'], 'no-store');
  assert.equal(headers['referrer-policy'], 'no-referrer');
});

test('what is no object of JSON, or is large, is refused, and the lab goes on', async (t) => {
  const lab = await labForTest(t, { mayControl: true });
  const { port } = partsOf(lab.newAddress());
  const headers = await admitted(lab.newAddress());
  const post = async (path: string, body: string): Promise<number> =>
    (await ask(port, { method: 'POST', path, body, headers })).status;
  for (const body of ['', '{', 'null', '[]', '7', '"x"', '{}x', '\u0000'])
    for (const path of ['/api/session', '/api/convert']) {
      // A session's object lacks its token.
      assert.equal(await post(path, body), 400, `${path} ${body}`);
    }
  assert.equal(await post('/api/session', JSON.stringify({ token: 'x'.repeat(64 * KiB) })), 413);
  for (const request of [
    {},
    { length: MiB },
    { length: 0, mix: 'fresh' },
    { length: 1.5 * MiB + 0.5, mix: 'fresh' },
    { length: 1e18, mix: 'fresh' },
    { length: '1MiB', mix: 'fresh' },
    { length: MiB, mix: 'toString' },
  ])
    assert.equal(await post('/api/convert', JSON.stringify(request)), 400, JSON.stringify(request));
  for (const path of ['/api/nothing', '/api/__proto__', '/api/constructor', '/toString'])
    assert.equal(await post(path, '{}'), 404, path);
  assert.equal((await ask(port, { path: '/api/stream?view=nothing', headers })).status, 404);
  assert.equal((await ask(port, { path: '/api/stream?view=heap' })).status, 401);
  assert.equal((await ask(port, {})).status, 200);
});

test('bytes that are no HTTP end their connection alone', async (t) => {
  const lab = await labForTest(t);
  const { port } = partsOf(lab.newAddress());
  for (const bytes of ['\0\0\0\0', 'GET', `GET / HTTP/1.1\r\nhost: localhost\r\n${'x: y\r\n'.repeat(20_000)}`]) {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    socket.end(bytes);
    socket.resume();
    await once(socket, 'close');
  }
  assert.equal((await ask(port, {})).status, 200);
});

test('a lab without control starts no job', async (t) => {
  const lab = await labForTest(t);
  const { port } = partsOf(lab.newAddress());
  const headers = await admitted(lab.newAddress());
  const body = JSON.stringify({ length: MiB, mix: 'fresh' });
  const { status, body: reason } = await ask(port, { method: 'POST', path: '/api/convert', headers, body });
  assert.equal(status, 403);
  assert.match(reason, /read-only: start it with --control/u);
});

test('a job runs in a thread, and tells its steps and its report', async (t) => {
  const lab = await labForTest(t, { mayControl: true });
  const { port } = partsOf(lab.newAddress());
  const headers = await admitted(lab.newAddress());
  const body = JSON.stringify({ length: 4 * MiB, mix: 'fresh' });
  const answer = await ask(port, { method: 'POST', path: '/api/convert', headers, body });
  assert.equal(answer.status, 200);
  const messages = answer.body
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { type: string; step?: string; report?: { size: number; verified: boolean } });
  const end = messages.at(-1);
  assert.deepEqual([end?.type, end?.report?.size, end?.report?.verified], ['done', 4 * MiB, true]);
  assert.ok(messages.some(({ step }) => step === 'map run by run'));
});

test('a workload tells what it does as it runs, and its report', async (t) => {
  const lab = await labForTest(t, { mayControl: true });
  const { port } = partsOf(lab.newAddress());
  const headers = await admitted(lab.newAddress());
  const wanted = { name: 'camera-preview', seconds: 1, caller: 'as-is', conversion: 'page', mapping: 'page' };
  const run = async (request: object): Promise<Answer> =>
    await ask(port, { method: 'POST', path: '/api/workload', headers, body: JSON.stringify(request) });
  for (const wrong of [
    { name: 'nothing' },
    { seconds: 0 },
    { seconds: 3601 },
    { seconds: null },
    { caller: 'page' },
    { conversion: 'run' },
    { mapping: 'heap' },
  ])
    assert.equal((await run({ ...wanted, ...wrong })).status, 400, JSON.stringify(wrong));
  const { status, body } = await run(wanted);
  assert.equal(status, 200);
  const messages = body
    .trim()
    .split('\n')
    .map(
      (line) => JSON.parse(line) as { type: string; stepCount?: number; report?: { report: { mappingCount: number } } },
    );
  const end = messages.at(-1);
  assert.equal(end?.type, 'done');
  assert.ok((end.report?.report.mappingCount ?? 0) > 0);
  assert.ok(messages.some(({ type, stepCount = 0 }) => type === 'sample' && stepCount > 0));
});

test('one job runs at a time, and a page that goes away ends its own', async (t) => {
  const lab = await labForTest(t, { mayControl: true });
  const { port } = partsOf(lab.newAddress());
  const headers = await admitted(lab.newAddress());
  const long = JSON.stringify({
    name: 'camera-preview',
    seconds: 3600,
    caller: 'fixed',
    conversion: 'page',
    mapping: 'run',
  });
  const asked = request({ host: '127.0.0.1', port, method: 'POST', path: '/api/workload', headers, agent: false });
  asked.on('error', () => {});
  asked.end(long);
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  await once(answer, 'data');
  const short = JSON.stringify({ length: MiB, mix: 'fresh' });
  const start = async (): Promise<number> =>
    (await ask(port, { method: 'POST', path: '/api/convert', headers, body: short })).status;
  assert.equal(await start(), 409);
  answer.destroy();
  let status = 409;
  while (status === 409) status = await start();
  assert.equal(status, 200);
});

const mayTrace = existsSync('/sys/kernel/tracing/instances') && 'this machine has tracefs: in guests it records';

test('a recording that the machine refuses says why, with the remedy', { skip: mayTrace }, async (t) => {
  const lab = await labForTest(t, { mayControl: true });
  const { port } = partsOf(lab.newAddress());
  const headers = await admitted(lab.newAddress());
  const record = async (seconds: unknown): Promise<Answer> =>
    await ask(port, { method: 'POST', path: '/api/record', headers, body: JSON.stringify({ seconds }) });
  for (const wrong of [0, -1, 3601, '5', null]) assert.equal((await record(wrong)).status, 400, String(wrong));
  const { status, body } = await record(5);
  assert.equal(status, 200);
  const { type, message } = JSON.parse(body) as { readonly type: string; readonly message: string };
  assert.equal(type, 'failed');
  assert.match(message, /^Cannot record mappings as [^:]+: ./u);
});

test('a log is read to the callers in it, and its report has no rights of the page', async (t) => {
  const lab = await labForTest(t);
  const { port } = partsOf(lab.newAddress());
  const headers = { ...(await admitted(lab.newAddress())), 'x-file-name': encodeURIComponent('<b>log</b>.txt') };
  const log = '[ 6.689859] dma_buf_vmap_unlocked+0xb8/0x130\n[ 6.689861] aov_core_init+0x310/0x718 [mtk_aov]\n';
  const { status, body } = await ask(port, { method: 'POST', path: '/api/callers', headers, body: log });
  assert.equal(status, 200);
  const { path, report } = JSON.parse(body) as { path: string; report: { callers: { path: string[] }[] } };
  assert.deepEqual(
    report.callers.map((caller) => caller.path),
    [['dma_buf_vmap_unlocked', 'aov_core_init']],
  );
  const page = await ask(port, { path });
  assert.equal(page.status, 200);
  assert.equal(
    page.headers['content-security-policy'],
    "sandbox allow-scripts allow-downloads; frame-ancestors 'self'",
  );
  assert.match(page.body, /&#60;b&#62;log/u);
  assert.doesNotMatch(page.body, /<b>log/u);
});

/** A page that looks at a view, and what it was told. */
async function watch(
  port: number,
  pass: string,
  view: string,
): Promise<{ messages: StreamMessage[]; response: IncomingMessage }> {
  const asked = request({
    host: '127.0.0.1',
    port,
    path: `/api/stream?view=${view}`,
    headers: bearing(pass),
    agent: false,
  });
  asked.end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  const frames = new FrameReader();
  const messages: StreamMessage[] = [];
  response.on('data', (chunk: Buffer) => {
    for (const { kind, body } of frames.push(chunk))
      if (kind === 'json') messages.push(JSON.parse(Buffer.from(body).toString()) as StreamMessage);
  });
  return { messages, response };
}

test('two pages are told what the heap has, each from its beginning', async (t) => {
  const lab = await labForTest(t);
  const { port } = partsOf(lab.newAddress());
  const pass = await passOf(port, await keyOf(lab.newAddress()));
  const buffer = lab.heap.allocate(3 * MiB, { name: 'frame' });
  t.after(() => buffer.close());
  using view = buffer.vmap();
  assert.equal(view.length, 3 * MiB);
  const pages = [await watch(port, pass, 'heap'), await watch(port, pass, 'heap')];
  for (const { messages, response } of pages) {
    await until(() => messages.length >= 2);
    assert.deepEqual(messages[0], {
      type: 'heap-shape',
      name: 'system',
      pageSize: 4096,
      pageCount: lab.heap.arena.pageCount,
    });
    const facts = messages[1];
    assert.ok(facts?.type === 'heap-facts');
    assert.deepEqual(facts.buffers, [
      {
        owner: 1,
        label: 'buffer "frame"',
        bytes: 3 * MiB,
        entryCount: 3,
        runCount: facts.buffers[0]?.runCount,
        orders: { 8: 3 },
        viewCount: 1,
        importerCount: 0,
        handleCount: 0,
        isMapped: true,
        isClosed: false,
      },
    ]);
    assert.equal(facts.usedBytes, 3 * MiB);
    response.destroy();
  }
});

test('a page that reads nothing holds up neither the others nor the heap', async (t) => {
  const lab = await labForTest(t);
  const { port } = partsOf(lab.newAddress());
  const pass = await passOf(port, await keyOf(lab.newAddress()));
  const slow = connect(port, '127.0.0.1');
  t.after(() => slow.destroy());
  slow.write(`GET /api/stream?view=heap HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${pass}\r\n\r\n`);
  const fast = await watch(port, pass, 'heap');
  for (let round = 0; round < 5; round += 1) {
    const buffers = Array.from({ length: 1000 }, () => lab.heap.allocate(4 * KiB));
    const count = fast.messages.length;
    await until(() => fast.messages.length > count);
    for (const buffer of buffers) buffer.close();
  }
  fast.response.destroy();
  await assertSettles(() => lab.heap.stats().bufferCount, 0);
});

test('a lab of the same key and port is the same to its pages, and what they sent before is worth nothing', async (t) => {
  const key = 'k'.repeat(43);
  const first = await labForTest(t, { key });
  const { port } = partsOf(first.newAddress());
  const before = await passOf(port, key);
  await first.close();
  await labForTest(t, { key, port });
  const hello = async (pass: string): Promise<number> =>
    (await ask(port, { method: 'POST', path: '/api/hello', headers: bearing(pass) })).status;
  assert.equal(await hello(before), 401);
  assert.equal(await hello(await passOf(port, key)), 200);
});
