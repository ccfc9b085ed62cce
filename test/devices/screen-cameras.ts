import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { openDisplay } from '../../src/drm/index.ts';
import { openHeap } from '../../src/index.ts';
import { decodePng } from '../../src/picture/file/png-reader.ts';
import { openCamera } from '../../src/v4l2/index.ts';
import { rgbAt } from '../support/devices/color-bars.ts';
import { dumpScreen } from '../support/devices/screen-dump.ts';
import { makersOfShown } from '../support/devices/screens.ts';
import type { ScreenId, Screens } from '../support/devices/screens.ts';
import { MULTI_PLANAR, SINGLE_PLANAR, barsOfVivid, missingVivid } from '../support/devices/vivid.ts';
import { CountedMaps } from '../support/devices/counted-maps.ts';
import { CLI_PATH } from '../support/processes/run-cli.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';
import { until } from '../support/runner/settled.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples/', import.meta.url));
/** How often a screen is looked at before it is wrong: a guest on a busy machine is slow. */
const LOOKS_MAX = 150;
const LOOK_INTERVAL_MS = 200;

type Size = readonly [width: number, height: number];
type ColorOf = (x: number, width: number) => readonly [number, number, number];

interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}

/** The largest difference of a sample from the bars, in the picture's corner of the screen. */
function differenceFrom({ width, pixels }: Pixels, [columns, rows]: Size, colorOf: ColorOf): number {
  let largest = 0;
  for (let y = 0; y < rows; y += 1)
    for (let x = 0; x < columns; x += 1) {
      const expected = colorOf(x, columns);
      for (let color = 0; color < 3; color += 1) {
        const sample = pixels[(y * width + x) * 3 + color] as number;
        largest = Math.max(largest, Math.abs(sample - (expected[color] as number)));
      }
    }
  return largest;
}

/** Looks at a screen until it shows the bars, in its corner where they are smaller. */
async function assertShows(id: ScreenId, size: Size, colorOf: ColorOf, within = 0): Promise<void> {
  let seen = 'nothing';
  for (let look = 0; look < LOOKS_MAX; look += 1) {
    const dump = await dumpScreen(id);
    const fits = dump.width >= size[0] && dump.height >= size[1];
    const difference = fits ? differenceFrom(dump, size, colorOf) : 255;
    if (difference <= within) return;
    seen = `${dump.width}x${dump.height} with a difference of ${difference}`;
    await sleep(LOOK_INTERVAL_MS);
  }
  assert.fail(`The screen ${id} does not show the camera: ${seen}`);
}

/** Runs a program while `body` looks, and ends it as Ctrl-C does. */
async function whileRunning(words: readonly string[], body: (child: ChildProcess) => Promise<void>): Promise<string> {
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'pipe'] });
  const output = Promise.all([text(child.stdout), text(child.stderr)]);
  const ended = once(child, 'close') as Promise<[number | null, string | null]>;
  try {
    await Promise.race([body(child), ended]);
  } finally {
    child.kill('SIGINT');
  }
  const [status, signal] = await ended;
  const [stdout, stderr] = await output;
  assert.deepEqual([status, signal, stderr], [0, null, ''], stdout);
  return stdout;
}

const inverted: ColorOf = (x, width) => {
  const [red, green, blue] = rgbAt(x, width);
  return [255 - red, 255 - green, 255 - blue];
};

const EXAMPLE_SIZE = [640, 480] as const;

