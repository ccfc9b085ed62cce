import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';

const PROGRAM = 'modetest';

/** What modetest prints of a card: its words and numbers, as they are there. */
export interface ModetestReport {
  readonly encoders: readonly { readonly id: number; readonly crtcId: number; readonly possibleCrtcs: number }[];
  readonly connectors: readonly ModetestConnector[];
  readonly crtcs: readonly ModetestCrtc[];
  readonly planes: readonly ModetestPlane[];
}

interface ModetestConnector {
  readonly id: number;
  /** 0 without one. */
  readonly encoderId: number;
  readonly status: string;
  readonly name: string;
  /** Such as `320x200`, in mm. */
  readonly size: string;
  /** Those that it can have. */
  readonly encoderIds: readonly number[];
  /** Each as a line without its number: name, rate, timing, clock, flags, type. */
  readonly modes: readonly string[];
}

interface ModetestCrtc {
  readonly id: number;
  /** 0 without one. */
  readonly framebufferId: number;
  /** Undefined while it is off. */
  readonly mode: string | undefined;
}

interface ModetestPlane {
  readonly id: number;
  /** 0 without one. */
  readonly crtcId: number;
  /** 0 without one. */
  readonly framebufferId: number;
  /** A bit for each CRTC, in their order. */
  readonly possibleCrtcs: number;
  readonly formats: readonly string[];
  /** Of the property `type`. */
  readonly type: number;
  /** Of the property `IN_FORMATS`, as `XR24: LINEAR`. */
  readonly layouts: readonly string[];
}

/** Why there is no modetest; false where there is. For the `skip` of a test. */
export function missingModetest(): string | false {
  const { error } = spawnSync(PROGRAM, ['-h']);
  return error === undefined ? false : `there is no ${PROGRAM} here: it is in Debian's libdrm-tests`;
}

/**
 * What modetest sees of the card of a driver.
 *
 * @param atomic whether it asks as a program that speaks the atomic interface
 */
export function askModetest(driver: string, { atomic }: { readonly atomic: boolean }): ModetestReport {
  const words = ['-M', driver, '-e', '-c', '-p', ...(atomic ? ['-a'] : [])];
  const { status, stdout, stderr, error } = spawnSync(PROGRAM, words, { encoding: 'utf8' });
  assert.equal(status, 0, error?.message ?? stderr);
  return {
    encoders: objectsOf(stdout, 'Encoders').map(parseEncoder),
    connectors: objectsOf(stdout, 'Connectors').map(parseConnector),
    crtcs: objectsOf(stdout, 'CRTCs').map(parseCrtc),
    planes: objectsOf(stdout, 'Planes').map(parsePlane),
  };
}

/** The text of each object of a section: a line that begins with its number, and those below. */
function objectsOf(report: string, section: string): string[] {
  const parts = report.split(/^(?=[A-Z][A-Za-z ]*:\n)/mu).filter((part) => part.startsWith(`${section}:`));
  const [text] = parts;
  assert.ok(text !== undefined && parts.length === 1, `${PROGRAM} prints ${section} once`);
  return text.split(/^(?=\d+\t)/mu).slice(1);
}

function fieldsOf(text: string): string[] {
  return (text.split('\n')[0] ?? '').split(/\t+/u).map((field) => field.trim());
}

function parseEncoder(text: string): ModetestReport['encoders'][number] {
  const [id, crtcId, , possibleCrtcs] = fieldsOf(text);
  return { id: Number(id), crtcId: Number(crtcId), possibleCrtcs: Number(possibleCrtcs) };
}

function parseConnector(text: string): ModetestConnector {
  const [id, encoderId, status = '', name = '', size = '', , encoderIds = ''] = fieldsOf(text);
  return {
    id: Number(id),
    encoderId: Number(encoderId),
    status,
    name,
    size,
    encoderIds: encoderIds.split(', ').map(Number),
    modes: modesOf(text),
  };
}

/** A CRTC that is off has one without a name. */
function modesOf(text: string): string[] {
  return [...text.matchAll(/^ {2}#\d+ (?<mode>\S.*)$/gmu)].map(({ groups }) => groups?.['mode'] ?? '');
}

function parseCrtc(text: string): ModetestCrtc {
  const [id, framebufferId] = fieldsOf(text);
  return { id: Number(id), framebufferId: Number(framebufferId), mode: modesOf(text)[0] };
}

function parsePlane(text: string): ModetestPlane {
  const [id, crtcId, framebufferId, , , , possibleCrtcs] = fieldsOf(text);
  const layouts = text.split('in_formats blob decoded:\n')[1]?.matchAll(/^\t+ (?<layout>\S{4}: .*)$/gmu) ?? [];
  return {
    id: Number(id),
    crtcId: Number(crtcId),
    framebufferId: Number(framebufferId),
    possibleCrtcs: Number(possibleCrtcs),
    formats: /^ {2}formats: (?<names>.*)$/mu.exec(text)?.groups?.['names']?.trim().split(' ') ?? [],
    type: Number(/\d+ type:\n[^]*?value: (?<value>\d+)/u.exec(text)?.groups?.['value']),
    layouts: [...layouts].map(({ groups }) => (groups?.['layout'] ?? '').replace(/ +/gu, ' ').trim()),
  };
}
