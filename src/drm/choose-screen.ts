import { outOfRange } from '../base/argument-error.ts';
import { DmaBufError } from '../base/errors.ts';
import type { DisplayCard, DisplayConnector, DisplayPlane } from './display-card.ts';
import type { DisplayMode } from './display-mode.ts';

/** A mode to be found among those of a connector. */
export interface ModeRequest {
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
  /** The nearest is taken. Default: the first of that size, which the screen likes best. */
  readonly refreshHz?: number | undefined;
}

/** What is needed to show pictures on a connector. */
interface ChosenScreen {
  readonly connector: DisplayConnector;
  readonly crtcId: number;
  readonly primary: DisplayPlane;
}

/** What a card's connectors are searched for. */
interface ScreenRequest {
  readonly action: string;
  readonly connector: string | undefined;
}

/**
 * The connector that was asked for, or the first that has a screen; with the CRTC that drives it,
 * or the first that could.
 *
 * @throws {DmaBufError} `ENXIO` where nothing is connected, or there is no such connector
 */
export function chooseScreen(card: DisplayCard, request: ScreenRequest): ChosenScreen {
  const connector = chooseConnector(card, request);
  const candidates = [connector.crtcId, ...connector.crtcIds].filter((id) => id !== undefined);
  for (const crtcId of candidates) {
    const primary = card.planes.find(({ type, crtcIds }) => type === 'primary' && crtcIds.includes(crtcId));
    if (primary !== undefined) return { connector, crtcId, primary };
  }
  throw new DmaBufError(`Cannot ${request.action} as no CRTC of ${card.path} can drive ${connector.name}`, {
    code: 'ENXIO',
    values: { path: card.path },
  });
}

function chooseConnector(card: DisplayCard, { action, connector: name }: ScreenRequest): DisplayConnector {
  const { connectors, path, driver } = card;
  const names = connectors.map((connector) => `${connector.name} (${connector.status})`).join(', ') || 'none';
  const refuse = (why: string): DmaBufError =>
    new DmaBufError(`Cannot ${action} as ${why}: ${path} (${driver}) has ${names}`, {
      code: 'ENXIO',
      values: { path },
    });
  if (name !== undefined) {
    const named = connectors.find((connector) => connector.name === name);
    if (named === undefined) throw refuse(`there is no connector ${name}`);
    if (!isUsable(named)) throw refuse(`no screen is connected to ${name}`);
    return named;
  }
  const connected = connectors.find((connector) => connector.status === 'connected' && isUsable(connector));
  const found = connected ?? connectors.find(isUsable);
  if (found === undefined) throw refuse('no screen is connected');
  return found;
}

/** Some drivers cannot tell whether a screen is there, and have modes for one. */
export function isUsable({ status, modes }: DisplayConnector): boolean {
  return status !== 'disconnected' && modes.length > 0;
}

/**
 * The mode that was asked for; without, the one that the screen prefers.
 *
 * @throws {RangeError} for a size that the screen does not have
 */
export function chooseMode(
  { name, modes }: DisplayConnector,
  request: ModeRequest | undefined,
  action: string,
): DisplayMode {
  const preferred = modes.find((mode) => mode.preferred) ?? modes[0];
  if (request === undefined && preferred !== undefined) return preferred;
  const { width, height, refreshHz } = request ?? { width: 0, height: 0 };
  const fitting = modes.filter((mode) => mode.width === width && mode.height === height);
  const distance = (mode: DisplayMode): number => Math.abs(mode.refreshHz - (refreshHz ?? 0));
  const [found] = refreshHz === undefined ? fitting : fitting.toSorted((one, other) => distance(one) - distance(other));
  if (found !== undefined) return found;
  const sizes = [...new Set(modes.map((mode) => `${mode.width}x${mode.height}`))].join(', ');
  throw outOfRange(
    { action, name: 'mode' },
    { must: `be of a size that ${name} has, ${sizes}`, received: request, shown: `${width}x${height}` },
  );
}
