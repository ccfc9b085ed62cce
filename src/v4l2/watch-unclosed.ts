import { collector } from '../base/collector.ts';
import type { CollectionWatch } from '../base/collector.ts';

/**
 * Closes what an object had open that was collected without `close()`, and warns of it. A function
 * of its own: a closure of the object's class would keep the object.
 *
 * @param what completes "the …": `output /dev/video1`
 */
export function watchUnclosed(session: { close(): void }, what: string): CollectionWatch {
  return collector.watch({
    collect: () => {
      session.close();
      process.emitWarning(`the ${what} was collected without having been closed`, {
        type: 'DmaBufWarning',
        code: 'DMABUF_UNCLOSED',
      });
    },
  });
}
