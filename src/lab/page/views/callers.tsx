import { useSignal } from '@preact/signals';
import type { Signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { JSX } from 'preact';

import { formatAmount, formatDuration } from '../../../base/number-format.ts';
import { sizeText } from '../../../base/size-text.ts';
import { DataTable } from '../data-table.tsx';
import { reasonOf } from '../reason-of.ts';
import { runJob } from '../run-job.ts';
import { SaveButtons } from '../save-buttons.tsx';
import { askLab } from '../session.ts';

const SECONDS = [5, 10, 30, 60];
const SECONDS_DEFAULT = 10;

interface Caller {
  readonly path: readonly string[];
  readonly consumer: { readonly name: string; readonly origin: string };
  readonly callCount: number;
  readonly totalBytes?: number;
  readonly totalNs?: number;
  readonly medianNs?: number;
}

interface Answer {
  readonly path: string;
  readonly report: { readonly callers: readonly Caller[]; readonly mappingCount: number };
}

type State =
  | { readonly kind: 'empty' }
  | { readonly kind: 'reading'; readonly name: string }
  | { readonly kind: 'recording'; readonly mappingCount: number }
  | { readonly kind: 'failed'; readonly reason: string }
  | ({ readonly kind: 'read'; readonly name: string } & Answer);

/** Shows a first state, and then those that come, until another is begun or the view is left. */
type Begin = (
  first: State,
  produce: (signal: AbortSignal, show: (state: State) => void) => Promise<State>,
) => Promise<void>;

/** Who maps, by a log, a trace or a report that was dropped. */
export function CallersView({ mayControl }: { mayControl: boolean }): JSX.Element {
  const state = useSignal<State>({ kind: 'empty' });
  const latest = useRef<AbortController | undefined>(undefined);
  useEffect(() => () => latest.current?.abort(), []);
  /** One at a time: what is begun ends what was begun before. */
  const begin: Begin = async (first, produce) => {
    latest.current?.abort();
    const own = new AbortController();
    latest.current = own;
    const show = (next: State): void => {
      if (!own.signal.aborted) state.value = next;
    };
    show(first);
    try {
      show(await produce(own.signal, show));
    } catch (error) {
      show({ kind: 'failed', reason: reasonOf(error) });
    }
  };
  const read = async (file: File | undefined): Promise<void> => {
    if (file === undefined) return;
    await begin({ kind: 'reading', name: file.name }, async (signal) => {
      const headers = { 'x-file-name': encodeURIComponent(file.name) };
      const answer = await askLab('/api/callers', { method: 'POST', body: file, headers, signal });
      return { kind: 'read', name: file.name, ...((await answer.json()) as Answer) };
    });
  };
  return (
    <>
      <h1>Callers</h1>
      <form
        class="drop"
        onDragOver={(event) => event.preventDefault()}
        onDrop={(event) => {
          event.preventDefault();
          void read(event.dataTransfer?.files[0]);
        }}
      >
        <label>
          Drop a kernel's log, a trace, or what "dmabuf trace export" wrote, or choose it:{' '}
          <input type="file" onChange={(event) => void read(event.currentTarget.files?.[0])} />
        </label>
        <p>
          <small>It is read by the lab on this machine, and goes nowhere else.</small>
        </p>
      </form>
      {mayControl ? <RecordForm state={state} begin={begin} /> : undefined}
      <div role="status">{statusOf(state.value)}</div>
      {state.value.kind === 'read' ? <Read {...state.value} /> : undefined}
    </>
  );
}

/** Records this machine for a time: for root. */
function RecordForm({ state, begin }: { state: Signal<State>; begin: Begin }): JSX.Element {
  const seconds = useSignal(SECONDS_DEFAULT);
  const record = async (): Promise<void> =>
    await begin({ kind: 'recording', mappingCount: 0 }, async (signal, show) => {
      const end = await runJob('/api/record', {
        request: { seconds: seconds.value },
        signal,
        tell: (step) => {
          if (step.type === 'recorded') show({ kind: 'recording', mappingCount: step.mappingCount });
        },
      });
      return end.type === 'done'
        ? { kind: 'read', name: 'this machine', ...(end.report as Answer) }
        : { kind: 'failed', reason: end.message };
    });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void record();
      }}
    >
      <label>
        Or record this machine, as root, for{' '}
        <select
          name="seconds"
          value={seconds.value}
          onChange={(event) => (seconds.value = Number(event.currentTarget.value))}
        >
          {SECONDS.map((each) => (
            <option key={each} value={each}>
              {each} seconds
            </option>
          ))}
        </select>
      </label>{' '}
      <button type="submit" disabled={state.value.kind === 'recording'}>
        Record
      </button>
    </form>
  );
}

function statusOf(state: State): string {
  if (state.kind === 'empty') return '';
  if (state.kind === 'reading') return `Reading ${state.name}…`;
  if (state.kind === 'recording')
    return `Recording: ${formatAmount(state.mappingCount, 'mapping', 'mappings')} so far.`;
  if (state.kind === 'failed') return `There is no report: ${state.reason}`;
  return `${state.name}: ${formatAmount(state.report.mappingCount, 'mapping', 'mappings')} by ${formatAmount(state.report.callers.length, 'call path', 'call paths')}.`;
}

function Read({ name, path, report }: { readonly name: string } & Answer): JSX.Element {
  return (
    <>
      <DataTable
        caption="Who maps, by call path"
        name="callers"
        rows={report.callers}
        columns={[
          { heading: 'Consumer', cell: ({ consumer }) => consumer.name },
          { heading: 'Origin', cell: ({ consumer }) => consumer.origin },
          { heading: 'Calls', cell: ({ callCount }) => callCount },
          {
            heading: 'Bytes',
            cell: ({ totalBytes }) => totalBytes ?? null,
            show: ({ totalBytes }) => (totalBytes === undefined ? null : sizeText(totalBytes)),
          },
          {
            heading: 'Time',
            cell: ({ totalNs }) => totalNs ?? null,
            show: ({ totalNs }) => (totalNs === undefined ? null : formatDuration(totalNs)),
          },
          {
            heading: 'Median',
            cell: ({ medianNs }) => medianNs ?? null,
            show: ({ medianNs }) => (medianNs === undefined ? null : formatDuration(medianNs)),
          },
          { heading: 'Path', cell: ({ path: functions }) => functions.join(' ← ') },
        ]}
      />
      <iframe
        class="report"
        title={`The report of ${name}: flame graph, time line, what could be saved`}
        src={path}
        sandbox="allow-scripts allow-downloads"
      />
      <p>
        <a href={path} target="_blank" rel="noopener noreferrer">
          The report alone
        </a>
        , to save or print.
      </p>
      <SaveButtons name="dmabuf-callers" json={() => report} />
    </>
  );
}
