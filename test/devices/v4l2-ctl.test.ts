/**
 * `v4l2-ctl` of Debian's v4l-utils, a program that knows nothing of this package, about the same
 * devices.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, test } from 'node:test';

import { describeVideoDevice, listVideoDevices, openVideoControls } from '../../src/v4l2/index.ts';
import type { ControlDescription, FormatDescription } from '../../src/v4l2/index.ts';
import { missingVivid } from '../support/devices/vivid.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { missingUvc } from '../support/uvc/missing-uvc.ts';
import { SoftwareUvcCamera } from '../support/uvc/software-uvc-camera.ts';

checkLeaksAfterFile();

const PROGRAM = 'v4l2-ctl';

function v4l2Ctl(...words: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(PROGRAM, words, { encoding: 'utf8' });
  assert.equal(status, 0, error?.message ?? stderr);
  return stdout;
}

function missingProgram(): string | false {
  const { status } = spawnSync(PROGRAM, ['--version']);
  return status === 0 ? false : `there is no ${PROGRAM} here: it is in Debian's v4l-utils`;
}

/** Each format as `[0]: 'YUYV' (YUYV 4:2:2)`, its sizes and their rates indented below. */
interface SeenFormat {
  readonly fourcc: string;
  readonly description: string;
  readonly sizes: readonly { readonly size: string; readonly rates: readonly string[] }[];
}

function formatsOf(listing: string): SeenFormat[] {
  return listing.split(/\n(?=\t\[\d+\]: )/u).flatMap((part) => {
    const head =
      /\[\d+\]: '(?<fourcc>[^']+)' \((?<description>.*?)(?:, (?:compressed|emulated|csc-[a-z-]+))*\)$/mu.exec(
        part,
      )?.groups;
    if (head === undefined) return [];
    const sizes = part.split(/\t\tSize: (?:Discrete )?/u).slice(1);
    return [
      {
        fourcc: head['fourcc'] ?? '',
        description: head['description'] ?? '',
        sizes: sizes.map((text) => ({
          size: text.split('\n')[0] ?? '',
          rates: [...text.matchAll(/Interval: .*\((?<rate>[\d.]+) fps\)/gu)].map(
            ({ groups }) => groups?.['rate'] ?? '',
          ),
        })),
      },
    ];
  });
}

/** As v4l2-ctl writes it: bit 31 (v4l2_fourcc_be) apart. */
function fourccAsSeen(pixelformat: number): string {
  const characters = [0, 8, 16, 24].map((shift) => String.fromCharCode((pixelformat >>> shift) & 0x7f));
  return `${characters.join('')}${pixelformat >= 2 ** 31 ? '-BE' : ''}`;
}

function asSeen({ pixelformat, description, sizes }: FormatDescription): SeenFormat {
  return {
    fourcc: fourccAsSeen(pixelformat),
    description,
    sizes: sizes.map((size) => {
      assert.equal(size.kind, 'discrete', 'A webcam has sizes of its own');
      const { width, height, rates } = size;
      return {
        size: `${width}x${height}`,
        rates: rates.map((rate) => (rate.kind === 'discrete' ? rate.framesPerSecond.toFixed(3) : '')),
      };
    }),
  };
}

const TYPE_NAMES: Readonly<Partial<Record<ControlDescription['type'], string>>> = {
  integer: 'int',
  boolean: 'bool',
  menu: 'menu',
  integerMenu: 'intmenu',
  bitmask: 'bitmask',
  integer64: 'int64',
  string: 'str',
  button: 'button',
};

/**
 * As `brightness 0x00980900 (int)    : min=-64 max=64 step=1 default=0 value=0`, without arrays and
 * structs: `dims=[5]`, `(area)`.
 */
function controlsOf(listing: string): string[] {
  const lines = listing.matchAll(/^ *(?<key>\w+) 0x(?<id>[0-9a-f]{8}) \((?<type>\w+) *\) *:(?<facts>.*)$/gmu);
  return [...lines].flatMap(({ groups: { key = '', id = '', type = '', facts = '' } = {} }) => {
    if (facts.includes('dims=') || !Object.values(TYPE_NAMES).includes(type)) return [];
    const range = /min=(?<min>-?\d+) max=(?<max>-?\d+)/u.exec(facts)?.groups;
    return [[key, id, type, range === undefined ? '' : `${range['min']}..${range['max']}`].join(' ')];
  });
}

