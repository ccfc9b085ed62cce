/** Whether memory comes in huge pages, and the gain, for people. */

import { formatSize } from '../../base/sizes.ts';
import type { HugePageGain } from '../../measure/huge-page-gain.ts';
import { formatDuration, formatRatio } from '../../base/number-format.ts';
import type { Section } from '../report-section.ts';
import { formatLabelled, formatTable } from '../table.ts';

export function formatHugePages({ use, compared }: HugePageGain, columns: number): Section {
  if (compared === undefined) {
    const lines = [
      ...formatLabelled('  not here: ', use.reason, columns),
      ...formatLabelled('  ', '"dmabuf doctor" says what would allow them, and what they would save', columns),
    ];
    return { heading: 'Huge pages', lines };
  }
  const { huge, ordinary, length } = compared;
  const toCells = (label: string, hugeNs: number, ordinaryNs: number): string[] => [
    `  ${label}`,
    formatDuration(ordinaryNs),
    formatDuration(hugeNs),
    formatRatio(ordinaryNs / hugeNs),
  ];
  const table = formatTable(
    [
      { heading: `  ${formatSize(length)} in runs of ${formatSize(use.pageBytes ?? 0)}`, align: 'left' },
      { heading: 'ordinary', align: 'right' },
      { heading: 'huge pages', align: 'right' },
      { heading: 'gain', align: 'right' },
    ],
    [
      toCells('taken from the machine, mapped', huge.commitNs, ordinary.commitNs),
      toCells('mapped again, every page faulted in', huge.viewNs, ordinary.viewNs),
    ],
    columns,
  );
  return { heading: 'Huge pages', lines: [...table, ...formatLabelled('  why: ', use.reason, columns)] };
}
