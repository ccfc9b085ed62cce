import { listHeaps } from '../../backend/list-heaps.ts';
import type { BackendKind } from '../../heap/backend.ts';
import { runKernelVmapJob } from '../../measure/kernel-vmap-job.ts';
import { defaultMainJobLength, runMainJob } from '../../measure/main-job.ts';
import type { MainJobReport, MainJobSource } from '../../measure/main-job.ts';
import type { JobStep } from '../../measure/vmap-job.ts';
import { ORDER_MIX_NAMES, ORDER_MIXES } from '../../pages/order-mixes.ts';
import { parseBufferLength } from '../buffer-length.ts';
import { CommandFailure, SUCCEEDED } from '../command.ts';
import type { Command, ExitStatus } from '../command.ts';
import type { CommandDescription } from '../command-description.ts';
import { writeJsonLine } from '../json-line.ts';
import { parseArguments } from '../parse-arguments.ts';
import { wrapText } from '../table.ts';
import type { Terminal } from '../terminal.ts';
import { toMainJobJson } from '../../measure/main-job-json.ts';
import { toKernelJson } from './kernel-json.ts';
import { formatKernelReport } from './kernel-report.ts';
import { formatReport } from './report.ts';
import { MIX_DEFAULT, readKernelSource, readSource } from './source.ts';

const DESCRIPTION = {
  invocation: 'dmabuf vmap',
  summary: 'maps scattered pages as one view, and shows what it costs',
  paragraphs: [
    'Allocates a buffer of scattered pages, turns its scatter-gather table into an array of pages (page by page and entry by ' +
      'entry, here and in C), maps it as one contiguous view (page by page and at once), proves the view right, and shows ' +
      'what each step cost.',
  ],
  argument: {
    usage: '[SIZE]',
    forms: [
      {
        name: 'SIZE',
        text: 'such as 64MiB, 64M or 1.5GiB; without it 2 GiB, or half of the available memory where that is less',
      },
    ],
  },
  options: {
    heap: {
      value: 'NAME',
      text:
        'allocates from this heap: one of the kernel\'s, by its name in /dev/dma_heap, or "udmabuf"; "dmabuf heaps" lists ' +
        'what there is',
      completion: 'heap',
    },
    backend: {
      value: 'BACKEND',
      text: "where the heap's memory comes from; without this and --heap: embedded",
      choices: [
        { name: 'kernel', text: '/dev/dma_heap' },
        { name: 'udmabuf', text: '/dev/udmabuf' },
        { name: 'embedded', text: 'an arena of this process' },
      ],
    },
    mix: {
      value: 'MIX',
      text: `the orders that a buffer of the embedded heap is made of; without it ${MIX_DEFAULT}`,
      choices: ORDER_MIX_NAMES.map((name) => ({ name, text: ORDER_MIXES[name].reason })),
    },
    fragment: {
      text:
        "on the kernel's heaps, and as root: first takes nearly all memory and frees it in small pieces, so that the heap finds " +
        'no others',
    },
    kernel: {
      text:
        "on the kernel's heaps, and as root: has the kernel module dmabuf_measure, which this package's repository builds for " +
        'its guest, measure what mapping the buffer costs in the kernel, and shows only that',
    },
    json: {
      text:
        'one object instead, of the format dmabuf-vmap: {size, pages, entries, runs, backend, mix, layoutSource, conversion: ' +
        '{byPageNs, ...}, vmap: {byRunNs, ...}, verified, ...}; sizes in bytes, times in ns for the whole buffer (medians), null ' +
        'where not measured. With --kernel, of the format dmabuf-kernel-vmap: {size, pages, entries, heap, times: {byPageNs, ' +
        'byEntryNs, vmapNs, wholeNs, ...}, ...}',
    },
  },
  notes: [
    'On a machine whose clock counts instructions (qemu -icount shift=1), set DMABUF_INSTRUCTION_NS=2: costs are called ' +
      'instructions then.',
  ],
  exitStatus:
    '0, also where the view was refused because it takes more mappings than the system allows; 1 when a step failed or the ' +
    'view was wrong',
} as const satisfies CommandDescription;

