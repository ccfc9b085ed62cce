import { useEffect, useMemo } from 'preact/hooks';
import type { JSX } from 'preact';

import { formatAmount, formatCount, formatDuration, formatRate, formatShare } from '../../../base/number-format.ts';
import { sizeText } from '../../../base/size-text.ts';
import type { HelloMessage, WorkloadSample } from '../../protocol/messages.ts';
import { DataTable } from '../data-table.tsx';
import { Facts } from '../facts.tsx';
import { LineChart } from '../line-chart.tsx';
import { SaveButtons } from '../save-buttons.tsx';
import { CHOICES, WorkloadRun } from '../workload-run.ts';
import type { ChoiceName, Chosen, Stretch } from '../workload-run.ts';

interface WorkloadsProps {
  readonly mayControl: boolean;
  readonly workloads: HelloMessage['workloads'];
}

/** A workload while it runs: rates, times, what is late, and what a choice changes. */
export function WorkloadsView({ mayControl, workloads }: WorkloadsProps): JSX.Element {
  const run = useMemo(() => new WorkloadRun(), []);
  useEffect(() => () => run.end(), []);
  return (
    <>
      <h1>Workloads</h1>
      <p>
        Drivers that map dma-bufs, as importers of a thread of the lab, at their real rates over real buffers. It is
        what <code>dmabuf workload run</code> does. Change a choice while it runs to see what it is worth.
      </p>
      {mayControl ? (
        <WorkloadForm workloads={workloads} run={run} />
      ) : (
        <p class="gap">
          This lab is read-only: start it with <code>dmabuf lab --control</code> to run workloads from here.
        </p>
      )}
      <div role="status">{run.problem.value === '' ? '' : `It did not run: ${run.problem.value}`}</div>
      {run.stretches.value.length === 0 ? undefined : <Seen stretches={run.stretches.value} />}
    </>
  );
}

interface WorkloadFormProps {
  readonly workloads: HelloMessage['workloads'];
  readonly run: WorkloadRun;
}

function WorkloadForm({ workloads, run }: WorkloadFormProps): JSX.Element {
  const { name, chosen, isRunning } = run;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (isRunning.value) run.end();
        else run.begin();
      }}
    >
      <label>
        Workload{' '}
        <select
          name="workload"
          value={name.value}
          disabled={isRunning.value}
          onChange={(event) => (name.value = event.currentTarget.value)}
        >
          {workloads.map((workload) => (
            <option key={workload.name}>{workload.name}</option>
          ))}
        </select>
      </label>{' '}
      {(Object.keys(CHOICES) as ChoiceName[]).map((choice) => (
        <label key={choice}>
          {CHOICES[choice].title}{' '}
          <select
            name={choice}
            value={chosen.value[choice]}
            onChange={(event) => run.choose(choice, event.currentTarget.value)}
          >
            {Object.entries(CHOICES[choice].values).map(([value, text]) => (
              <option key={value} value={value}>
                {text}
              </option>
            ))}
          </select>{' '}
        </label>
      ))}
      <button type="submit">{isRunning.value ? 'End' : 'Run'}</button>
      <p>{workloads.find((workload) => workload.name === name.value)?.title}</p>
    </form>
  );
}

