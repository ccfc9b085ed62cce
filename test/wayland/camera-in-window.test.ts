/** `dmabuf show --camera` in a window of an unmodified weston, pixel by pixel. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';

import { rgbAt } from '../support/devices/color-bars.ts';
import { SINGLE_PLANAR, barsOfVivid, missingVivid } from '../support/devices/vivid.ts';
import { CLI_PATH } from '../support/processes/run-cli.ts';
import { missingWeston, startWeston } from '../support/processes/weston.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { assertSettled, pixelsOtherThan } from './painted-picture.ts';

checkLeaksAfterFile();
const skip = missingVivid() || missingWeston('gl');
const SIZE = { width: 640, height: 360 };

/** How weston draws, and whether it takes the camera's dma-bufs. */
const CASES = [
  ['gl', 'cameraBuffers', /^the window shows the camera's buffers$/u],
  ['pixman', 'blit', /XR24 640x360 as the compositor does not take it in dma-bufs/u],
] as const;

for (const [renderer, way, reason] of CASES)
  test(`dmabuf show --camera shows a camera in a window of weston by ${renderer}`, { skip }, async (t) => {
    const { display } = await startWeston(t, SIZE, { renderer });
    const words = ['show', '--camera', barsOfVivid(SINGLE_PLANAR), '--format', 'XR24', '--size', '640x360', '--json'];
    const command = spawn(process.execPath, [CLI_PATH, ...words], {
      env: { ...process.env, WAYLAND_DISPLAY: display },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    t.after(() => command.kill('SIGKILL'));
    const said = text(command.stdout);
    const ended = once(command, 'close');
    const bars = (x: number): number[] => rgbAt(x, SIZE.width).toReversed();
    await assertSettled(async () => await pixelsOtherThan(display, bars, SIZE));
    command.kill('SIGINT');
    assert.deepEqual(await ended, [0, null]);
    const report = JSON.parse(await said) as Record<string, unknown>;
    assert.deepEqual([report['way'], report['window']], [way, SIZE]);
    assert.match(String(report['reason']), reason);
    assert.deepEqual([report['pixelFormat'], report['width'], report['height']], ['XR24', 640, 360]);
    assert.ok(Number(report['shownCount']) > 0);
  });
