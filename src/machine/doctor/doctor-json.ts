import type { MachineReport } from './examine-machine.ts';
import type { Finding } from './finding.ts';

/** The report for programs: docs/schemas/dmabuf-doctor.schema.json. Unknown values are null. */
export function toDoctorJson({ findings, choice, machine }: MachineReport): object {
  return {
    format: 'dmabuf-doctor',
    version: 1,
    findings: findings.map((finding) => jsonOf(finding)),
    choice: { ...choice, backend: choice.backend ?? null },
    machine,
  };
}

function jsonOf({ id, topic, status, found, matters, remedy }: Finding): Record<string, unknown> {
  const mending = remedy === undefined ? null : { commands: remedy.commands, note: remedy.note ?? null };
  return { id, topic, status, found, matters, remedy: mending };
}
