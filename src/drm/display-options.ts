import { outOfRange, wrongType } from '../base/argument-error.ts';
import { checkInteger, checkName, checkOneOf, readOptions } from '../base/check.ts';
import type { ModeRequest } from './choose-screen.ts';

/** Options of {@link openDisplay}. */
export interface DisplayOptions {
  /** Such as `/dev/dri/card0`. Default: the first card that has a screen, of those that fit. */
  readonly path?: string | undefined;
  /** Only a card of this driver, such as `vc4`. */
  readonly driver?: string | undefined;
  /** Such as `HDMI-A-1`. Default: the first to which a screen is connected. */
  readonly connector?: string | undefined;
  /** One of the connector's modes, or the size and the rate of one. Default: the preferred one. */
  readonly mode?: ModeRequest | undefined;
  /** How the kernel is asked. Default: `atomic` where the driver has it. */
  readonly api?: 'atomic' | 'legacy' | undefined;
}

export const OPEN = 'open the display';
const OPTIONS = ['path', 'driver', 'connector', 'mode', 'api'] as const;
/** The largest that `struct drm_mode_modeinfo` holds. */
const SIZE_MAX = 0xffff;

/** @throws {TypeError | RangeError} for an option that is none */
export function readDisplayOptions(options: string | DisplayOptions): DisplayOptions {
  if (typeof options === 'string') return { path: checkName(options, { action: OPEN, name: 'path' }) };
  const { path, driver, connector, mode, api } = readOptions(options, OPEN, OPTIONS);
  const text = (value: string | undefined, name: string): string | undefined =>
    value === undefined ? undefined : checkName(value, { action: OPEN, name });
  return {
    path: text(path, 'path'),
    driver: text(driver, 'driver'),
    connector: text(connector, 'connector'),
    mode: mode === undefined ? undefined : readModeRequest(mode, OPEN),
    api: api === undefined ? undefined : checkOneOf(api, { action: OPEN, name: 'api', allowed: ['atomic', 'legacy'] }),
  };
}

/**
 * Size and rate, whatever else there is: a mode has more.
 *
 * @throws {TypeError | RangeError} for what is none
 */
export function readModeRequest(mode: unknown, action: string): ModeRequest {
  if (typeof mode !== 'object' || mode === null)
    throw wrongType({ action, name: 'mode' }, { must: 'be an object with a width and a height', received: mode });
  const { width, height, refreshHz } = mode as Partial<ModeRequest>;
  const size = (value: unknown, name: string): number =>
    checkInteger(value, { action, name: `mode.${name}`, min: 1, max: SIZE_MAX, unit: 'pixels' });
  return {
    width: size(width, 'width'),
    height: size(height, 'height'),
    refreshHz: refreshHz === undefined ? undefined : checkRate(refreshHz, action),
  };
}

function checkRate(rate: unknown, action: string): number {
  const argument = { action, name: 'mode.refreshHz' };
  const complaint = { must: 'be a number above 0', received: rate };
  if (typeof rate !== 'number') throw wrongType(argument, complaint);
  if (rate > 0 && Number.isFinite(rate)) return rate;
  throw outOfRange(argument, complaint);
}
