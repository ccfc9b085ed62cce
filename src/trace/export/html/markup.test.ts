import assert from 'node:assert/strict';
import { test } from 'node:test';

import { html, shortName } from './markup.ts';

test('html escapes what would end a text, an attribute, a script or a comment', () => {
  const hostile = `</script><img src=x onerror="a('b')">&amp;\`-->`;
  assert.equal(
    html`<td title="${hostile}">${hostile}</td>`.text,
    [
      '<td title="&#60;/script&#62;&#60;img src=x onerror=&#34;a(&#39;b&#39;)&#34;&#62;&#38;amp;&#96;--&#62;">',
      '&#60;/script&#62;&#60;img src=x onerror=&#34;a(&#39;b&#39;)&#34;&#62;&#38;amp;&#96;--&#62;</td>',
    ].join(''),
  );
});

test('html shows control characters, marks of direction and lone surrogates, and is ASCII alone', () => {
  assert.equal(html`${'a\u0000b\u202Ec\nd\uD800e'}`.text, String.raw`a\u0000b\u202ec\nd&#65533;e`);
  assert.equal(html`${'é🎥'}`.text, '&#233;&#127909;');
});

test('html takes markup as it is, joins lists, and leaves out what is undefined', () => {
  const items = ['a', '<'].map((name) => html`<i>${name}</i>`);
  assert.equal(html`<b>${items}</b>`.text, '<b><i>a</i><i>&#60;</i></b>');
  assert.equal(html`<p>${undefined}${0}</p>`.text, '<p>0</p>');
});

test('shortName cuts a name of more than 80 characters', () => {
  assert.equal(shortName('x'.repeat(80)), 'x'.repeat(80));
  assert.equal(shortName('x'.repeat(81)), `${'x'.repeat(79)}…`);
});
