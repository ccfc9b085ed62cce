import { useSignal } from '@preact/signals';
import type { Signal } from '@preact/signals';
import type { JSX } from 'preact';

import { formatCount, formatDuration, formatRatio } from '../../../base/number-format.ts';
import { MiB } from '../../../base/size-text.ts';
import type { JobProgress } from '../../protocol/messages.ts';
import { DataTable } from '../data-table.tsx';
import { Facts } from '../facts.tsx';
import { reasonOf } from '../reason-of.ts';
import { runJob } from '../run-job.ts';
import { SaveButtons } from '../save-buttons.tsx';
import { useLeaving } from '../use-leaving.ts';

const MIX_DEFAULT = 'fresh';
const SIZES_MIB = [16, 64, 256, 1024, 2048];

/** The part of docs/schemas/dmabuf-vmap.schema.json that the view shows. */
interface VmapReport {
  readonly pages: number;
  readonly entries: number | null;
  readonly runs: number | null;
  readonly refusal: string | null;
  readonly verified: boolean | null;
  readonly conversion: Readonly<Record<string, number | null>>;
  readonly vmap: Readonly<Record<string, number | null>>;
}

type State =
  | { readonly kind: 'idle' }
  | { readonly kind: 'running'; readonly progress: JobProgress | undefined }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'done'; readonly report: VmapReport };

/** The main job: a table into pages, beside C, and scattered pages into one view, both ways. */
export function ConvertView({ mayControl, mixes }: { mayControl: boolean; mixes: readonly string[] }): JSX.Element {
  const state = useSignal<State>({ kind: 'idle' });
  const sizeMib = useSignal(64);
  const mix = useSignal(MIX_DEFAULT);
  const leaving = useLeaving();
  const run = async (): Promise<void> => {
    state.value = { kind: 'running', progress: undefined };
    try {
      const end = await runJob('/api/convert', {
        request: { length: sizeMib.value * MiB, mix: mix.value },
        signal: leaving,
        tell: (step) => {
          if (step.type === 'progress') state.value = { kind: 'running', progress: step };
        },
      });
      state.value =
        end.type === 'done'
          ? { kind: 'done', report: end.report as VmapReport }
          : { kind: 'failed', reason: end.message };
    } catch (error) {
      state.value = { kind: 'failed', reason: reasonOf(error) };
    }
  };
  return (
    <>
      <h1>Convert and map</h1>
      <p>
        A buffer of scattered pages: its table is turned into pages page by page and entry by entry, here and in C, and
        it is mapped as one view run by run and page by page. It is what <code>dmabuf vmap</code> does.
      </p>
      {mayControl ? (
        <ConvertForm sizeMib={sizeMib} mix={mix} mixes={mixes} isRunning={state.value.kind === 'running'} onRun={run} />
      ) : (
        <p class="gap">
          This lab is read-only: start it with <code>dmabuf lab --control</code> to run jobs from here.
        </p>
      )}
      <div role="status">{statusOf(state.value)}</div>
      {state.value.kind === 'running' ? <Progress progress={state.value.progress} /> : undefined}
      {state.value.kind === 'done' ? <Report report={state.value.report} /> : undefined}
    </>
  );
}

interface ConvertFormProps {
  readonly sizeMib: Signal<number>;
  readonly mix: Signal<string>;
  readonly mixes: readonly string[];
  readonly isRunning: boolean;
  readonly onRun: () => Promise<void>;
}

function ConvertForm({ sizeMib, mix, mixes, isRunning, onRun }: ConvertFormProps): JSX.Element {
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void onRun();
      }}
    >
      <label>
        Size{' '}
        <select
          name="size"
          value={sizeMib.value}
          onChange={(event) => (sizeMib.value = Number(event.currentTarget.value))}
        >
          {SIZES_MIB.map((size) => (
            <option key={size} value={size}>
              {formatCount(size)} MiB
            </option>
          ))}
        </select>
      </label>{' '}
      <label>
        Mix{' '}
        <select name="mix" value={mix.value} onChange={(event) => (mix.value = event.currentTarget.value)}>
          {mixes.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>{' '}
      <button type="submit" disabled={isRunning}>
        Run
      </button>
    </form>
  );
}

function statusOf(state: State): string {
  if (state.kind === 'failed') return `It did not run: ${state.reason}`;
  if (state.kind === 'running') return state.progress === undefined ? 'It begins.' : `Now: ${state.progress.step}.`;
  return state.kind === 'done' ? 'Done.' : '';
}

function Progress({ progress }: { progress: JobProgress | undefined }): JSX.Element {
  if (progress === undefined) return <progress aria-label="Progress" />;
  return <progress aria-label="Progress" value={progress.done} max={Math.max(1, progress.total)} />;
}

interface Step {
  readonly step: string;
  readonly before: number | null;
  readonly after: number | null;
}

function Report({ report }: { report: VmapReport }): JSX.Element {
  const { conversion, vmap, refusal, verified } = report;
  const steps: Step[] = [
    {
      step: 'Table to pages, in TypeScript',
      before: numberOf(conversion, 'byPageNs'),
      after: numberOf(conversion, 'byEntryNs'),
    },
    {
      step: 'Table to pages, in C',
      before: numberOf(conversion, 'cByPageNs'),
      after: numberOf(conversion, 'cByEntryNs'),
    },
    { step: 'Mapping', before: numberOf(vmap, 'byPageNs'), after: numberOf(vmap, 'byRunNs') },
    {
      step: 'Mapping, every page read',
      before: numberOf(vmap, 'byPageTouchedNs'),
      after: numberOf(vmap, 'byRunTouchedNs'),
    },
  ];
  return (
    <>
      <Facts
        facts={[
          ['Pages', formatCount(report.pages)],
          ['Entries', known(report.entries, formatCount)],
          ['Runs', known(report.runs, formatCount)],
          [
            'Proof',
            verified === null ? 'no window to prove' : verified ? 'every byte where it belongs' : 'wrong bytes',
          ],
        ]}
      />
      {refusal === null ? undefined : <p class="gap">{refusal}</p>}
      <DataTable
        caption="Before and after"
        name="steps"
        rows={steps}
        columns={[
          { heading: 'Step', cell: ({ step }) => step },
          {
            heading: 'Page by page',
            cell: ({ before }) => before,
            show: ({ before }) => known(before, formatDuration),
          },
          { heading: 'By entry or run', cell: ({ after }) => after, show: ({ after }) => known(after, formatDuration) },
          { heading: 'Gain', cell: gainOf, show: (row) => known(gainOf(row), formatRatio) },
        ]}
      />
      <SaveButtons name="dmabuf-vmap" json={() => report} />
    </>
  );
}

function numberOf(times: Readonly<Record<string, number | null>>, name: string): number | null {
  return times[name] ?? null;
}

function gainOf({ before, after }: Step): number | null {
  return before === null || after === null ? null : before / after;
}

function known(value: number | null, format: (value: number) => string): string {
  return value === null ? 'not measured' : format(value);
}
