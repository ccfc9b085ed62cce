import type { DrmModeCalls, PropertyValue } from '../linux/calls/drm-mode-calls.ts';
import type { BorrowedFd } from '../linux/calls/fd.ts';
import {
  DRM_CAP_ADDFB2_MODIFIERS,
  DRM_CAP_ASYNC_PAGE_FLIP,
  DRM_CAP_DUMB_BUFFER,
  DRM_CAP_PRIME,
  DRM_CAP_TIMESTAMP_MONOTONIC,
  DRM_CLIENT_CAP_ATOMIC,
  DRM_CLIENT_CAP_UNIVERSAL_PLANES,
  DRM_PRIME_CAP_EXPORT,
  DRM_PRIME_CAP_IMPORT,
} from '../uapi/drm.ts';
import { DRM_MODE_OBJECT_CONNECTOR, DRM_MODE_OBJECT_CRTC, DRM_MODE_OBJECT_PLANE } from '../uapi/drm-mode.ts';
import { connectorName } from './connector-name.ts';
import type { CardCapabilities, DisplayCard, DisplayConnector, DisplayCrtc, DisplayPlane } from './display-card.ts';
import { displayModeOf } from './display-mode.ts';
import { formatsWithoutModifiers, parseInFormats } from './plane-formats.ts';

/** The properties of an object, by their names. */
type Properties = ReadonlyMap<string, PropertyValue>;

/** What an open card says of itself. */
export interface CardReading {
  readonly card: DisplayCard;
  /** By the number of the connector, the CRTC or the plane. */
  readonly properties: ReadonlyMap<number, Properties>;
}

/** Where a card is, and how it is asked. */
interface CardSource {
  readonly calls: DrmModeCalls;
  readonly fd: BorrowedFd;
  readonly path: string;
  readonly bus: string | undefined;
}

const CONNECTED = 1;
const DISCONNECTED = 2;
/** The values of a plane's property `type` (enum drm_plane_type). */
const PLANE_TYPES = ['overlay', 'primary', 'cursor'] as const;

/**
 * Reads an open card.
 *
 * @param probe whether each screen is asked anew, for the master; else only those are of which
 *   nothing is known yet
 * @returns undefined for a card without screens
 */
export function readCard(source: CardSource, { probe }: { readonly probe: boolean }): CardReading | undefined {
  const { calls, fd, path, bus } = source;
  const objects = calls.objects(fd);
  if (objects === undefined) return undefined;
  calls.setClientCapability(fd, DRM_CLIENT_CAP_UNIVERSAL_PLANES);
  const atomic = calls.setClientCapability(fd, DRM_CLIENT_CAP_ATOMIC);
  const reader = new PropertyReader(source);
  const { crtcIds, connectorIds } = objects;
  const card: DisplayCard = Object.freeze({
    path,
    driver: calls.driverName(fd),
    bus,
    capabilities: readCapabilities(source, atomic),
    connectors: Object.freeze(connectorIds.map((id) => readConnector(source, id, { crtcIds, probe }))),
    crtcs: Object.freeze(crtcIds.map((id) => readCrtc(source, id))),
    planes: Object.freeze(calls.planeIds(fd).map((id) => readPlane(source, id, { crtcIds, reader }))),
  });
  for (const id of connectorIds) reader.read(id, DRM_MODE_OBJECT_CONNECTOR);
  for (const id of crtcIds) reader.read(id, DRM_MODE_OBJECT_CRTC);
  return { card, properties: reader.properties };
}

