import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openHeap } from '../../src/index.ts';
import { runCli } from '../support/processes/run-cli.ts';

interface Report {
  readonly findings: readonly {
    readonly id: string;
    readonly topic: string;
    readonly status: string;
    readonly found: string;
    readonly matters: string;
    readonly remedy: { readonly commands: readonly string[]; readonly note: string | null } | null;
  }[];
  readonly choice: { readonly name: string; readonly backend: string | null };
  readonly machine: { readonly userId: number; readonly kernelRelease: string };
}

function runDoctor(): Report {
  const { status, stdout, stderr } = runCli('doctor', '--json');
  assert.deepEqual([status, stderr], [0, '']);
  return JSON.parse(stdout) as Report;
}

/** This machine's findings, which do not change meanwhile. */
const report = runDoctor();

test('dmabuf doctor --json predicts the backend of openHeap("system")', () => {
  const { choice } = report;
  using heap = openHeap('system');
  assert.deepEqual([choice.name, choice.backend], ['system', heap.backend]);
});

test('dmabuf doctor --json gives every finding a known status, and a remedy where it is bad', () => {
  const { findings, machine } = report;
  assert.ok(findings.length > 5);
  for (const { id, status, found, matters, remedy } of findings) {
    assert.ok(['ok', 'note', 'warning', 'problem'].includes(status), id);
    assert.ok(found !== '' && matters !== '', id);
    assert.ok(remedy !== null || status === 'ok' || status === 'note', `${id} has no remedy`);
    assert.ok(remedy === null || remedy.commands.length > 0 || remedy.note !== null, `${id} has an empty remedy`);
  }
  assert.equal(machine.userId, process.geteuid?.());
});

test('dmabuf doctor breaks lines at 80 columns, and leaves commands whole', () => {
  const { status, stdout } = runCli('doctor');
  assert.equal(status, 0);
  const commands = new Set(report.findings.flatMap(({ remedy }) => remedy?.commands ?? []));
  const lines = stdout.split('\n');
  for (const command of commands) assert.ok(lines.includes(`             ${command}`), command);
  assert.deepEqual(
    lines.filter((line) => line.length > 80 && !commands.has(line.trim())),
    [],
  );
});

test('dmabuf doctor --strict fails when there is a problem, and only then', () => {
  const hasProblem = report.findings.some(({ status }) => status === 'problem');
  assert.equal(runCli('doctor', '--strict').status, hasProblem ? 1 : 0);
});

test('dmabuf doctor refuses arguments that it does not take', () => {
  assert.equal(runCli('doctor', 'system').status, 2);
  assert.equal(runCli('doctor', '--root=/').status, 2);
});

test('dmabuf doctor --help names its options, in 80 columns', () => {
  const { status, stdout } = runCli('doctor', '--help');
  assert.equal(status, 0);
  for (const option of ['--json', '--strict', '--help']) assert.ok(stdout.includes(`  ${option} `), option);
  assert.deepEqual(
    stdout.split('\n').filter((line) => line.length > 80),
    [],
  );
});
