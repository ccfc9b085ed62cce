import assert from 'node:assert/strict';
import { test } from 'node:test';

import { calledParameters, macroUses, memberCallHolders } from './macro-tokens.ts';

test('macroUses() tells calls, aliases and members that are set from other words', () => {
  assert.deepEqual(macroUses('do { f(x); g(f); } while (0)', 'f'), ['call']);
  assert.deepEqual(macroUses(' f ', 'f'), ['call']);
  assert.deepEqual(macroUses('.a = f, .b = g, \\\n .c = f', 'f'), [{ sets: 'a' }, { sets: 'c' }]);
  assert.deepEqual(macroUses('x->f(y) + x.f(y) + a##f(y)', 'f'), []);
});

test('calledParameters() finds what a macro calls: an argument, or the member that it names', () => {
  const body = '((vb)->queue->mem_ops->op ? (vb)->queue->mem_ops->op(args) : fn(op))';
  assert.deepEqual(calledParameters(['vb', 'op', 'fn', 'args'], body), [
    { index: 1, holder: 'mem_ops' },
    { index: 2, holder: undefined },
  ]);
  assert.deepEqual(calledParameters(['ops', 'op'], '(ops)->op()'), [{ index: 1, holder: 'ops' }]);
});

test('memberCallHolders() gives what a member is called on', () => {
  assert.deepEqual(memberCallHolders('(o)->funcs->vmap(o) + vmap(o) + x.vmap', 'vmap'), ['funcs']);
});