/** A camera on each of the screens, by the examples, the command, and files. */
export function testScreenCameras(screens: Screens): void {
  const missing = missingVivid();
  const skipWithout = (id: ScreenId): string | false =>
    missing || (screens.has(id) ? false : `there is no screen ${id}`);

  for (const id of ['cirrus', 'bochs', 'virtio', 'qxl'] as const) {
    test(
      `examples/camera-to-screen shows the camera on ${id} without a copy, pixel by pixel`,
      { skip: skipWithout(id) },
      async () => {
        const card = screens.get(id)?.path ?? '';
        const words = [join(EXAMPLES, 'camera-to-screen.js'), barsOfVivid(SINGLE_PLANAR), card];
        await whileRunning(words, async () => await assertShows(id, EXAMPLE_SIZE, rgbAt));
        await until(() => makersOfShown({ path: card }).every((maker) => maker === 'fbcon'));
      },
    );
  }

  test('examples/camera-filter shows the camera through WebAssembly', { skip: skipWithout('bochs') }, async () => {
    const words = [join(EXAMPLES, 'camera-filter.js'), barsOfVivid(SINGLE_PLANAR), screens.get('bochs')?.path ?? ''];
    await whileRunning(words, async () => await assertShows('bochs', EXAMPLE_SIZE, inverted));
  });

  test('examples/camera-two-processes shows a camera of another process', { skip: skipWithout('virtio') }, async () => {
    const words = [
      join(EXAMPLES, 'camera-two-processes.js'),
      barsOfVivid(SINGLE_PLANAR),
      screens.get('virtio')?.path ?? '',
    ];
    await whileRunning(words, async () => await assertShows('virtio', EXAMPLE_SIZE, rgbAt));
  });

  /** Screen, format, size, which camera; by which way; and how far a conversion may be off. */
  const SHOWN = [
    ['cirrus', 'RGBP', [640, 480], SINGLE_PLANAR, 'screenBuffers', 0],
    ['bochs', 'BX24', [1280, 720], SINGLE_PLANAR, 'screenBuffers', 0],
    ['virtio', 'XR24', [640, 480], SINGLE_PLANAR, 'screenBuffers', 0],
    ['qxl', 'YUYV', [640, 480], SINGLE_PLANAR, 'blit', 4],
    ['bochs', 'NM12', [640, 480], MULTI_PLANAR, 'blit', 4],
  ] as const;
  for (const [id, format, size, instance, way, within] of SHOWN) {
    test(`dmabuf show --camera shows ${format} on ${id}, by the way ${way}`, { skip: skipWithout(id) }, async () => {
      const card = screens.get(id)?.path ?? '';
      const words = [
        'show',
        '--camera',
        barsOfVivid(instance),
        '--card',
        card,
        '--format',
        format,
        '--size',
        size.join('x'),
        '--json',
      ];
      const mode = way === 'blit' ? ['--mode', size.join('x')] : [];
      const look = async (): Promise<void> => await assertShows(id, size, rgbAt, within);
      const stdout = await whileRunning([CLI_PATH, ...words, ...mode], look);
      const report = JSON.parse(stdout) as Record<string, unknown>;
      assert.deepEqual(
        [report['format'], report['way'], report['pixelFormat'], report['width'], report['height']],
        ['dmabuf-show', way, format, ...size],
      );
      assert.ok((report['shownCount'] as number) > 0);
    });
  }

  test('dmabuf show gives the console back when it is killed', { skip: skipWithout('bochs') }, async () => {
    const card = screens.get('bochs')?.path ?? '';
    const words = [
      CLI_PATH,
      'show',
      '--camera',
      barsOfVivid(SINGLE_PLANAR),
      '--card',
      card,
      '--format',
      'XR24',
      '--size',
      '640x480',
    ];
    const child = spawn(process.execPath, words, { stdio: 'ignore' });
    await assertShows('bochs', [640, 480], rgbAt);
    child.kill('SIGKILL');
    await once(child, 'close');
    await until(() => makersOfShown({ path: card }).every((maker) => maker === 'fbcon'));
  });

  test('dmabuf capture writes a picture that dmabuf show shows', { skip: skipWithout('bochs') }, async (t) => {
    const folder = temporaryFolder(t);
    const file = join(folder, 'bars.png');
    const words = ['capture', barsOfVivid(SINGLE_PLANAR), file, '--format', 'XR24', '--size', '640x480'];
    const { status, stderr } = spawnSync(process.execPath, [CLI_PATH, ...words], { encoding: 'utf8' });
    assert.deepEqual([status, stderr], [0, '']);
    const picture = decodePng(readFileSync(file));
    assert.equal(differenceFrom({ ...picture, pixels: picture.bytes }, [picture.width, picture.height], rgbAt), 0);
    const show = [CLI_PATH, 'show', file, '--card', screens.get('bochs')?.path ?? '', '--mode', '640x480'];
    await whileRunning(show, async () => await assertShows('bochs', [640, 480], rgbAt));
    rmSync(file);
  });

  test(
    'each buffer is mapped once by vivid, and once a commit by cirrus',
    { skip: skipWithout('cirrus') },
    async () => {
      const heap = openHeap('system', { require: ['deviceImport'] });
      const display = openDisplay({ path: screens.get('cirrus')?.path, mode: { width: 640, height: 480 } });
      const maps = new CountedMaps();
      const camera = openCamera(barsOfVivid(SINGLE_PLANAR), {
        width: 640,
        height: 480,
        format: 'RGBP',
        heap,
        buffers: 4,
      });
      let shownCount = 0;
      try {
        for await (const frame of camera.frames({ backlog: 1 })) {
          await display.show(display.import(frame.layout));
          frame.close();
          shownCount += 1;
          if (shownCount === 9) break;
        }
        const { eager, all } = maps.read();
        assert.deepEqual({ byVivid: eager, byCirrus: all - eager }, { byVivid: 4, byCirrus: shownCount });
      } finally {
        maps.close();
        camera.close();
        display.close();
        heap.close();
      }
    },
  );
}
