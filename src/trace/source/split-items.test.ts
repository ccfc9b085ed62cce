import assert from 'node:assert/strict';
import { test } from 'node:test';

import { splitItems } from './split-items.ts';

/** The text of each item, and whether it is a function. */
function itemsOf(text: string): [text: string, isFunction: boolean][] {
  const { code, items } = splitItems(text);
  return items.map(({ start, end, bodyStart }) => [code.slice(start, end), bodyStart !== undefined]);
}

test('splitItems() cuts between functions, declarations and structs', () => {
  const text = 'int a; struct s { int b; };\nint f(int x) { return (x); }\nstatic int c[] = { 1, 2 };';
  assert.deepEqual(itemsOf(text), [
    ['int a;', false],
    ['struct s { int b; };', false],
    ['int f(int x) { return (x); }', true],
    ['static int c[] = { 1, 2 };', false],
  ]);
});

test('splitItems() blanks comments, strings, characters and what is left out, at the same offsets', () => {
  const text = `a /* b\n */ c // d\\\n e\n"f\\"g" '"' '\\'' h\n#if 0\ni\n#else\nj\n#endif\n`;
  const { code } = splitItems(text);
  assert.equal(code, `a     \n    c      \n  \n"    " '0' '00' h\n#if 0\n \n#else\nj\n#endif\n`);
  assert.equal(code.length, text.length);
});

test('splitItems() keeps an apostrophe that ends nothing, and a string that its line ends', () => {
  assert.equal(splitItems(`#error it's a\nb "c\nd`).code, `#error it's a\nb " \nd`);
});

test('splitItems() lists macros with their parameters, over the lines that they go on in', () => {
  const text = '#define A 1\n# define B(x, rest...) \\\n\tx(rest) \\\n\t+ 1\nint c;\n#if 0\n#define D\n#endif\n';
  const { code, macros, items } = splitItems(text);
  assert.deepEqual(
    macros.map(({ name, parameters, bodyStart, end }) => [name, parameters, code.slice(bodyStart, end)]),
    [
      ['A', undefined, ' 1'],
      ['B', ['x', 'rest'], ' \\\n\tx(rest) \\\n\t+ 1'],
    ],
  );
  assert.equal(items.length, 1);
});

test('splitItems() takes one branch of a condition for braces, and both for what is in them', () => {
  const text = [
    'int f(void)',
    '{',
    '#ifdef A',
    'if (a) {',
    '#else',
    'if (b) {',
    '#endif',
    'c(); }',
    '}',
    'int d;',
  ].join('\n');
  assert.deepEqual(
    itemsOf(text).map(([item]) => item.length),
    [text.length - 'int d;'.length - 1, 'int d;'.length],
  );
});

test('splitItems() goes on with a function whose end is in both branches', () => {
  const text = 'int f(void) {\n#ifdef A\n}\n#else\nb(); }\n#endif\nint c;\n';
  assert.deepEqual(
    itemsOf(text).map(([, isFunction]) => isFunction),
    [true, false],
  );
});

test('splitItems() ends functions where a line begins with a brace, if braces do not match', () => {
  const text = 'int f(void)\n{\n\tOPENS_A_BRACE {\n\t}\n{\n}\nint g(void)\n{\n}\n';
  assert.deepEqual(
    itemsOf(text).map(([item, isFunction]) => [item.startsWith('int'), isFunction]),
    [
      [true, true],
      [true, true],
    ],
  );
});

test('splitItems() takes the declarations of parameters into a function of the oldest style', () => {
  assert.deepEqual(itemsOf('int a;\nint f(b, c)\nint b; char *c;\n{ }\nint d;'), [
    ['int a;', false],
    ['int f(b, c)\nint b; char *c;\n{ }', true],
    ['int d;', false],
  ]);
});
