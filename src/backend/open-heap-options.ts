import { contradiction, outOfRange } from '../base/argument-error.ts';
import { checkBoolean, checkInteger, checkOneOf, checkString, optionName, readOptions } from '../base/check.ts';
import { TABLE_PAGE_COUNT_MAX } from '../base/limits.ts';
import { toByteLength } from '../base/quantities.ts';
import type { ByteLength } from '../base/quantities.ts';
import { readArray } from '../base/read-array.ts';
import type { BackendKind } from '../heap/backend.ts';
import type { HeapOptions } from '../heap/heap.ts';
import { checkShareable } from '../heap/shareable.ts';
import type { Shareable } from '../heap/shareable.ts';
import { readEmbeddedHeapOptions } from './embedded/embedded-heap.ts';
import type { CheckedEmbeddedHeapOptions, EmbeddedHeapOptions } from './embedded/embedded-heap.ts';
import { HEAP_REQUIREMENTS } from './requirements.ts';
import type { HeapRequirement } from './requirements.ts';

/** Options of {@link openHeap}. */
export interface OpenHeapOptions extends HeapOptions {
  /** The backends to try, the preferred one first. Default: kernel, udmabuf, embedded. */
  readonly backends?: readonly BackendKind[] | undefined;
  /**
   * The required properties of every buffer. `deviceImport`: a device can import it. `share`:
   * another process can have it, without an option at each allocation. A backend that lacks one is
   * skipped, with the reason. Default: nothing, so that a program runs on every machine.
   */
  readonly require?: readonly HeapRequirement[] | undefined;
  /**
   * For devices without an IOMMU: every buffer is one run of pages. The kernel then provides the
   * heap of the requested name if that is contiguous, or else the contiguous (CMA) heap under its
   * name on this machine. udmabuf has none. From the embedded heap, buffers that are allocated with
   * `shareable` are the exception: they are memfds, which no device can import. Default: false.
   */
  readonly contiguous?: boolean | undefined;
  /**
   * The largest buffer that will be allocated, in bytes. A backend that cannot hold it is skipped.
   */
  readonly largest?: number | undefined;
  /** Options for the embedded heap, if it is chosen. They must not contradict the others. */
  readonly embedded?: EmbeddedHeapOptions | undefined;
}

/** Checked options, with the defaults filled in. @internal */
export interface CheckedOpenHeapOptions {
  readonly allowed: readonly BackendKind[];
  readonly require: readonly HeapRequirement[];
  readonly contiguous: boolean;
  readonly largest: ByteLength | undefined;
  readonly shareable: Shareable;
  readonly trackAllocations: boolean;
  readonly embedded: CheckedEmbeddedHeapOptions;
}

const ACTION = 'open the heap';
const BACKEND_KINDS: readonly BackendKind[] = ['kernel', 'udmabuf', 'embedded'];
const OPTION_NAMES = [
  'backends',
  'require',
  'contiguous',
  'largest',
  'embedded',
  'shareable',
  'trackAllocations',
] as const;

/**
 * It is a file's name: a path would lead out of the heaps' folder, to devices of any other kind.
 *
 * @internal
 */
export function checkHeapName(value: unknown): void {
  const argument = { action: ACTION, name: 'name' };
  const name = checkString(value, argument);
  if (/^\.{0,2}$|[/\0]/u.test(name))
    throw outOfRange(argument, { must: 'be one that a file in /dev/dma_heap can have', received: name });
}

/**
 * All options of the heap to open, checked before the first backend is tried. So a mistake is
 * refused on every machine, regardless of its backends.
 *
 * @throws {TypeError | RangeError} for an invalid option, or two that contradict each other
 * @internal
 */
export function readOpenHeapOptions(options: OpenHeapOptions, pageSize: ByteLength): CheckedOpenHeapOptions {
  const plain = readOptions(options, ACTION, OPTION_NAMES);
  const { backends = BACKEND_KINDS, contiguous = false, largest, trackAllocations = false } = plain;
  checkBoolean(trackAllocations, { action: ACTION, name: 'trackAllocations' });
  checkBoolean(contiguous, { action: ACTION, name: 'contiguous' });
  const require = checkList(plain.require ?? [], 'require', HEAP_REQUIREMENTS);
  const shareable = readShareable(plain.shareable, require);
  return {
    allowed: checkBackends(backends),
    require,
    contiguous,
    largest: largest === undefined ? undefined : checkLargest(largest, pageSize),
    shareable,
    trackAllocations,
    embedded: readEmbedded(plain, { contiguous, shareable, trackAllocations }, pageSize),
  };
}

/** `require: ['share']` makes buffers shareable unless an option says the opposite. */
function readShareable(value: unknown, require: readonly HeapRequirement[]): Shareable {
  const argument = { action: ACTION, name: 'shareable' };
  const shareable = value === undefined ? require.includes('share') : checkShareable(value, argument);
  if (shareable === false && require.includes('share'))
    throw contradiction(argument, 'require', "contradict: 'share' needs shareable buffers");
  if (shareable === 'read-only' && require.includes('deviceImport'))
    throw contradiction(argument, 'require', 'contradict: no device can import a buffer that is shared read-only');
  return shareable;
}

/** Options beside `embedded` apply to it too. */
function readEmbedded(
  { embedded = {}, ...given }: OpenHeapOptions,
  defaults: Required<HeapOptions> & { readonly contiguous: boolean },
  pageSize: ByteLength,
): CheckedEmbeddedHeapOptions {
  const checked = readEmbeddedHeapOptions(embedded, pageSize, { action: ACTION, name: 'embedded', defaults });
  const isShareGiven = given.shareable !== undefined || defaults.shareable !== false;
  const outer = { ...given, shareable: isShareGiven ? defaults.shareable : undefined };
  for (const key of ['contiguous', 'shareable', 'trackAllocations'] as const) {
    if (outer[key] === undefined || outer[key] === checked[key]) continue;
    const values = `contradict each other, received ${String(outer[key])} and ${String(checked[key])}`;
    throw contradiction({ action: ACTION, name: key }, optionName(key, 'embedded'), values);
  }
  return checked;
}

function checkLargest(largest: number, pageSize: ByteLength): ByteLength {
  const max = TABLE_PAGE_COUNT_MAX * pageSize;
  return toByteLength(checkInteger(largest, { action: ACTION, name: 'largest', min: 1, max, unit: 'bytes' }));
}

function checkBackends(backends: unknown): BackendKind[] {
  const kinds = checkList(backends, 'backends', BACKEND_KINDS);
  if (kinds.length > 0) return kinds;
  throw outOfRange({ action: ACTION, name: 'backends' }, { must: 'name at least one', received: kinds });
}

function checkList<const Allowed extends string>(list: unknown, name: string, allowed: readonly Allowed[]): Allowed[] {
  return readArray(list, { action: ACTION, name }, (element, index) =>
    checkOneOf(element, { action: ACTION, name: `${name}[${index}]`, allowed }),
  );
}
