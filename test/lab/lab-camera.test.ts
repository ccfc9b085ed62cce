/** What the lab shows of devices: of vivid in a guest, of no camera here. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { text } from 'node:stream/consumers';

import { FrameReader } from '../../src/lab/protocol/frames.ts';
import type { Frame } from '../../src/lab/protocol/frames.ts';
import type { JobEnd, StreamMessage } from '../../src/lab/protocol/messages.ts';
import type { TraceReport } from '../../src/trace/analysis/trace-analysis.ts';
import { captureVivid } from '../support/devices/capture-vivid.ts';
import { rgbAt } from '../support/devices/color-bars.ts';
import { cannotTrace } from '../support/devices/layout-rights.ts';
import { TRACEFS } from '../support/devices/trace-state.ts';
import { SINGLE_PLANAR, barsOfVivid, heldFiles, missingVivid } from '../support/devices/vivid.ts';
import { until } from '../support/runner/settled.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { admitted, ask } from './ask-lab.ts';
import { labForTest, partsOf } from './lab-for-test.ts';

checkLeaksAfterFile();

const missing = missingVivid();
/** Of 8 bits: the picture goes through YCbCr. */
const WITHIN = 4;
const CHANNELS = 4;

interface Watched {
  readonly status: number;
  readonly response: IncomingMessage;
}

async function watchCamera(t: TestContext, path: string, mayControl: boolean): Promise<Watched> {
  const lab = await labForTest(t, { mayControl });
  const address = lab.newAddress();
  const { port } = partsOf(address);
  const asked = request({
    host: '127.0.0.1',
    port,
    path: `/api/stream?view=camera&path=${encodeURIComponent(path)}`,
    headers: await admitted(address),
    agent: false,
  });
  asked.end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  return { status: response.statusCode ?? 0, response };
}

test('a page opens cameras alone, and only of a lab with control', async (t) => {
  for (const path of ['/etc/passwd', '/dev/null', '/dev/video99', '', '/dev/../etc/passwd']) {
    const { status, response } = await watchCamera(t, path, true);
    assert.equal(status, 404, path);
    assert.match(await text(response), /no such camera/u);
  }
  const { status, response } = await watchCamera(t, '/dev/video0', false);
  assert.equal(status, 403);
  response.resume();
});

/** The largest difference of a sample from the bars. */
function differenceFromBars(pixels: Uint8Array, width: number): number {
  let largest = 0;
  for (let at = 0; at < pixels.length; at += CHANNELS) {
    const expected = [...rgbAt((at / CHANNELS) % width, width), 255];
    for (const [channel, value] of expected.entries())
      largest = Math.max(largest, Math.abs(value - (pixels[at + channel] ?? Number.NaN)));
  }
  return largest;
}

test(
  'a camera is told of with its format, its pictures and its figures, and closed with the last page',
  { skip: missing },
  async (t) => {
    const path = barsOfVivid(SINGLE_PLANAR);
    const { status, response } = await watchCamera(t, path, true);
    assert.equal(status, 200);
    const reader = new FrameReader();
    const frames: Frame[] = [];
    response.on('data', (chunk: Buffer) => void frames.push(...reader.push(chunk)));
    const messages = (): StreamMessage[] =>
      frames.flatMap(({ kind, body }) =>
        kind === 'json' ? [JSON.parse(Buffer.from(body).toString()) as StreamMessage] : [],
      );
    const pictures = (): Frame[] => frames.filter(({ kind }) => kind === 'pixels');
    await until(() => pictures().length >= 5 && messages().length >= 3);
    const [shape] = messages();
    assert.ok(shape?.type === 'camera-shape');
    assert.deepEqual([shape.width, shape.height], [640, 480]);
    for (const { body } of pictures().slice(0, 2)) {
      assert.equal(body.length, 640 * 480 * CHANNELS);
      const difference = differenceFromBars(body, 640);
      assert.ok(difference <= WITHIN, `a difference of ${difference}`);
    }
    const facts = messages().at(-1);
    assert.ok(facts?.type === 'camera-facts' && (facts.framesPerSecond ?? 0) > 0);
    assert.equal(isHeldOpen(path), true);
    response.destroy();
    await until(() => !isHeldOpen(path));
  },
);

function isHeldOpen(path: string): boolean {
  return heldFiles().includes(path);
}

test(
  'a recording from the page tells who mapped meanwhile, as a report of its own',
  { skip: missing || cannotTrace() },
  async (t) => {
    const lab = await labForTest(t, { mayControl: true });
    const address = lab.newAddress();
    const { port } = partsOf(address);
    const headers = await admitted(address);
    const body = JSON.stringify({ seconds: 20 });
    const recorded = ask(port, { method: 'POST', path: '/api/record', headers, body });
    const isRecording = (): boolean => existsSync(join(TRACEFS, 'instances', `dmabuf_${process.pid}_0_live`, 'trace'));
    await until(isRecording);
    // Each buffer is mapped once, at its first turn.
    for (let session = 0; session < 3; session += 1) await captureVivid({ frameCount: 8, bufferCount: 4 });
    const answer = await recorded;
    const end = JSON.parse(answer.body.trimEnd().split('\n').at(-1) ?? '') as JobEnd;
    assert.ok(end.type === 'done', answer.body);
    const { report, path } = end.report as { report: TraceReport; path: string };
    const [caller] = report.callers;
    assert.deepEqual([caller?.callCount, report.mappingCount], [12, 12], answer.body);
    const page = await ask(port, { path });
    assert.equal(page.status, 200);
    assert.match(page.body, /vivid/u);
  },
);
