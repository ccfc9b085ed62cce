import assert from 'node:assert/strict';
import { test } from 'node:test';

import { readShowCommandOptions } from './options.ts';

const DESKTOP = { WAYLAND_DISPLAY: 'wayland-0' };

test('where there is a compositor, and no screen is named, it is a window', () => {
  const place = (args: readonly string[], environment: NodeJS.ProcessEnv): string =>
    readShowCommandOptions(['picture.png', ...args], environment).place.kind;
  assert.equal(place([], DESKTOP), 'window');
  assert.equal(place(['--window'], {}), 'window');
  assert.equal(place([], {}), 'screen');
  assert.equal(place([], { WAYLAND_DISPLAY: '' }), 'screen');
  assert.equal(place(['--card', '/dev/dri/card0'], DESKTOP), 'screen');
  assert.equal(place(['--connector', 'HDMI-A-1'], DESKTOP), 'screen');
  assert.equal(place(['--mode', '640x480'], DESKTOP), 'screen');
});

test('a window has no card, no connector and no mode', () => {
  for (const words of [
    ['--card', '/dev/dri/card0'],
    ['--connector', 'HDMI-A-1'],
    ['--mode', '640x480'],
  ])
    assert.throws(() => readShowCommandOptions(['picture.png', '--window', ...words], DESKTOP), {
      name: 'UsageError',
      message: 'Cannot show in a --window and on a screen: leave out --card, --connector and --mode',
    });
});
