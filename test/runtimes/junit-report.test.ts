import assert from 'node:assert/strict';
import { test } from 'node:test';

import { readJUnitReport } from './junit-report.ts';

test('readJUnitReport() finds tests that passed, failed and were left out, with their names as they were', () => {
  const xml = `<?xml version="1.0"?><testsuites><testsuite name="a.test.js">
    <testcase name="embedded: vmap({ readOnly: true }) &lt;works&gt; &#38; more" classname="a" time="0.1" />
    <testcase name="fails" time="0.2"><failure message="no &quot;such&quot;">at line 1</failure></testcase>
    <testcase name="left out" line="3"><skipped /></testcase>
  </testsuite></testsuites>`;
  const found = readJUnitReport(xml, 'Some 1.0').map(({ name, error, skip }) => [name, error, skip]);
  assert.deepEqual(found, [
    ['embedded: vmap({ readOnly: true }) <works> & more', undefined, undefined],
    ['fails', '<failure message="no "such"">at line 1</failure>', undefined],
    ['left out', undefined, 'Some 1.0 left it out: see what it lacks in test/conformance/suite.ts'],
  ]);
});
