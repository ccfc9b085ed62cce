import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';

import { listDisplays } from '../../../src/drm/index.ts';
import { insertTestDriver, loadModules, removeTestDriver } from './kernel-test-drivers.ts';

const CONSOLES = '/sys/class/graphics';

/** Where vkms is. */
interface VkmsPaths {
  readonly card: string;
  readonly console: string;
}

/**
 * Loads vkms, a screen in software (drivers/gpu/drm/vkms), in the guest. Other tests look at every
 * card that there is, so it is to be unloaded.
 */
export function loadVkms(): VkmsPaths {
  loadModules('drm_shmem_helper', 'drm_kms_helper');
  insertTestDriver('vkms');
  const card = listDisplays().find((display) => display.available && display.driver === 'vkms');
  assert.ok(card !== undefined, 'vkms has no card');
  const console = readdirSync(CONSOLES).find((name) => nameOf(name) === 'vkmsdrmfb');
  assert.ok(console !== undefined, 'vkms has no console');
  return { card: card.path, console: `/dev/${console}` };
}

export function unloadVkms(): void {
  removeTestDriver('vkms');
}

/** By `fb_info.fix.id`. fbcon is in the same folder, and has none. */
function nameOf(console: string): string | undefined {
  return /^fb\d+$/u.test(console) ? readFileSync(`${CONSOLES}/${console}/name`, 'utf8').trim() : undefined;
}
