/** The source of the main job's buffer, from the command line. */

import { EMBEDDED_HEAP_NAME } from '../../backend/embedded/embedded-heap.ts';
import type { BackendKind } from '../../heap/backend.ts';
import type { MainJobSource } from '../../measure/main-job.ts';
import type { OrderMixName } from '../../pages/order-mixes.ts';
import { checkHeapName } from '../heap-name.ts';
import { UsageError } from '../parse-arguments.ts';

export const MIX_DEFAULT: OrderMixName = 'fresh';

/** The default heap of each backend. */
const HEAPS_DEFAULT: Readonly<Record<BackendKind, string>> = {
  kernel: 'system',
  udmabuf: 'udmabuf',
  embedded: EMBEDDED_HEAP_NAME,
};

/** The options about the source. */
interface SourceOptions {
  readonly heap: string | undefined;
  readonly backend: BackendKind | undefined;
  readonly mix: OrderMixName | undefined;
  readonly fragment: boolean;
}

/** A heap of the kernel, for `--kernel`. */
interface KernelSource {
  readonly heapName: string;
  readonly fragmented: boolean;
}

/**
 * The source of the buffer that the kernel module measures: one of the kernel's heaps, by default
 * the first that there is nearly everywhere.
 *
 * @throws {UsageError} for another backend, and as {@link readSource} does
 */
export function readKernelSource(options: SourceOptions): KernelSource {
  const { heap, backend } = options;
  const source = readSource({ ...options, backend: backend ?? (heap === undefined ? 'kernel' : undefined) });
  if (source.backend === 'kernel') return { heapName: source.name, fragmented: source.fragmented };
  throw new UsageError(
    `Cannot use --kernel with backend ${source.backend} as it measures buffers of the kernel's heaps: use --heap ${HEAPS_DEFAULT.kernel}`,
  );
}

/**
 * Named options are obeyed exactly: a heap is the kernel's unless its name is udmabuf's, or the
 * backend is named as well.
 *
 * @throws {UsageError} for options that contradict each other, or invalid values
 */
export function readSource({ heap, backend: named, mix, fragment }: SourceOptions): MainJobSource {
  const backend = named ?? backendOf(heap);
  const name = heap ?? HEAPS_DEFAULT[backend];
  if (backend === 'embedded') {
    checkEmbeddedName(name);
    if (fragment)
      throw new UsageError(`Cannot use --fragment on the embedded heap as its memory is put into a mix: use --mix`);
    return { backend, mix: mix ?? MIX_DEFAULT };
  }
  checkHeapName(name);
  if (mix === undefined) return { backend, name, fragmented: fragment };
  throw new UsageError(
    `Cannot use --mix with heap "${name}" of backend ${backend} as the kernel decides which pages it gives: ` +
      '--fragment has it find small ones only, and --backend embedded takes a mix',
  );
}

function backendOf(heap: string | undefined): BackendKind {
  if (heap === undefined) return 'embedded';
  return heap === HEAPS_DEFAULT.udmabuf ? 'udmabuf' : 'kernel';
}

function checkEmbeddedName(name: string): void {
  if (name === EMBEDDED_HEAP_NAME) return;
  throw new UsageError(
    `Cannot use heap "${name}" with --backend embedded as its heap is named "${EMBEDDED_HEAP_NAME}": leave one of the two out`,
  );
}
