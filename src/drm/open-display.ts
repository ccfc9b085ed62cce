import { realpathSync } from 'node:fs';
import { join } from 'node:path';

import { withCleanup } from '../base/cleanup.ts';
import { DmaBufError, isDmaBufError } from '../base/errors.ts';
import { DrmCommitCalls } from '../linux/calls/drm-commit-calls.ts';
import { DrmModeCalls } from '../linux/calls/drm-mode-calls.ts';
import type { OwnedFd } from '../linux/calls/fd.ts';
import { Machine } from '../linux/machine.ts';
import { AtomicScreen } from './atomic-screen.ts';
import { chooseMode, chooseScreen, isUsable } from './choose-screen.ts';
import { Display } from './display.ts';
import { OPEN, readDisplayOptions } from './display-options.ts';
import type { DisplayOptions } from './display-options.ts';
import { whyNotMaster, withMeaning } from './display-refusals.ts';
import { Framebuffers } from './framebuffers.ts';
import { LegacyScreen } from './legacy-screen.ts';
import { busOf, explainOpening, listDisplays } from './list-displays.ts';
import { readCard } from './read-card.ts';
import type { CardReading } from './read-card.ts';

/**
 * Opens a screen to show pictures on: the program becomes the card's master, which one program can
 * be. The screen shows what it did until the first `show()`.
 *
 * @param options the path of a card, or what to look for; without, the first screen that is
 *   connected
 * @throws {TypeError | RangeError} for an option that is none, or a mode that the screen does not
 *   have
 * @throws {DmaBufError} `EBUSY` or `EACCES` while another program shows its pictures there, which
 *   the message names where `/proc` tells; `ENXIO` where no screen is connected; as `open` refuses
 *   the card: `ENOENT`, `EACCES`, with what would help
 *
 * @example
 * ```ts
 * import { isDmaBufError } from 'dmabuf';
 * import { openDisplay } from 'dmabuf/drm';
 *
 * try {
 *   const display = openDisplay({ connector: 'no such connector' });
 *   const { width, height } = display.mode;
 *   const framebuffer = display.allocate({ width, height, format: 'XRGB8888' });
 *   await display.show(framebuffer);
 *   display.close();
 * } catch (error) {
 *   console.log(isDmaBufError(error, 'ENXIO')); // true
 * }
 * ```
 */
export function openDisplay(options?: string | DisplayOptions): Display;
/** @internal */
export function openDisplay(options: string | DisplayOptions, machine: Machine): Display;
export function openDisplay(options: string | DisplayOptions = {}, hidden?: unknown): Display {
  const machine = Machine.hiddenIn(hidden);
  const plain = readDisplayOptions(options);
  const path = plain.path === undefined ? findCard(plain, machine) : withoutLinks(plain.path, machine);
  const calls = new DrmModeCalls(machine.raw);
  return withCleanup((cleanup) => {
    const fd = openCard(path, { calls, machine }).closeWhenCollected('a display');
    cleanup.defer(() => fd.close());
    withMeaning(OPEN, whyNotMaster(path, machine), () => calls.setMaster(fd.borrow()));
    const source = { calls, fd: fd.borrow(), path, bus: busOf(path, machine) };
    const reading = readCard(source, { probe: true });
    if (reading === undefined) throw noScreen(`${path} has no connectors for screens`, path);
    return displayOn(reading, { fd, machine, options: plain });
  });
}

/** An open card, and what is to be shown on it. */
interface OpenCard {
  readonly fd: OwnedFd;
  readonly machine: Machine;
  readonly options: DisplayOptions;
}

function displayOn(reading: CardReading, { fd, machine, options }: OpenCard): Display {
  const { card } = reading;
  const { path, driver, capabilities } = card;
  if (options.driver !== undefined && options.driver !== driver)
    throw noScreen(`the driver of ${path} is ${driver}, not ${options.driver}`, path);
  const chosen = chooseScreen(card, { action: OPEN, connector: options.connector });
  const mode = chooseMode(chosen.connector, options.mode, OPEN);
  if (options.api === 'atomic' && !capabilities.atomic)
    throw new DmaBufError(`Cannot ${OPEN} as ${driver}, the driver of ${path}, has the legacy interface alone`, {
      code: 'EOPNOTSUPP',
    });
  const calls = new DrmCommitCalls(machine.raw);
  const parts = { calls, fd, reading, ...chosen };
  const isAtomic = capabilities.atomic && options.api !== 'legacy';
  return new Display({
    ...parts,
    mode,
    screen: isAtomic ? new AtomicScreen(parts) : new LegacyScreen(parts),
    framebuffers: new Framebuffers({ calls, fd, card, machine }),
  });
}

/** The first card with a screen that fits. */
function findCard({ driver, connector }: DisplayOptions, machine: Machine): string {
  const cards = listDisplays(machine);
  for (const card of cards) {
    if (!card.available || (driver !== undefined && card.driver !== driver)) continue;
    const fitting = card.connectors.filter(({ name }) => connector === undefined || name === connector);
    if (fitting.some(isUsable)) return card.path;
  }
  const seen = cards.map((card) =>
    card.available
      ? `${card.path} (${card.driver}) has ${card.connectors.map(({ name, status }) => `${name} ${status}`).join(', ')}`
      : `${card.reason}: ${card.remedy}`,
  );
  const wanted = [driver === undefined ? '' : ` of ${driver}`, connector === undefined ? '' : ` at ${connector}`];
  throw noScreen(`no screen${wanted.join('')} is connected: ${seen.join('; ') || 'there is no card in /dev/dri'}`);
}

/** Of a link such as `/dev/dri/by-path/pci-0000:00:02.0-card`, the card. */
function withoutLinks(path: string, { root }: Machine): string {
  if (root !== '/') return path;
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function openCard(path: string, { calls, machine }: { calls: DrmModeCalls; machine: Machine }): OwnedFd {
  try {
    return calls.open(join(machine.root, path));
  } catch (error) {
    if (!isDmaBufError(error)) throw error;
    const { reason, remedy } = explainOpening(path, error, machine);
    throw new DmaBufError(`Cannot ${OPEN} as ${reason}${remedy === '' ? '' : `: ${remedy}`}`, {
      code: error.code,
      syscall: 'open',
      values: { path },
      cause: error,
    });
  }
}

function noScreen(why: string, path?: string): DmaBufError {
  return new DmaBufError(`Cannot ${OPEN} as ${why}`, {
    code: 'ENXIO',
    ...(path === undefined ? {} : { values: { path } }),
  });
}