/** Which types v4l2-ctl shows with the whole of their range. */
const RANGED = new Set(['integer', 'integer64', 'string']);

function controlAsSeen({ key, id, type, minimum, maximum }: ControlDescription): string {
  const isMenu = type === 'menu' || type === 'integerMenu';
  const range = RANGED.has(type) || isMenu ? `${minimum}..${maximum}` : '';
  return [key, id.toString(16).padStart(8, '0'), TYPE_NAMES[type] ?? '', range].join(' ');
}

const skip = missingProgram() || missingVivid() || missingUvc();
let camera: SoftwareUvcCamera | undefined;

after(async () => {
  await camera?.close();
});

/** The paths of all video devices: vivid's, and a USB camera's. */
async function devicePaths(): Promise<string[]> {
  camera ??= new SoftwareUvcCamera();
  if (!listVideoDevices().some(({ name }) => name === 'Software Camera')) await camera.plug();
  return listVideoDevices().map(({ path }) => path);
}

test('listVideoDevices() has driver, name, bus and kind as v4l2-ctl has them', { skip }, async () => {
  for (const path of await devicePaths()) {
    const info = v4l2Ctl('-d', path, '--info');
    const field = (label: string): string =>
      new RegExp(`${label} *: (?<text>.*)`, 'u').exec(info)?.groups?.['text'] ?? '';
    const device = listVideoDevices().find((each) => each.path === path);
    assert.ok(device?.refusal === undefined && device !== undefined);
    assert.deepEqual([device.driver, device.bus], [field('Driver name'), field('Bus info')]);
    const caps = info.split('Device Caps').at(-1) ?? '';
    const has = (words: string): boolean => caps.split('\n').some((line) => line.trim() === words);
    const captures = has('Video Capture') || has('Video Capture Multiplanar');
    const puts = has('Video Output') || has('Video Output Multiplanar');
    assert.deepEqual([device.kind === 'capture', device.kind === 'output'], [captures, puts], path);
    assert.equal(device.multiPlanar, /Multiplanar/u.test(caps), path);
  }
});

test('describeVideoDevice() lists the formats, sizes and rates that v4l2-ctl lists', { skip }, async () => {
  let formatCount = 0;
  for (const path of await devicePaths()) {
    for (const queue of describeVideoDevice(path).queues) {
      const option = queue.direction === 'capture' ? '--list-formats-ext' : '--list-formats-out-ext';
      const expected = formatsOf(v4l2Ctl('-d', path, option));
      const found = queue.formats.map((format) =>
        queue.direction === 'capture' ? asSeen(format) : withoutSizes(format),
      );
      const wanted =
        queue.direction === 'capture'
          ? expected
          : expected.map(({ fourcc, description }) => ({ fourcc, description, sizes: [] }));
      assert.deepEqual(found, wanted, `${path}, ${queue.direction}`);
      formatCount += found.length;
    }
  }
  assert.ok(formatCount > 50, 'vivid alone has more');
});

/** An output's sizes may be anything in steps. */
function withoutSizes({ pixelformat, description }: FormatDescription): SeenFormat {
  return { fourcc: fourccAsSeen(pixelformat), description, sizes: [] };
}

test('describeVideoDevice() lists the controls that v4l2-ctl lists', { skip }, async () => {
  for (const path of await devicePaths()) {
    const expected = controlsOf(v4l2Ctl('-d', path, '--list-ctrls'));
    const found = describeVideoDevice(path)
      .controls.filter(({ type }) => type !== 'compound')
      .map(controlAsSeen);
    assert.deepEqual(found, expected, path);
  }
});

test('openVideoControls() sets what v4l2-ctl reads, and reads what it sets', { skip }, async () => {
  await devicePaths();
  using controls = openVideoControls('Software Camera');
  const path = listVideoDevices().find(({ name }) => name === 'Software Camera')?.path ?? '';
  controls.set('brightness', 33);
  assert.equal(v4l2Ctl('-d', path, '--get-ctrl', 'brightness'), 'brightness: 33\n');
  v4l2Ctl('-d', path, '--set-ctrl', 'brightness=-7');
  assert.equal(controls.get('brightness'), -7);
});
