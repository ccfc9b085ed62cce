import { ORDER_MIX_NAMES, ORDER_MIXES } from '../../pages/order-mixes.ts';
import type { CommandDescription } from '../command-description.ts';
import { parseArguments } from '../parse-arguments.ts';
import type { ParsedArguments } from '../parse-arguments.ts';

/** Words of `dmabuf workload`. */
export const WORKLOAD_ACTIONS = ['list', 'show', 'run', 'from-trace', 'predict', 'costs'] as const;

export const WORKLOAD_DESCRIPTION = {
  invocation: 'dmabuf workload',
  summary: 'replays what drivers do with dma-bufs: who maps, what it costs, who would gain from which change',
  paragraphs: [
    'Drivers that map dma-bufs run as importers of this process: they allocate, attach, map, copy and unmap as the real ones do, in ' +
      'the same order, over real buffers. Nothing is slept away. A workload is one or more of them, with sizes and rates.',
    '"run" replays one, in real time, and reports who mapped, how long each part took, what was late, and how long buffers were ' +
      'locked. What the machine cannot keep up with is late: no step is left out. Run it again with --caller fixed, --conversion ' +
      'entry or --mapping run to see what a change is worth.',
  ],
  argument: {
    usage: '[ACTION [NAME|FILE]]',
    forms: [
      { name: 'list', text: 'the workloads; the same without a word' },
      { name: 'show NAME', text: 'its consumers with their sizes and rates, and where those come from' },
      { name: 'run NAME', text: 'replays it' },
      {
        name: 'from-trace FILE',
        text:
          'prints a workload with the callers, sizes and rates of a trace or a log, as JSON that run takes; on stderr, what was ' +
          'left out and what stands in for what a trace does not show. - is standard input',
      },
      { name: 'predict NAME', text: 'what its mappings would take on another machine, by what each costs there' },
      { name: 'costs', text: 'what mappings cost: measured here, published, or out of a trace' },
      { name: 'FILE.json', text: "instead of a NAME: a workload of one's own, in the form that show --json prints" },
    ],
    suggestions: WORKLOAD_ACTIONS,
    isRepeatable: true,
    completion: 'file',
  },
  options: {
    for: { value: 'SECONDS', text: 'run: how long. Default: 10' },
    caller: {
      value: 'VARIANT',
      text: 'run: whether drivers map what they need not, as they do. Default: as-is',
      choices: [
        { name: 'as-is', text: 'as the drivers are' },
        { name: 'fixed', text: 'with the known mistakes mended' },
      ],
    },
    conversion: {
      value: 'WAY',
      text: 'run: how the heap turns its sg table into pages. Default: page',
      choices: [
        { name: 'page', text: 'page by page, as mainline does' },
        { name: 'entry', text: 'entry by entry, as the patch of April 2026 does' },
      ],
    },
    mapping: {
      value: 'WAY',
      text: 'run: how the heap makes page-table entries. Default: page, where it leaves the choice',
      choices: [
        { name: 'page', text: 'one page at a time, as mainline does' },
        { name: 'run', text: 'several pages at a time, as the series that batches vmap does' },
      ],
    },
    mix: {
      value: 'MIX',
      text: 'run: the orders that every buffer of the embedded heap is made of. Default: the largest that the heap finds',
      choices: ORDER_MIX_NAMES.map((name) => ({ name, text: ORDER_MIXES[name].reason })),
    },
    compare: {
      text:
        'run: under all choices of --caller, --conversion and --mapping in turn, within the time of --for: one table, with the ' +
        'range of the rounds. Without NAME: all workloads, one after the other',
    },
    costs: {
      value: 'SOURCE',
      text:
        'predict, costs: what mappings cost. "machine", the default: measured here, in user space, in a second. "published": figures ' +
        'of several machines, each with its source. FILE.json: what "costs --json" prints. Any other file: a trace whose mappings ' +
        'have parts, as "dmabuf trace --jsonl" records them',
      completion: 'file',
    },
    heap: {
      value: 'NAME',
      text: 'run: on this heap of the machine. Default: an embedded heap',
      completion: 'heap',
    },
    seed: { value: 'NUMBER', text: 'run: of what is drawn at random. Default: 0' },
    json: {
      text:
        'one object instead: of the format dmabuf-workloads {workloads: [{name, title, basis, loads}]}, for list and show; of the ' +
        'format dmabuf-workload-run {workload, heap, backend, mix, caller, conversion, mapping, seed, seconds, loads: [{consumer, ' +
        'stepCount, lateCount, stepNsMax}], lockUse, tables, report, variants}, where a load in a thread or a process of its own has {place, ' +
        'mappingCount, mappedBytes, locks: [{lock, holdCount, heldNs, heldNsMax, waitCount, waitedNs, waitNs: {median, high99, max}}]} ' +
        'too, report is what "dmabuf trace report --json" gives, and variants are the run itself and each choice made otherwise, as with --compare; with --compare of the format dmabuf-workload-comparison {heap, backend, mix, seed, seconds, workloads: [{name, variants: ' +
        '[{caller, conversion, mapping, mappingCount, stepCount, lateCount, mappingNs, conversionNs, lockedNs}]}]}, times of a ' +
        'step: {low, median, high}; of the format dmabuf-workload-costs {costs: {source, call, mapping, pageArray, byPage, byEntry, ' +
        'vmap, vmapBatched}}, in ns with their basis; of the format dmabuf-workload-prediction {workload, caller, seed, costs, ' +
        'demands, predictions: [{consumer, conversion, mapping, startNs, stepNs, secondNs, missing}]}',
    },
  },
  exitStatus: '0, also where steps were late; 1 when a heap or a mapping was refused',
} as const satisfies CommandDescription;

/** Options and words of `dmabuf workload`. */
export function parseWorkloadWords(args: readonly string[]): ParsedArguments<typeof WORKLOAD_DESCRIPTION.options> {
  return parseArguments(WORKLOAD_DESCRIPTION, args);
}

export type WorkloadOptions = ReturnType<typeof parseWorkloadWords>['options'];
