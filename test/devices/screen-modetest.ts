import assert from 'node:assert/strict';
import { test } from 'node:test';

import { listDisplays, openDisplay } from '../../src/drm/index.ts';
import type { DisplayConnector, DisplayMode, DisplayPlane } from '../../src/drm/index.ts';
import { askModetest, missingModetest } from '../support/devices/modetest.ts';
import type { ModetestReport } from '../support/devices/modetest.ts';
import { SCREEN_IDS } from '../support/devices/screens.ts';
import type { ScreenId, Screens } from '../support/devices/screens.ts';

const SIZE = { width: 640, height: 480 };

/** DRM_MODE_FLAG_* and DRM_MODE_TYPE_* of drm_mode.h from bit 0 on, in modetest's words. */
const FLAGS = ['phsync', 'nhsync', 'pvsync', 'nvsync', 'interlace', 'dblscan'];
const TYPES = ['builtin', 'clock_c', 'crtc_c', 'preferred', 'default', 'userdef', 'driver'];
/** Of the property `type`, as drm_mode.h of the kernel's own has its values. */
const PLANE_TYPES = { overlay: 0, primary: 1, cursor: 2 } as const;

/**
 * What drivers hide from programs that speak the atomic interface and do not place the hotspot of a
 * cursor (drivers/gpu/drm/drm_plane.c, drm_mode_getplane_res: DRIVER_CURSOR_HOTSPOT).
 */
const HIDDEN_CURSOR_COUNTS: Readonly<Record<ScreenId, number>> = { cirrus: 0, bochs: 0, virtio: 1, qxl: 4 };

function namesOf(bits: number, names: readonly string[]): string {
  return names.filter((_, bit) => ((bits >>> bit) & 1) === 1).join(', ');
}

function modeAsSeen({ name, refreshHz, timing }: DisplayMode): string {
  const { hdisplay, hsyncStart, hsyncEnd, htotal, vdisplay, vsyncStart, vsyncEnd, vtotal } = timing;
  const times = [hdisplay, hsyncStart, hsyncEnd, htotal, vdisplay, vsyncStart, vsyncEnd, vtotal, timing.clock];
  const flags = `flags: ${namesOf(timing.flags, FLAGS)}; type: ${namesOf(timing.type, TYPES)}`;
  return `${name} ${refreshHz.toFixed(2)} ${times.join(' ')} ${flags}`;
}

function connectorAsSeen({ id, status, name, widthMm, heightMm, modes, crtcIds, crtcId }: DisplayConnector): unknown {
  const size = `${widthMm ?? 0}x${heightMm ?? 0}`;
  return { id, status, name, size, modes: modes.map(modeAsSeen), crtcIds, crtcId: crtcId ?? 0 };
}

function planeAsSeen({ id, type, crtcIds, formats }: DisplayPlane): unknown {
  return {
    id,
    type: PLANE_TYPES[type],
    crtcIds,
    formats: formats.map(({ name }) => name),
    layouts: formats.flatMap(({ name, modifiers = [] }) =>
      modifiers.map((modifier) => `${name}: ${LAYOUTS[`${modifier}`]}`),
    ),
  };
}

/** Modifiers in modetest's words: the emulated cards have no other. */
const LAYOUTS: Readonly<Record<string, string>> = { '0': 'LINEAR' };

function inMask(mask: number, { crtcs }: ModetestReport): number[] {
  return crtcs.filter((_, index) => ((mask >>> index) & 1) === 1).map(({ id }) => id);
}

/** Connectors with the CRTCs of their encoders. */
function connectorsOf(report: ModetestReport): unknown[] {
  return report.connectors.map(({ encoderId, encoderIds, ...connector }) => {
    const mask = report.encoders
      .filter(({ id }) => encoderIds.includes(id))
      .reduce((sum, { possibleCrtcs }) => sum | possibleCrtcs, 0);
    const crtcId = report.encoders.find(({ id }) => id === encoderId)?.crtcId ?? 0;
    return { ...connector, crtcIds: inMask(mask, report), crtcId };
  });
}

