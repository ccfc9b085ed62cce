import { withCleanup } from '../../base/cleanup.ts';
import type { OwnedFd } from '../../linux/calls/fd.ts';

/**
 * A descriptor of each, for the caller to close; none where one is refused.
 *
 * @throws {DmaBufError} as `exportFd()` of the one that is refused
 */
export function exportAll(exporters: readonly { exportFd(): OwnedFd }[]): OwnedFd[] {
  return withCleanup((cleanup) =>
    exporters.map((exporter) => {
      const fd = exporter.exportFd();
      cleanup.defer(() => fd.close());
      return fd;
    }),
  );
}
