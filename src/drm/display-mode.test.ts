import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { ModeInfo } from '../linux/calls/drm-mode-calls.ts';
import { drmModeModeinfo } from '../uapi/drm-mode.ts';
import { displayModeOf } from './display-mode.ts';

const PREFERRED = 0x48;
const INTERLACED = 0x10;
const DOUBLE_SCAN = 0x20;

/** Timings of CEA-861 and VESA DMT. */
function timing(values: Partial<ModeInfo>): ModeInfo {
  return drmModeModeinfo.read(drmModeModeinfo.write({ name: 'mode', ...values }));
}

test('displayModeOf gives the rate without rounding it', () => {
  const rates = [
    timing({ clock: 148_500, htotal: 2200, vtotal: 1125 }),
    timing({ clock: 148_352, htotal: 2200, vtotal: 1125 }),
    timing({ clock: 74_250, htotal: 2200, vtotal: 1125, flags: INTERLACED }),
    timing({ clock: 12_588, htotal: 400, vtotal: 262, flags: DOUBLE_SCAN }),
    timing({ clock: 60_000, htotal: 1000, vtotal: 500, vscan: 2 }),
    timing({}),
  ].map((info) => displayModeOf(info).refreshHz);
  assert.deepEqual(
    rates.map((rate) => rate.toFixed(4)),
    ['60.0000', '59.9402', '60.0000', '60.0573', '60.0000', '0.0000'],
  );
});

test('displayModeOf tells sizes, whether the screen prefers the mode, and whether it is interlaced', () => {
  const info = timing({ name: '1920x1080i', hdisplay: 1920, vdisplay: 1080, type: PREFERRED, flags: INTERLACED });
  const { name, width, height, preferred, interlaced, timing: kept } = displayModeOf(info);
  assert.deepEqual([name, width, height, preferred, interlaced], ['1920x1080i', 1920, 1080, true, true]);
  assert.deepEqual(kept, info);
  assert.equal(displayModeOf(timing({ type: 0x40 })).preferred, false);
});
