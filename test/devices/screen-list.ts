import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';

import { listDisplays, openDisplay } from '../../src/drm/index.ts';
import { isDmaBufError } from '../../src/index.ts';
import { SCREEN_IDS } from '../support/devices/screens.ts';
import type { Screens } from '../support/devices/screens.ts';

const linesOf = (path: string): string[] => readFileSync(path, 'utf8').split('\n').filter(Boolean);

/** What cards say of themselves, against what the kernel shows of them elsewhere. */
export function testScreenList(screens: Screens): void {
  for (const id of SCREEN_IDS) {
    const card = screens.get(id);
    const skip = card === undefined ? `there is no screen ${id}: test/vm/screens.test.ts boots a guest with it` : false;

    test(`listDisplays() of ${id} has the connectors that /sys has, with their states and modes`, { skip }, () => {
      const listed = listDisplays().find(({ path }) => path === card?.path);
      assert.ok(listed?.available);
      const name = listed.path.slice('/dev/dri/'.length);
      const folder = `/sys/class/drm/${name}`;
      const connectors = readdirSync(folder).filter((entry) => entry.startsWith(`${name}-`));
      assert.deepEqual(
        listed.connectors.map(({ name: connector, status, modes }) => [
          `${name}-${connector}`,
          status,
          modes.map((mode) => mode.name),
        ]),
        connectors.map((entry) => [
          entry,
          linesOf(`${folder}/${entry}/status`)[0],
          linesOf(`${folder}/${entry}/modes`),
        ]),
      );
    });

    test(`listDisplays() of ${id} tells its bus and what its driver can do`, { skip }, () => {
      assert.match(card?.bus ?? '', /^pci 0000:00:0\d\.0$/u);
      assert.equal(linesOf(`/sys/class/drm/${card?.path.slice(9)}/device/uevent`)[0], `DRIVER=${MODULE_DRIVERS[id]}`);
      assert.deepEqual(card?.capabilities, {
        dumbBuffers: true,
        primeImport: true,
        primeExport: true,
        atomic: true,
        asyncPageFlip: false,
        framebufferModifiers: id !== 'virtio',
        clock: 'monotonic',
      });
    });

    test(`listDisplays() of ${id} has the formats of its primary plane`, { skip }, () => {
      const [primary] = card?.planes ?? [];
      assert.equal(primary?.type, 'primary');
      assert.deepEqual(
        primary.formats.map(({ name, modifiers }) => [name, modifiers]),
        FORMATS[id].map((name) => [name, id === 'virtio' ? undefined : [0n]]),
      );
      assert.equal(primary.takesDamage, id === 'cirrus' || id === 'virtio');
      assert.deepEqual(
        primary.crtcIds,
        card?.crtcs.slice(0, 1).map((crtc) => crtc.id),
      );
    });
  }

  const cirrus = screens.get('cirrus');
  const skip = cirrus === undefined ? 'there is no screen cirrus' : false;

  test('listDisplays() stays master of no card: another program can become it', { skip }, () => {
    listDisplays();
    using display = openDisplay({ path: cirrus?.path });
    assert.equal(display.connector.status, 'connected');
  });

  test('openDisplay() finds a screen by driver, by connector, and by the first that is connected', { skip }, () => {
    using first = openDisplay();
    assert.equal(first.path, '/dev/dri/card0');
    for (const [id, card] of screens) {
      if (id === 'cirrus') continue;
      const connected = card.connectors.find(({ status }) => status === 'connected');
      using byDriver = openDisplay({ driver: card.driver });
      assert.deepEqual([byDriver.path, byDriver.connector.name], [card.path, connected?.name]);
      byDriver.close();
      using byConnector = openDisplay({ connector: connected?.name });
      assert.equal(byConnector.path, card.path);
    }
  });

  test('openDisplay() takes a link to the card', { skip }, async () => {
    const { symlinkSync, unlinkSync } = await import('node:fs');
    symlinkSync(cirrus?.path ?? '', '/tmp/by-path');
    using display = openDisplay('/tmp/by-path');
    assert.equal(display.path, cirrus?.path);
    unlinkSync('/tmp/by-path');
  });

  test('openDisplay() names the connectors that there are where it finds none that fits', { skip }, () => {
    const code =
      (text: RegExp) =>
      (error: unknown): boolean =>
        isDmaBufError(error, 'ENXIO') && text.test(error.message);
    assert.throws(
      () => openDisplay({ path: cirrus?.path, connector: 'HDMI-A-1' }),
      code(/there is no connector HDMI-A-1: \/dev\/dri\/card0 \(cirrus\) has VGA-1 \(connected\)$/u),
    );
    const qxl = screens.get('qxl');
    const unconnected = qxl?.connectors.find(({ status }) => status === 'disconnected')?.name;
    assert.throws(
      () => openDisplay({ path: qxl?.path, connector: unconnected }),
      code(new RegExp(`no screen is connected to ${unconnected}`, 'u')),
    );
    assert.throws(() => openDisplay({ driver: 'vc4' }), code(/no screen of vc4 is connected: .*card0 \(cirrus\)/u));
    assert.throws(() => openDisplay({ path: cirrus?.path, mode: { width: 123, height: 45 } }), RangeError);
  });
}

const MODULE_DRIVERS = { cirrus: 'cirrus', bochs: 'bochs-drm', virtio: 'virtio-pci', qxl: 'qxl' } as const;
/** By their drivers: cirrus.c, bochs.c, virtgpu_plane.c, qxl_display.c in drivers/gpu/drm. */
const FORMATS = {
  cirrus: ['RG16', 'RG24', 'XR24'],
  bochs: ['XR24', 'BX24'],
  virtio: ['XR24'],
  qxl: ['XR24', 'AR24'],
} as const;
