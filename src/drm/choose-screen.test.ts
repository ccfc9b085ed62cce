import assert from 'node:assert/strict';
import { test } from 'node:test';

import { isDmaBufError } from '../base/errors.ts';
import { drmModeModeinfo } from '../uapi/drm-mode.ts';
import { chooseMode, chooseScreen } from './choose-screen.ts';
import type { DisplayCard, DisplayConnector } from './display-card.ts';
import { displayModeOf } from './display-mode.ts';
import type { DisplayMode } from './display-mode.ts';

const ACTION = 'open the display';

/** Of so many pictures a second, as exactly as a clock in kHz has them. */
function mode(width: number, height: number, refreshHz: number, preferred = false): DisplayMode {
  const [htotal, vtotal] = [1000, 1000];
  const clock = refreshHz * 1000;
  const timing = { name: `${width}x${height}`, hdisplay: width, vdisplay: height, clock, htotal, vtotal };
  return displayModeOf(drmModeModeinfo.read(drmModeModeinfo.write({ ...timing, type: preferred ? 8 : 0 })));
}

const MODES = [mode(1920, 1080, 60), mode(1280, 720, 50, true), mode(1920, 1080, 24), mode(1920, 1080, 50)];

function connector(id: number, parts: Partial<DisplayConnector> = {}): DisplayConnector {
  const known = { name: `HDMI-A-${id}`, status: 'connected', widthMm: 1, heightMm: 1, crtcId: undefined } as const;
  return { id, ...known, modes: MODES, crtcIds: [41, 42], ...parts };
}

function card(...connectors: readonly DisplayConnector[]): DisplayCard {
  const plane = { formats: [], takesDamage: false };
  return {
    path: '/dev/dri/card7',
    driver: 'test',
    bus: undefined,
    capabilities: {
      dumbBuffers: true,
      primeImport: true,
      primeExport: true,
      atomic: true,
      asyncPageFlip: false,
      framebufferModifiers: true,
      clock: 'monotonic',
    },
    connectors,
    crtcs: [],
    planes: [
      { id: 1, type: 'overlay', crtcIds: [41, 42], ...plane },
      { id: 2, type: 'primary', crtcIds: [42], ...plane },
      { id: 3, type: 'primary', crtcIds: [41], ...plane },
    ],
  };
}

test('chooseMode takes the preferred mode, and of a size the first', () => {
  const screen = connector(1);
  assert.equal(chooseMode(screen, undefined, ACTION), MODES[1]);
  assert.equal(chooseMode(screen, { width: 1920, height: 1080 }, ACTION), MODES[0]);
  assert.equal(chooseMode({ ...screen, modes: MODES.slice(2) }, undefined, ACTION), MODES[2]);
});

test('chooseMode takes the rate that is nearest', () => {
  for (const [refreshHz, expected] of [
    [59.94, MODES[0]],
    [23.976, MODES[2]],
    [50, MODES[3]],
    [1000, MODES[0]],
  ] as const)
    assert.equal(chooseMode(connector(1), { width: 1920, height: 1080, refreshHz }, ACTION), expected);
});

test('chooseMode names the sizes that there are, each once', () => {
  assert.throws(() => chooseMode(connector(1), { width: 1, height: 2 }, ACTION), {
    name: 'RangeError',
    code: 'ERR_OUT_OF_RANGE',
    message: /of a size that HDMI-A-1 has, 1920x1080, 1280x720, received 1x2$/u,
  });
});

test('chooseScreen takes the first connector with a screen, and what drives it', () => {
  const off = connector(1, { status: 'disconnected', modes: [] });
  const driven = connector(2, { crtcId: 42 });
  const chosen = chooseScreen(card(off, driven, connector(3)), { action: ACTION, connector: undefined });
  assert.deepEqual([chosen.connector.name, chosen.crtcId, chosen.primary.id], ['HDMI-A-2', 42, 2]);
  const other = chooseScreen(card(off, driven, connector(3)), { action: ACTION, connector: 'HDMI-A-3' });
  assert.deepEqual([other.connector.name, other.crtcId, other.primary.id], ['HDMI-A-3', 41, 3]);
});

test('chooseScreen takes a connector that cannot tell when nothing is surely connected', () => {
  const unknown = connector(1, { status: 'unknown' });
  assert.equal(chooseScreen(card(unknown), { action: ACTION, connector: undefined }).connector, unknown);
  const chosen = chooseScreen(card(unknown, connector(2)), { action: ACTION, connector: undefined });
  assert.equal(chosen.connector.name, 'HDMI-A-2');
});

test('chooseScreen says what there is where nothing fits', () => {
  const refused = (cards: DisplayCard, name: string | undefined, text: RegExp): void =>
    assert.throws(
      () => chooseScreen(cards, { action: ACTION, connector: name }),
      (error) => isDmaBufError(error, 'ENXIO') && text.test(error.message),
    );
  const off = connector(1, { status: 'disconnected', modes: [] });
  refused(card(off), undefined, /no screen is connected: \/dev\/dri\/card7 \(test\) has HDMI-A-1 \(disconnected\)$/u);
  refused(card(off), 'HDMI-A-1', /no screen is connected to HDMI-A-1/u);
  refused(card(off), 'DP-1', /there is no connector DP-1/u);
  refused(card(), undefined, /has none$/u);
  refused(card(connector(1, { crtcIds: [] })), undefined, /no CRTC of \/dev\/dri\/card7 can drive HDMI-A-1/u);
});
