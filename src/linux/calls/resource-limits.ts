import { DmaBufError } from '../../base/errors.ts';
import { formatSize } from '../../base/sizes.ts';
import { RLIMIT_AS, RLIMIT_DATA, RLIMIT_FSIZE, rlimit } from '../../uapi/resource.ts';
import { CheckedCalls } from './checked-calls.ts';

/** A limit of the process that a buffer may exceed. */
export type LimitName = 'RLIMIT_AS' | 'RLIMIT_DATA' | 'RLIMIT_FSIZE';

const RESOURCES: Readonly<Record<LimitName, number>> = { RLIMIT_AS, RLIMIT_DATA, RLIMIT_FSIZE };

const readSoftLimit = rlimit.readerOf('rlimCur');

/** The calling process (man 2 prlimit). */
const OWN_PROCESS = 0;

/** The command that raises each, in the shell that starts the program (man 1 bash, `ulimit`). */
const REMEDIES: Readonly<Record<LimitName, string>> = {
  RLIMIT_AS: `raise the process's limit with "ulimit -v"`,
  RLIMIT_DATA: `raise the process's limit with "ulimit -d"`,
  RLIMIT_FSIZE: `raise the process's limit with "ulimit -f"`,
};

/** The remedy for a limit: the end of a message, without a full stop. */
export function limitRemedy(name: LimitName): string {
  return REMEDIES[name];
}

/**
 * The limits of this process (man 2 getrlimit). Read by a call, not from `/proc/self/limits`:
 * `/proc` may be missing. RLIMIT_MEMLOCK is not among them: this package locks no memory, and the
 * kernel does not count the pages that it pins for a udmabuf (drivers/dma-buf/udmabuf.c).
 */
export class ResourceLimits extends CheckedCalls {
  readonly #limit = new Uint8Array(rlimit.size);

  /**
   * The soft limit, in bytes. Undefined where there is none, or where the call is forbidden (a
   * seccomp filter).
   */
  bytesOf(name: LimitName): number | undefined {
    if (this.raw.prlimit64(OWN_PROCESS, RESOURCES[name], null, this.#limit) < 0) return undefined;
    const rlimCur = readSoftLimit(this.#limit);
    // RLIM_INFINITY is 2^64 - 1. No finite limit is that large.
    return rlimCur > Number.MAX_SAFE_INTEGER ? undefined : rlimCur;
  }
}

/**
 * Refuses a file that is too large for this process. The kernel would not only refuse it: it sends
 * SIGXFSZ, which ends programs that do not ignore it. Node ignores it (mm/truncate.c,
 * inode_newsize_ok).
 *
 * @throws {DmaBufError} `EFBIG`
 */
export function checkFileSize(limits: ResourceLimits, length: number): void {
  const limit = limits.bytesOf('RLIMIT_FSIZE');
  if (limit === undefined || length <= limit) return;
  throw new DmaBufError(
    `Cannot make a file of ${formatSize(length)} as RLIMIT_FSIZE lets no file of this process have more than ` +
      `${formatSize(limit)}: ${limitRemedy('RLIMIT_FSIZE')}`,
    { code: 'EFBIG', syscall: 'ftruncate', values: { length, limit } },
  );
}
