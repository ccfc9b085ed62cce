import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { JSX } from 'preact';

import { formatCount } from '../../../base/number-format.ts';
import { sizeText } from '../../../base/size-text.ts';
import type { SnapshotFacts, StreamMessage } from '../../protocol/messages.ts';
import { DataTable } from '../data-table.tsx';
import { Facts } from '../facts.tsx';
import { GrowthChart } from '../growth-chart.tsx';
import type { GrowthPoint } from '../growth-chart.tsx';
import { SaveButtons } from '../save-buttons.tsx';
import { postJson } from '../session.ts';
import { messageOf, watchView } from '../watch-view.ts';

/** An hour of readings, one a second. */
const POINTS_MAX = 3600;

/** What "dmabuf doctor --json" has, as far as the page shows it. */
interface DoctorReport {
  readonly findings: readonly {
    readonly id: string;
    readonly status: string;
    readonly found: string;
    readonly matters: string;
    readonly remedy: { readonly commands: readonly string[]; readonly note: string | null } | null;
  }[];
}

/** The dma-bufs of the machine, who holds them, and how both grow. */
export function MachineView(): JSX.Element {
  const snapshot = useSignal<SnapshotFacts | undefined>(undefined);
  const points = useSignal<readonly GrowthPoint[]>([]);
  const doctor = useSignal<DoctorReport | undefined>(undefined);
  useEffect(() => {
    const stop = new AbortController();
    const take = (message: StreamMessage): void => {
      if (message.type !== 'machine') return;
      const { snapshot: latest } = message;
      snapshot.value = latest;
      const point = { seconds: Date.parse(latest.takenAt) / 1000, ...latest.totals };
      points.value = [...points.value, point].slice(-POINTS_MAX);
    };
    void watchView('machine', (frame) => take(messageOf(frame)), stop.signal);
    void postJson<DoctorReport>('/api/doctor').then(
      (report) => void (doctor.value = report),
      // The banner says what is wrong.
      () => {},
    );
    return () => stop.abort();
  }, []);
  return (
    <>
      <h1>Machine</h1>
      {snapshot.value === undefined ? <p>Reading who holds what…</p> : <Snapshot snapshot={snapshot.value} />}
      <GrowthChart points={points.value} />
      {doctor.value === undefined ? undefined : <Findings report={doctor.value} />}
      <SaveButtons name="dmabuf-machine" json={() => ({ ...snapshot.value, doctor: doctor.value })} />
    </>
  );
}

function Snapshot({ snapshot }: { snapshot: SnapshotFacts }): JSX.Element {
  const { totals, buffers, processes, gaps } = snapshot;
  const exporters = [...new Set(buffers.map(({ exporter }) => exporter))].map((exporter) => {
    const own = buffers.filter((buffer) => buffer.exporter === exporter);
    return { exporter, count: own.length, bytes: own.reduce((sum, { size }) => sum + size, 0) };
  });
  return (
    <>
      <Facts
        facts={[
          ['Buffers', formatCount(totals.bufferCount)],
          ['In all', sizeText(totals.bytes)],
          ['Processes', formatCount(processes.length)],
        ]}
      />
      {gaps.map(({ what, remedy }) => (
        <p class="gap" key={what}>
          {what}
          {remedy === null ? '.' : `: ${remedy}`}
        </p>
      ))}
      <DataTable
        caption="By process"
        name="processes"
        rows={processes}
        columns={[
          { heading: 'Process', cell: ({ comm, isSelf }) => `${comm}${isSelf ? ' (this lab)' : ''}` },
          { heading: 'PID', cell: ({ pid }) => pid },
          { heading: 'Buffers', cell: ({ bufferCount }) => bufferCount },
          { heading: 'Bytes', cell: ({ bytes }) => bytes, show: ({ bytes }) => sizeText(bytes) },
          {
            heading: 'Fair share',
            cell: ({ shareBytes }) => shareBytes,
            show: ({ shareBytes }) => sizeText(Math.round(shareBytes)),
          },
          { heading: 'Descriptors', cell: ({ fdCount }) => fdCount },
          { heading: 'Mappings', cell: ({ mappingCount }) => mappingCount },
        ]}
      />
      <DataTable
        caption="By exporter"
        name="exporters"
        rows={exporters}
        columns={[
          { heading: 'Exporter', cell: ({ exporter }) => exporter ?? 'not known' },
          { heading: 'Buffers', cell: ({ count }) => count },
          { heading: 'Bytes', cell: ({ bytes }) => bytes, show: ({ bytes }) => sizeText(bytes) },
        ]}
      />
      <DataTable
        caption="Every buffer"
        name="machine-buffers"
        rows={buffers}
        columns={[
          { heading: 'Inode', cell: ({ inode }) => inode },
          { heading: 'Name', cell: ({ name }) => name },
          { heading: 'Exporter', cell: ({ exporter }) => exporter },
          { heading: 'Bytes', cell: ({ size }) => size, show: ({ size }) => sizeText(size) },
          {
            heading: 'Held by',
            cell: ({ holders }) =>
              holders.length === 0 ? 'only the kernel' : holders.map(({ comm, pid }) => `${comm} (${pid})`).join(', '),
          },
        ]}
      />
    </>
  );
}

function Findings({ report }: { report: DoctorReport }): JSX.Element {
  const notable = report.findings.filter(({ status }) => status !== 'ok');
  return (
    <section>
      <h2>What the doctor found</h2>
      <p>
        {formatCount(report.findings.length - notable.length)} of {formatCount(report.findings.length)} findings are as
        they should be.
      </p>
      <ul class="findings">
        {notable.map(({ id, status, found, matters, remedy }) => (
          <li key={id} class={`finding ${status}`} data-finding={id}>
            <strong>{status}</strong>: {found}. <small>{matters}.</small>
            {remedy === null || remedy.commands.length === 0 ? undefined : (
              <pre tabIndex={0}>{remedy.commands.join('\n')}</pre>
            )}
            {remedy?.note === null || remedy === null ? undefined : <p>{remedy.note}</p>}
          </li>
        ))}
      </ul>
    </section>
  );
}
