import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';

import { isDmaBufError } from '../base/errors.ts';
import type { DmaBufError, ErrnoName } from '../base/errors.ts';
import { explainRefusedDevice } from '../diagnosis/device-access.ts';
import { DrmModeCalls } from '../linux/calls/drm-mode-calls.ts';
import { readDeviceBus } from '../linux/proc/device-bus.ts';
import { Machine } from '../linux/machine.ts';
import type { DisplayCard } from './display-card.ts';
import { readCard } from './read-card.ts';

/** A card that could be looked at. */
export interface AvailableDisplay extends DisplayCard {
  /** It could be opened. */
  readonly available: true;
}

/** A card that could not. */
export interface UnavailableDisplay {
  /** It could not be opened. */
  readonly available: false;
  /** Such as `/dev/dri/card0`. */
  readonly path: string;
  /** Why: a clause. */
  readonly reason: string;
  /** What would help. */
  readonly remedy: string;
}

/** A card of this machine. */
export type DisplayListing = AvailableDisplay | UnavailableDisplay;

const FOLDER = '/dev/dri';
const CARD = /^card(?<number>\d+)$/u;

/**
 * The graphics cards of this machine that have connectors for screens, with their modes, planes and
 * formats. Each is opened for a moment, which a compositor does not notice. What screens said is
 * read as the kernel has it (drivers/gpu/drm/drm_connector.c, drm_mode_getconnector); only one of
 * which nothing is known is asked anew.
 *
 * @throws {DmaBufError} as the kernel refuses what it should not
 *
 * @example
 * ```ts
 * import { listDisplays } from 'dmabuf/drm';
 *
 * for (const card of listDisplays()) {
 *   if (!card.available) continue;
 *   const connected = card.connectors.filter(({ status }) => status === 'connected');
 *   console.error(card.path, card.driver, connected.map(({ name }) => name).join(' '));
 * }
 * ```
 */
export function listDisplays(): DisplayListing[];
/** @internal */
export function listDisplays(machine: Machine): DisplayListing[];
export function listDisplays(hidden?: unknown): DisplayListing[] {
  const machine = Machine.hiddenIn(hidden);
  return cardPaths(machine).flatMap((path) => lookAt(path, machine) ?? []);
}

/** In the order of their numbers. */
function cardPaths(machine: Machine): string[] {
  return namesIn(join(machine.root, FOLDER))
    .flatMap((name) => CARD.exec(name)?.groups?.['number'] ?? [])
    .map(Number)
    .toSorted((one, other) => one - other)
    .map((number) => `${FOLDER}/card${number}`);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Undefined for a card without screens. */
function lookAt(path: string, machine: Machine): DisplayListing | undefined {
  const calls = new DrmModeCalls(machine.raw);
  let fd;
  try {
    fd = calls.open(join(machine.root, path));
  } catch (error) {
    if (!isDmaBufError(error)) throw error;
    return Object.freeze({ available: false, path, ...explainOpening(path, error, machine) });
  }
  try {
    const source = { calls, fd: fd.borrow(), path, bus: busOf(path, machine) };
    const reading = readCard(source, { probe: false });
    // The first to open a card is its master, and a compositor might start now.
    calls.dropMaster(fd.borrow());
    return reading && Object.freeze({ available: true, ...reading.card });
  } catch (error) {
    // Unplugged meanwhile.
    if (isDmaBufError(error, 'ENODEV')) return undefined;
    throw error;
  } finally {
    fd.close();
  }
}

/** Where a card is. */
export function busOf(path: string, machine: Machine): string | undefined {
  return readDeviceBus(`/sys/class/drm/${basename(path)}/device`, machine);
}

/** Why a card could not be opened, and what would help. */
export function explainOpening(
  path: string,
  { code }: DmaBufError,
  machine: Machine,
): { readonly reason: string; readonly remedy: string } {
  return explainRefusedDevice(path, code as ErrnoName, machine);
}
