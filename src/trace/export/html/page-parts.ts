import { html } from './markup.ts';
import type { Content, Markup } from './markup.ts';
import { TIME_USE_NAMES } from './time-use.ts';
import type { TimeUse } from './time-use.ts';

/** A part of the page, with a heading that links can name. */
export function section(id: string, heading: string, ...body: readonly Content[]): Markup {
  return html`<section id="${id}" aria-labelledby="${id}-heading">
    <h2 id="${id}-heading">${heading}</h2>
    ${body}
  </section> `;
}

/** A column of a table. */
export interface TableColumn {
  readonly heading: string;
  readonly isNumber?: boolean;
}

/**
 * A table that scrolls sideways by itself where the screen is too narrow for it.
 *
 * @param caption what the table holds, for readers who do not see the heading above it
 */
export function table(caption: string, columns: readonly TableColumn[], rows: readonly (readonly Content[])[]): Markup {
  const head = columns.map(({ heading, isNumber }) => html`<th scope="col" ${numberClass(isNumber)}>${heading}</th>`);
  const body = rows.map(
    (cells) =>
      html`<tr>
        ${cells.map((cell, index) => html`<td${numberClass(columns[index]?.isNumber)}>${cell}</td>`)}
      </tr> `,
  );
  return html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0">
    <table>
      <caption>
        ${caption}
      </caption>
      <thead>
        <tr>
          ${head}
        </tr>
      </thead>
      <tbody>
        ${body}
      </tbody>
    </table>
  </div> `;
}

/** What the colours of pictures stand for. */
export function legend(uses: readonly TimeUse[]): Markup {
  const items = uses.map(
    (use) =>
      html`<li>
        <svg class="key u-${use}" aria-hidden="true"><rect width="100%" height="100%" /></svg> ${TIME_USE_NAMES[use]}
      </li>`,
  );
  return html`<ul class="legend" aria-label="Colours">
    ${items}
  </ul> `;
}

/** A bar from the left to the right, in the shares of a whole. The numbers stand beside it. */
export function shareBar(shares: readonly { readonly use: TimeUse; readonly ns: number }[], totalNs: number): Markup {
  let at = 0;
  const pieces = shares.map(({ use, ns }) => {
    const from = at;
    at += totalNs === 0 ? 0 : (ns / totalNs) * 100;
    return html`<rect class="u-${use}" x="${from.toFixed(2)}" width="${(at - from).toFixed(2)}" height="10" />`;
  });
  return html`<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">${pieces}</svg>`;
}

function numberClass(isNumber = false): Markup | undefined {
  return isNumber ? html` class="number"` : undefined;
}
