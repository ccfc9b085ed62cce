/** A live picture in the lab: of vivid in a guest, of no camera here. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { text } from 'node:stream/consumers';

import { FrameReader } from '../../src/lab/protocol/frames.ts';
import type { Frame } from '../../src/lab/protocol/frames.ts';
import type { StreamMessage } from '../../src/lab/protocol/messages.ts';
import { listCameras } from '../../src/v4l2/list-cameras.ts';
import { until } from '../support/runner/settled.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { admitted } from './ask-lab.ts';
import { labForTest, partsOf } from './lab-for-test.ts';

checkLeaksAfterFile();

const camera = listCameras().find(({ refusal }) => refusal === undefined);
const skip = camera === undefined && 'this machine has no camera: npm run vm boots a kernel that has one';

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
  const { status, response } = await watchCamera(t, camera?.path ?? '/dev/video0', false);
  assert.equal(status, 403);
  response.resume();
});

test(
  'a camera is told of with its format, its pictures and its figures, and closed with the last page',
  { skip },
  async (t) => {
    const { status, response } = await watchCamera(t, camera?.path ?? '', true);
    assert.equal(status, 200);
    const reader = new FrameReader();
    const frames: Frame[] = [];
    response.on('data', (chunk: Buffer) => void frames.push(...reader.push(chunk)));
    const messages = (): StreamMessage[] =>
      frames.flatMap(({ kind, body }) =>
        kind === 'json' ? [JSON.parse(Buffer.from(body).toString()) as StreamMessage] : [],
      );
    const pictures = (): Frame[] => frames.filter(({ kind }) => kind === 'pixels' || kind === 'jpeg');
    await until(() => pictures().length >= 5 && messages().length >= 3);
    const [shape] = messages();
    assert.ok(shape?.type === 'camera-shape');
    for (const { kind, body } of pictures())
      if (kind === 'pixels') assert.equal(body.length, shape.width * shape.height * 4);
    const facts = messages().at(-1);
    assert.ok(facts?.type === 'camera-facts' && (facts.framesPerSecond ?? 0) > 0);
    response.destroy();
  },
);
