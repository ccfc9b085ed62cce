/** The example that serves a camera as a page, on loopback. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { get } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { decodePng } from '../../src/picture/file/png-reader.ts';
import { ycbcrAt } from '../support/devices/color-bars.ts';
import { SINGLE_PLANAR, missingVivid, setControl, vividNode } from '../support/devices/vivid.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';

checkLeaksAfterFile();

const EXAMPLE = fileURLToPath(new URL('../../examples/camera-page.js', import.meta.url));
const PORT = '8181';
const SIZE = { width: 320, height: 180 } as const;

/** The response, once its headers are there. */
async function open(path: string): Promise<IncomingMessage> {
  const [response] = (await once(get(`http://127.0.0.1:${PORT}${path}`), 'response')) as [IncomingMessage];
  return response;
}

/** The first picture of the stream: what stands between its head and the next boundary. */
async function firstPicture(response: IncomingMessage): Promise<Buffer> {
  let bytes = Buffer.alloc(0);
  for await (const part of response) {
    bytes = Buffer.concat([bytes, part as Buffer]);
    const head = /content-type: image\/png\r\ncontent-length: (?<length>\d+)\r\n\r\n/u.exec(bytes.toString('latin1'));
    if (head === null) continue;
    const start = head.index + head[0].length;
    const end = start + Number(head.groups?.['length']);
    if (bytes.length >= end) return bytes.subarray(start, end);
  }
  return assert.fail('The stream ended without a picture');
}

/** Red, green and blue of what the camera gives as limited BT.601. */
function shownAt(x: number): number[] {
  const [luma, blueness, redness] = ycbcrAt(x, SIZE.width);
  const [y, cb, cr] = [(luma - 16) / 219, (blueness - 128) / 224, (redness - 128) / 224];
  return [y + 1.402 * cr, y - 0.344_136 * cb - 0.714_136 * cr, y + 1.772 * cb].map((part) => 255 * part);
}

test('examples/camera-page serves a page with the camera’s pictures', { skip: missingVivid() }, async () => {
  const { path } = vividNode(SINGLE_PLANAR, 'capture');
  setControl(path, 'test_pattern', 1);
  setControl(path, 'osd_text_mode', 2);
  const server = spawn(process.execPath, [EXAMPLE, path, PORT], { stdio: ['ignore', 'pipe', 'pipe'] });
  const errors = text(server.stderr);
  const ended = once(server, 'close');
  await once(server.stdout, 'data');

  const page = await open('/');
  assert.match(await text(page), /<img src="\/frames">/u);
  const stream = await open('/frames');
  assert.match(stream.headers['content-type'] ?? '', /^multipart\/x-mixed-replace/u);
  const picture = decodePng(await firstPicture(stream));
  stream.destroy();
  server.kill('SIGINT');
  assert.deepEqual([...((await ended) as unknown[]), await errors], [0, null, '']);

  assert.deepEqual([picture.width, picture.height], [SIZE.width, SIZE.height]);
  // In the middle of each bar: where bars meet, two pixels share their colour.
  for (let bar = 0; bar < 8; bar += 1) {
    const x = bar * 40 + 20;
    const at = (90 * SIZE.width + x) * 3;
    for (const [color, expected] of shownAt(x).entries())
      assert.ok(Math.abs((picture.bytes[at + color] as number) - expected) <= 4, `bar ${bar}, color ${color}`);
  }
});
