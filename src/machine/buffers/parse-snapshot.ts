import type { BufferSnapshot } from './buffer-snapshot.ts';

type Fields = Readonly<Record<string, unknown>>;

/**
 * Parses the output of `dmabuf ls --save`, as far as it is compared.
 *
 * @throws {SyntaxError} when the text is not JSON
 * @throws {TypeError} when it is not a snapshot, or one of another version
 */
export function parseSnapshot(text: string): BufferSnapshot {
  const value: unknown = JSON.parse(text);
  if (!isFields(value) || value['format'] !== 'dmabuf-buffers') throw new TypeError('it is no list of buffers');
  if (value['version'] !== 1) throw new TypeError('another version of this program wrote it');
  const isWhole =
    typeof value['takenAt'] === 'string' &&
    (value['bootId'] === null || typeof value['bootId'] === 'string') &&
    isListOf(value['buffers'], isBuffer) &&
    isListOf(value['processes'], isProcess);
  if (!isWhole) throw new TypeError('something is missing in it');
  return value as unknown as BufferSnapshot;
}

function isBuffer(fields: Fields): boolean {
  const hasInode = fields['inode'] === null || typeof fields['inode'] === 'number';
  return hasInode && hasNumbers(fields, ['size']) && isListOf(fields['holders'], isHolder) && hasLabels(fields);
}

function hasLabels(fields: Fields): boolean {
  return ['exporter', 'name'].every((key) => fields[key] === null || typeof fields[key] === 'string');
}

function isHolder(fields: Fields): boolean {
  return (
    hasNumbers(fields, ['pid', 'mappingCount', 'shareBytes']) &&
    typeof fields['comm'] === 'string' &&
    Array.isArray(fields['fds']) &&
    (fields['sharedWith'] === undefined || Array.isArray(fields['sharedWith']))
  );
}

function isProcess(fields: Fields): boolean {
  const numbers = ['pid', 'startTicks', 'bufferCount', 'bytes', 'shareBytes', 'fdCount', 'mappingCount'];
  return hasNumbers(fields, numbers) && typeof fields['comm'] === 'string';
}

function hasNumbers(fields: Fields, keys: readonly string[]): boolean {
  return keys.every((key) => typeof fields[key] === 'number');
}

function isListOf(value: unknown, isOne: (fields: Fields) => boolean): boolean {
  return Array.isArray(value) && value.every((one) => isFields(one) && isOne(one));
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