function Seen({ stretches }: { stretches: readonly Stretch[] }): JSX.Element {
  const samples = inARow(stretches);
  const latest = samples.at(-1);
  const times = samples.map(({ atSeconds }) => atSeconds);
  return (
    <>
      <Facts
        facts={[
          ['Mappings a second', latest === undefined ? '–' : formatRate(latest.mappingsPerSecond)],
          ['Mapped a second', latest === undefined ? '–' : sizeText(Math.round(latest.bytesPerSecond))],
          ['Median', known(latest?.medianNs ?? null)],
          ['Longest', known(latest?.maxNs ?? null)],
          ['Locked', shareText(heldShareOf(samples.slice(-1), samples.at(-2)?.atSeconds))],
          ['Longest locked', known(latest?.heldNsMax ?? null)],
          ['Late steps', formatCount(samples.reduce((sum, { lateCount }) => sum + lateCount, 0))],
        ]}
      />
      <LineChart
        times={times}
        lines={[
          { name: 'median', values: samples.map(({ medianNs }) => medianNs) },
          { name: 'longest', values: samples.map(({ maxNs }) => maxNs) },
        ]}
        format={formatDuration}
        description={`A mapping's time over ${formatAmount(Math.round(latest?.atSeconds ?? 0), 'second', 'seconds')}: the median, and the longest of each quarter of a second.`}
        isClockTime={false}
      />
      <DataTable
        caption="Each way it went"
        name="stretches"
        rows={stretches.map(summaryOf)}
        columns={[
          ...(Object.keys(CHOICES) as ChoiceName[]).map((choice) => ({
            heading: CHOICES[choice].title,
            cell: ({ chosen }: Summary) => chosen[choice],
          })),
          { heading: 'Seconds', cell: ({ seconds }) => seconds, show: ({ seconds }) => seconds.toFixed(1) },
          { heading: 'Mappings', cell: ({ mappingCount }) => mappingCount },
          { heading: 'Median of medians', cell: ({ medianNs }) => medianNs, show: ({ medianNs }) => known(medianNs) },
          { heading: 'Longest', cell: ({ maxNs }) => maxNs, show: ({ maxNs }) => known(maxNs) },
          { heading: 'Locked', cell: ({ heldShare }) => heldShare, show: ({ heldShare }) => shareText(heldShare) },
          { heading: 'Longest locked', cell: ({ heldNsMax }) => heldNsMax, show: ({ heldNsMax }) => known(heldNsMax) },
          { heading: 'Late steps', cell: ({ lateCount }) => lateCount },
        ]}
      />
      <SaveButtons name="dmabuf-workload" json={() => ({ stretches })} />
    </>
  );
}

/** One after the other, as each stretch counts from its own beginning. */
function inARow(stretches: readonly Stretch[]): WorkloadSample[] {
  const all: WorkloadSample[] = [];
  let sinceSeconds = 0;
  for (const { samples } of stretches) {
    all.push(...samples.map((sample) => ({ ...sample, atSeconds: sinceSeconds + sample.atSeconds })));
    sinceSeconds += samples.at(-1)?.atSeconds ?? 0;
  }
  return all;
}

interface Summary {
  readonly chosen: Chosen;
  readonly seconds: number;
  readonly mappingCount: number;
  readonly medianNs: number | null;
  readonly maxNs: number | null;
  /** Of the time, in which reservation locks were held: above 1 where several were at a time. */
  readonly heldShare: number | null;
  readonly heldNsMax: number | null;
  readonly lateCount: number;
}

function summaryOf({ chosen, samples }: Stretch): Summary {
  const medians = samples.flatMap(({ medianNs }) => medianNs ?? []).toSorted((one, other) => one - other);
  const longest = samples.flatMap(({ maxNs }) => maxNs ?? []);
  const longestHeld = samples.flatMap(({ heldNsMax }) => heldNsMax ?? []);
  let before = 0;
  let mappingCount = 0;
  for (const { atSeconds, mappingsPerSecond } of samples) {
    mappingCount += Math.round(mappingsPerSecond * (atSeconds - before));
    before = atSeconds;
  }
  return {
    chosen,
    seconds: before,
    mappingCount,
    medianNs: medians[medians.length >> 1] ?? null,
    maxNs: longest.length === 0 ? null : Math.max(...longest),
    heldShare: heldShareOf(samples),
    heldNsMax: longestHeld.length === 0 ? null : Math.max(...longestHeld),
    lateCount: samples.reduce((sum, { lateCount }) => sum + lateCount, 0),
  };
}

/** Null where no load tells. */
function heldShareOf(samples: readonly WorkloadSample[], sinceSeconds = 0): number | null {
  const seconds = (samples.at(-1)?.atSeconds ?? 0) - sinceSeconds;
  const held = samples.flatMap(({ heldNs }) => heldNs ?? []);
  return held.length > 0 && seconds > 0 ? held.reduce((sum, ns) => sum + ns, 0) / (seconds * 1e9) : null;
}

function shareText(share: number | null): string {
  return share === null ? 'not told' : `${formatShare(share)} of the time`;
}

function known(ns: number | null): string {
  return ns === null ? 'none' : formatDuration(ns);
}
