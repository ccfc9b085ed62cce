import { withCleanup } from '../base/cleanup.ts';
import { DmaBufError } from '../base/errors.ts';
import type { DmaBuf } from '../heap/dma-buf.ts';
import type { BorrowedFd } from '../linux/fd.ts';
import type { DescribedDescriptor, DescriptorKind } from './message-header.ts';
import type { ShareSurroundings } from './share-surroundings.ts';

/** Which kind of descriptor {@link DmaBuf.exportFd} gives. */
function kindOfBuffer(buffer: DmaBuf): DescriptorKind {
  return buffer.exporter === 'memfd' ? 'memfd' : 'dma-buf';
}

/** What to say of a buffer whose descriptor is passed on. */
export function describeBuffer(buffer: DmaBuf): DescribedDescriptor {
  return { kind: kindOfBuffer(buffer), length: buffer.length, name: buffer.name };
}

/**
 * Makes a buffer of a descriptor that stays the caller's, once the descriptor itself has said what it is.
 *
 * @throws {DmaBufError} `EPROTO` when that is not what was said of it; what `importBuffer` throws
 */
export function importDescribedBuffer(
  { importBuffer }: Pick<ShareSurroundings, 'importBuffer'>,
  fd: BorrowedFd,
  described: DescribedDescriptor,
): DmaBuf {
  return withCleanup((cleanup) => {
    const buffer = importBuffer(fd, described.name);
    cleanup.defer(() => buffer.close());
    const kind = kindOfBuffer(buffer);
    if (kind !== described.kind || buffer.length !== described.length) {
      throw new DmaBufError(
        `Cannot import the buffer as it is a ${kind} of ${buffer.length} bytes: announced was a ${described.kind} of ${described.length}`,
        { code: 'EPROTO', values: { length: buffer.length, lengthAnnounced: described.length } },
      );
    }
    return buffer;
  });
}
