import type { Finding } from '../machine/doctor/finding.ts';
import type { MachineReport } from '../machine/doctor/examine-machine.ts';

/** The report for programs, in one line. What is not known is null. */
export function formatDoctorJson({ findings, choice, machine }: MachineReport): string {
  return JSON.stringify({
    findings: findings.map((finding) => jsonOf(finding)),
    choice: { ...choice, backend: choice.backend ?? null },
    machine,
  });
}

function jsonOf({ id, topic, status, found, matters, remedy }: Finding): Record<string, unknown> {
  const mending = remedy === undefined ? null : { commands: remedy.commands, note: remedy.note ?? null };
  return { id, topic, status, found, matters, remedy: mending };
}