const WRONG_VIEW =
  'Cannot vouch for the view as stamps were not where they belong: this is a bug, please report it with this output';

const STEP_TEXTS: Readonly<Record<JobStep, string>> = {
  'open the heap': 'Opening the heap',
  'fragment the memory': 'Fragmenting the memory',
  'convert to pages': 'Turning the table into pages',
  'convert to pages in C': 'Turning the table into pages in C',
  'commit the memory': 'Committing the memory',
  'map run by run': 'Mapping run by run',
  'prove the window': 'Proving the window',
  'map page by page': 'Mapping page by page',
  'compare huge pages': 'Comparing huge pages',
};

export const vmapCommand: Command = {
  name: 'vmap',
  description: DESCRIPTION,
  run: (args, terminal) => {
    const { options, words } = parseArguments(DESCRIPTION, args);
    if (options.kernel) return runInKernel(options, words, terminal);
    const { length, source, json, isDefault } = readArguments(options, words);
    const report = runMainJob({
      length,
      source,
      onProgress: (step, done, total) => terminal.showProgress(describeProgress(STEP_TEXTS[step], done, total)),
    });
    terminal.clearProgress();
    print(report, json, terminal);
    if (isDefault && !json)
      ['', ...wrapText(describeOtherHeaps(), terminal.columns)].forEach((line) => terminal.print(line));
    if (report.verified === false) throw new CommandFailure(WRONG_VIEW);
    return SUCCEEDED;
  },
};

function describeProgress(text: string, done: number, total: number): string {
  return total === 1 ? `${text} …` : `${text} … ${Math.floor((done / total) * 100)} %`;
}

interface VmapArguments {
  readonly length: number;
  readonly source: MainJobSource;
  readonly json: boolean;
  /** Without a heap or a backend on the command line. */
  readonly isDefault: boolean;
}

type VmapOptions = ReturnType<typeof parseArguments<typeof DESCRIPTION.options>>['options'];

function readArguments(options: VmapOptions, [size]: readonly string[]): VmapArguments {
  const { heap, backend, json } = options;
  const source = readSource(options);
  const length = readLength(size, source.backend);
  return { length, source, json, isDefault: heap === undefined && backend === undefined };
}

function readLength(size: string | undefined, backend: BackendKind): number {
  return size === undefined ? defaultMainJobLength(backend) : parseBufferLength(size, '64MiB');
}

function runInKernel(options: VmapOptions, [size]: readonly string[], terminal: Terminal): ExitStatus {
  const source = readKernelSource(options);
  const report = runKernelVmapJob({
    ...source,
    length: readLength(size, 'kernel'),
    onProgress: (done, total) => terminal.showProgress(describeProgress('Mapping in the kernel', done, total)),
  });
  terminal.clearProgress();
  if (options.json) writeJsonLine(toKernelJson(report), terminal.writeJson);
  else for (const line of formatKernelReport(report, terminal)) terminal.print(line);
  return SUCCEEDED;
}

/** None was requested, and the machine may have them. */
function describeOtherHeaps(): string {
  const others = listHeaps().filter(
    ({ backend, available, cpuMappable }) => backend !== 'embedded' && available && cpuMappable,
  );
  if (others.length === 0) return 'No heap of the kernel opens here: "dmabuf doctor" says why, and what would help';
  const options = others.map(({ name }) => `--heap ${name}`);
  return `On this machine's own heaps: dmabuf vmap ${options.join(', or ')}`;
}

function print(report: MainJobReport, json: boolean, terminal: Terminal): void {
  if (json) writeJsonLine(toMainJobJson(report), terminal.writeJson);
  else for (const line of formatReport(report, terminal)) terminal.print(line);
}
