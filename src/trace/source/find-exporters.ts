import { initializedType } from './find-references.ts';
import type { ReferenceReader } from './find-references.ts';
import { describePlace } from './source-file.ts';
import type { SourcePlace } from './source-symbol.ts';
import type { SourceTree } from './source-tree.ts';

/** What `dma_buf_vmap` calls: the function with which a driver maps the buffers that it exports. */
export interface SourceExporter {
  /** Such as `system_heap_vmap`. */
  readonly name: string;
  /** The variable with the exporter's operations. */
  readonly holder: string;
  /** Where it is set. */
  readonly place: SourcePlace;
}

const OPERATIONS = 'dma_buf_ops';
const MEMBER = 'vmap';

/** Every `dma_buf_ops.vmap` that is set. */
export function findExporters(tree: SourceTree, references: ReferenceReader): SourceExporter[] {
  const exporters: SourceExporter[] = [];
  for (const file of tree.filesWith(OPERATIONS, MEMBER)) {
    for (const offset of file.occurrences(MEMBER)) {
      const name = /^vmap\s*=\s*&?\s*(?<name>[A-Za-z_]\w*)/u.exec(file.code.slice(offset, offset + 200))?.groups?.[
        'name'
      ];
      const surroundings = file.surroundingsOf(offset);
      if (name === undefined || name === 'NULL' || surroundings?.kind !== 'item') continue;
      const found = references.nodeAt({ file, item: surroundings.item, offset, word: MEMBER });
      const pair = found?.node.parent?.parent;
      if (found === undefined || pair?.type !== 'initializer_pair') continue;
      const initialized = initializedType(pair, found.scope);
      if (initialized?.struct !== OPERATIONS) continue;
      const place = describePlace(file, offset);
      exporters.push(Object.freeze({ name, holder: initialized.holder ?? '', place }));
    }
  }
  return exporters;
}
