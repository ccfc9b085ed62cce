import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';

import type { ConversionCost } from '../../trace/analysis/conversion-cost.ts';
import { HtmlReport } from '../../trace/export/html/html-report.ts';
import { readFiles } from '../callers/read-files.ts';
import { withFile } from '../file-failure.ts';
import { UsageError } from '../parse-arguments.ts';
import type { Terminal } from '../terminal.ts';

const STDOUT = '-';

/**
 * What `--html` names: `--html trace.txt` would write over a trace.
 *
 * @throws {UsageError} for what is not named as a page, and for one of the files that are read
 */
export function checkPage(page: string, files: readonly string[]): string {
  if (page === STDOUT) return page;
  if (!/\.html?$/iu.test(page))
    throw new UsageError(`Cannot write a page to "${page}" as browsers know pages by their name: end it in .html`);
  if (files.some((file) => resolve(file) === resolve(page)))
    throw new UsageError(`Cannot write a page to "${page}" as it is read: name another file`);
  return page;
}

/** Writes a report as a page. */
export async function writeHtmlReport(
  files: readonly string[],
  { page, cost }: { readonly page: string; readonly cost: ConversionCost | undefined },
  terminal: Terminal,
): Promise<void> {
  const report = new HtmlReport();
  report.add(await readFiles(files, terminal, (record) => report.add(record)));
  await writePage(page, report.page(files, cost), terminal);
}

/** To a file, or to standard output. */
export async function writePage(page: string, text: string, { writeJson }: Pick<Terminal, 'writeJson'>): Promise<void> {
  if (page === STDOUT) writeJson(text);
  else await withFile('write', page, async () => await writeFile(page, text));
}
