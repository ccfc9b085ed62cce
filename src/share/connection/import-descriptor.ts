import { withCleanup } from '../../base/cleanup.ts';
import { DmaBufError } from '../../base/errors.ts';
import type { DmaBuf } from '../../heap/dma-buf.ts';
import type { BorrowedFd } from '../../linux/calls/fd.ts';
import type { DescribedDescriptor, DescriptorKind } from './message-header.ts';
import type { ShareContext } from './share-context.ts';

/** The kind of descriptor that {@link DmaBuf.exportFd} gives. */
function kindOfBuffer(buffer: DmaBuf): DescriptorKind {
  return buffer.exporter === 'memfd' ? 'memfd' : 'dma-buf';
}

/** The announcement of a buffer whose descriptor is passed on. */
export function describeBuffer(buffer: DmaBuf): DescribedDescriptor {
  return { kind: kindOfBuffer(buffer), length: buffer.length, name: buffer.name };
}

/**
 * Makes a buffer from a descriptor, which the caller keeps, after checking the descriptor itself
 * against the announcement.
 *
 * @throws {DmaBufError} `EPROTO` when it differs from the announcement; the errors of
 * `importBuffer`
 */
export function importDescribedBuffer(
  context: Pick<ShareContext, 'importBuffer'>,
  fd: BorrowedFd,
  described: DescribedDescriptor,
): DmaBuf {
  return withCleanup((cleanup) => {
    const buffer = context.importBuffer(fd, described.name);
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