function readCapabilities({ calls, fd }: CardSource, atomic: boolean): CardCapabilities {
  const prime = calls.capability(fd, DRM_CAP_PRIME);
  return Object.freeze({
    dumbBuffers: calls.capability(fd, DRM_CAP_DUMB_BUFFER) !== 0,
    primeImport: (prime & DRM_PRIME_CAP_IMPORT) !== 0,
    primeExport: (prime & DRM_PRIME_CAP_EXPORT) !== 0,
    atomic,
    asyncPageFlip: calls.capability(fd, DRM_CAP_ASYNC_PAGE_FLIP) !== 0,
    framebufferModifiers: calls.capability(fd, DRM_CAP_ADDFB2_MODIFIERS) !== 0,
    clock: calls.capability(fd, DRM_CAP_TIMESTAMP_MONOTONIC) === 0 ? 'realtime' : 'monotonic',
  });
}

function readConnector(
  { calls, fd }: CardSource,
  id: number,
  { crtcIds, probe }: { readonly crtcIds: readonly number[]; readonly probe: boolean },
): DisplayConnector {
  const known = calls.connector(fd, id, { probe });
  const isBlank = known.modes.length === 0 && known.connection !== DISCONNECTED;
  const state = isBlank && !probe ? calls.connector(fd, id, { probe: true }) : known;
  const masks = state.encoderIds.map((encoder) => calls.encoder(fd, encoder).possibleCrtcs);
  const possibleCrtcs = masks.reduce((sum, mask) => sum | mask, 0);
  const crtcId = state.encoderId === 0 ? 0 : calls.encoder(fd, state.encoderId).crtcId;
  return Object.freeze({
    id,
    name: connectorName(state),
    status: statusOf(state.connection),
    widthMm: state.widthMm === 0 ? undefined : state.widthMm,
    heightMm: state.heightMm === 0 ? undefined : state.heightMm,
    modes: Object.freeze(state.modes.map(displayModeOf)),
    crtcIds: Object.freeze(idsInMask(possibleCrtcs, crtcIds)),
    crtcId: crtcId === 0 ? undefined : crtcId,
  });
}

function statusOf(connection: number): DisplayConnector['status'] {
  if (connection === CONNECTED) return 'connected';
  return connection === DISCONNECTED ? 'disconnected' : 'unknown';
}

function readCrtc({ calls, fd }: CardSource, id: number): DisplayCrtc {
  const { mode } = calls.crtc(fd, id);
  return Object.freeze({ id, mode: mode && displayModeOf(mode) });
}

function readPlane(
  { calls, fd }: CardSource,
  id: number,
  { crtcIds, reader }: { readonly crtcIds: readonly number[]; readonly reader: PropertyReader },
): DisplayPlane {
  const { possibleCrtcs, fourccs } = calls.plane(fd, id);
  const properties = reader.read(id, DRM_MODE_OBJECT_PLANE);
  const inFormats = Number(properties.get('IN_FORMATS')?.value ?? 0n);
  const formats = inFormats === 0 ? undefined : parseInFormats(calls.blob(fd, inFormats));
  return Object.freeze({
    id,
    type: PLANE_TYPES[Number(properties.get('type')?.value ?? 0n)] ?? 'overlay',
    crtcIds: Object.freeze(idsInMask(possibleCrtcs, crtcIds)),
    formats: Object.freeze(formats ?? formatsWithoutModifiers(fourccs)),
    takesDamage: properties.has('FB_DAMAGE_CLIPS'),
  });
}

function idsInMask(mask: number, ids: readonly number[]): number[] {
  return ids.filter((_, index) => ((mask >>> index) & 1) === 1);
}

/** Each property's name is asked for once: most objects share theirs. */
class PropertyReader {
  readonly properties = new Map<number, Properties>();
  readonly #names = new Map<number, string>();
  readonly #source: CardSource;

  constructor(source: CardSource) {
    this.#source = source;
  }

  read(id: number, type: number): Properties {
    const { calls, fd } = this.#source;
    const values = calls.properties(fd, { id, type });
    const named = new Map(values.map((property) => [this.#nameOf(property.id), property]));
    this.properties.set(id, named);
    return named;
  }

  #nameOf(id: number): string {
    const name = this.#names.get(id) ?? this.#source.calls.propertyName(this.#source.fd, id);
    this.#names.set(id, name);
    return name;
  }
}
