import assert from 'node:assert/strict';
import { test } from 'node:test';

import { formatFunctionProbe, functionProbeKind } from './function-probe.ts';

/** Of tracefs's README on 6.12, and on 6.1, which has kretprobes alone. */
const README_6_12 = `\
  dynamic_events\t\t- Create/append/remove/show the generic dynamic events
\t  accepts: event-definitions (one definition per line)
\t   Format: p[:[<group>/][<event>]] <place> [<args>]
\t           r[maxactive][:[<group>/][<event>]] <place> [<args>]
\t           f[:[<group>/][<event>]] <func-name>[%return] [<args>]
\t           t[:[<group>/][<event>]] <tracepoint> [<args>]
\t     args: <name>=fetcharg[:type]
\t fetcharg: (%<register>|$<efield>), @<address>, @<symbol>[+|-<offset>],
\t           $stack<index>, $stack, $retval, $comm, $arg<N>,
\t           <argname>[->field[->field|.field...]],
`;
const README_6_1 = README_6_12.replaceAll(/^.*(?:%return|<argname>).*\n/gmu, '');

test('functionProbeKind() takes probes with names of arguments where the kernel has both', () => {
  assert.equal(functionProbeKind(README_6_12), 'fprobe');
  assert.equal(functionProbeKind(README_6_1), 'kprobe');
  assert.equal(functionProbeKind(README_6_12.replace('<argname>', '<name>')), 'kprobe', 'a kernel without types');
});

test('formatFunctionProbe() writes entries and returns of both kinds', () => {
  const entry = { event: 'map', function: 'dma_buf_vmap', at: 'entry', fields: 'buf=dmabuf:x64' } as const;
  const end = { event: 'end', function: 'dma_buf_vmap', at: 'return' } as const;
  assert.equal(formatFunctionProbe('g', entry, 'fprobe'), 'f:g/map dma_buf_vmap buf=dmabuf:x64');
  assert.equal(formatFunctionProbe('g', end, 'fprobe'), 'f:g/end dma_buf_vmap%return');
  assert.equal(formatFunctionProbe('g', entry, 'kprobe'), 'p:g/map dma_buf_vmap buf=dmabuf:x64');
  assert.equal(formatFunctionProbe('g', end, 'kprobe'), 'r:g/end dma_buf_vmap');
});