function planesOf(report: ModetestReport): unknown[] {
  return report.planes.map(({ id, type, possibleCrtcs, formats, layouts }) => {
    return { id, type, crtcIds: inMask(possibleCrtcs, report), formats, layouts };
  });
}

/** `modetest` of Debian's libdrm-tests, a program that knows nothing of this package. */
export function testScreenModetest(screens: Screens): void {
  for (const id of SCREEN_IDS) {
    const card = screens.get(id);
    const driver = card?.driver ?? '';
    const noScreen = `there is no screen ${id}: test/vm/screens.test.ts boots a guest with it`;
    const skip = card === undefined ? noScreen : missingModetest();
    const listed = (): NonNullable<typeof card> => {
      const found = listDisplays().find(({ path }) => path === card?.path);
      assert.ok(found?.available);
      return found;
    };

    test(`listDisplays() of ${id} has the connectors, modes and CRTCs that modetest prints`, { skip }, () => {
      const report = askModetest(driver, { atomic: true });
      const { connectors, crtcs } = listed();
      assert.deepEqual(connectors.map(connectorAsSeen), connectorsOf(report));
      assert.deepEqual(
        crtcs.map(({ id: crtcId, mode }) => [crtcId, mode && modeAsSeen(mode)]),
        report.crtcs.map(({ id: crtcId, mode }) => [crtcId, mode]),
      );
      assert.ok(report.connectors.some(({ status, modes }) => status === 'connected' && modes.length > 10));
      assert.equal(report.connectors.length, id === 'qxl' ? 4 : 1);
    });

    test(`listDisplays() of ${id} has the planes and formats that modetest prints`, { skip }, () => {
      const report = askModetest(driver, { atomic: true });
      assert.deepEqual(listed().planes.map(planeAsSeen), planesOf(report));
      assert.equal(report.planes.length, id === 'qxl' ? 4 : 1);
      const shownToOthers = askModetest(driver, { atomic: false }).planes;
      const atomicIds = new Set(report.planes.map(({ id: planeId }) => planeId));
      const hidden = shownToOthers.filter(({ id: planeId }) => !atomicIds.has(planeId));
      assert.equal(hidden.length, HIDDEN_CURSOR_COUNTS[id]);
      assert.ok(hidden.every(({ type }) => type === PLANE_TYPES.cursor));
    });

    test(
      `show() puts framebuffers on the plane and in the mode on which modetest sees them, on ${id}`,
      { skip },
      async () => {
        using display = openDisplay({ path: card?.path, mode: SIZE });
        const framebuffers = [1, 2].map(() => display.allocate({ ...SIZE, format: 'XRGB8888' }));
        const crtcId = display.connector.crtcIds[0] ?? 0;
        const primary = card?.planes.find(({ type, crtcIds }) => type === 'primary' && crtcIds.includes(crtcId));
        for (const framebuffer of [...framebuffers, framebuffers[0]]) {
          assert.ok(framebuffer !== undefined);
          await display.show(framebuffer);
          const { planes, crtcs } = askModetest(driver, { atomic: true });
          const busy = planes.filter(({ framebufferId }) => framebufferId !== 0);
          assert.deepEqual(
            busy.map(({ id: planeId, crtcId: planeCrtcId, framebufferId }) => [planeId, planeCrtcId, framebufferId]),
            [[primary?.id, crtcId, framebuffer.id]],
          );
          const shown = crtcs.filter(({ framebufferId }) => framebufferId !== 0);
          assert.deepEqual(
            shown.map(({ id: shownId, framebufferId, mode }) => [shownId, framebufferId, mode]),
            [[crtcId, framebuffer.id, modeAsSeen(display.mode)]],
          );
        }
      },
    );
  }
}
