import { ChromeTrace } from '../../trace/export/chrome-trace.ts';
import { formatCollapsed } from '../../trace/export/collapsed.ts';
import { toSpeedscope } from '../../trace/export/speedscope.ts';
import { StackTotals } from '../../trace/export/stack-totals.ts';
import { readFiles } from '../callers/read-files.ts';
import { escapeJson, writeJsonLine } from '../json-line.ts';
import type { Terminal } from '../terminal.ts';

type ExportForm = 'collapsed' | 'collapsed-ns' | 'chrome' | 'speedscope';

/** Writes the mappings of files in the form of another program. */
export async function writeExport(files: readonly string[], form: ExportForm, terminal: Terminal): Promise<void> {
  if (form === 'chrome') return await writeChrome(files, terminal);
  const calls = new StackTotals('calls');
  const ns = new StackTotals('ns');
  await readFiles(files, terminal, (record) => {
    if (record.kind !== 'mapping' || record.marks?.includes('sample') === true) return;
    calls.add(record);
    ns.add(record);
  });
  if (form === 'speedscope')
    writeJsonLine(toSpeedscope({ calls: calls.stacks(), ns: ns.stacks() }), terminal.writeJson);
  else {
    const text = formatCollapsed((form === 'collapsed' ? calls : ns).stacks());
    if (text !== '') terminal.print(text);
  }
  return undefined;
}

async function writeChrome(files: readonly string[], terminal: Terminal): Promise<void> {
  const trace = new ChromeTrace();
  const write = (line: string): void => terminal.writeJson(`${escapeJson(line)}\n`);
  write(trace.first);
  await readFiles(files, terminal, (record) => {
    if (record.kind === 'mapping') trace.add(record).forEach(write);
  });
  write(trace.last);
}
