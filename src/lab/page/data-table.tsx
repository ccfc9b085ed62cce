import type { ComponentChildren, HTMLAttributes, JSX } from 'preact';

import { toCsv } from '../../base/csv.ts';
import { saveText } from './save-file.ts';

/** A column of a table. */
interface DataColumn<Row> {
  readonly heading: string;
  /** The value, as it is copied. Numbers stand to the right. */
  readonly cell: (row: Row) => string | number | null;
  /** As people read it. Default: the value. */
  readonly show?: (row: Row) => ComponentChildren;
}

interface DataTableProps<Row> {
  readonly caption: string;
  /** Of the file that it is saved as. */
  readonly name: string;
  readonly columns: readonly DataColumn<Row>[];
  readonly rows: readonly Row[];
  /** Told of the row that the reader points at, and of undefined when of none. */
  readonly onPoint?: (row: Row | undefined) => void;
}

/** A table that can be saved as CSV, with whole numbers where it shows short ones. */
export function DataTable<Row>({ caption, name, columns, rows, onPoint }: DataTableProps<Row>): JSX.Element {
  const save = (): void => saveText(`${name}.csv`, 'text/csv', toCsv(linesOf(columns, rows)));
  return (
    <section class="table">
      <h2 id={`${name}-caption`}>
        {caption}{' '}
        <button type="button" class="small" onClick={save} aria-label={`Save "${caption}" as CSV`}>
          CSV
        </button>
      </h2>
      <div class="scroll" tabIndex={0} role="region" aria-labelledby={`${name}-caption`}>
        <table data-table={name} aria-labelledby={`${name}-caption`}>
          <thead>
            <tr>
              {columns.map(({ heading, cell }) => (
                <th key={heading} scope="col" class={isNumeric(rows, cell) ? 'number' : ''}>
                  {heading}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.length > 0 ? undefined : (
              <tr>
                <td colSpan={columns.length}>none</td>
              </tr>
            )}
            {rows.map((row, index) => (
              <tr key={index} {...(onPoint === undefined ? {} : pointing(row, index, onPoint))}>
                {columns.map(({ heading, cell, show = cell }) => (
                  <td key={heading} class={typeof cell(row) === 'number' ? 'number' : ''} data-value={cell(row) ?? ''}>
                    {show(row) ?? '–'}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

/**
 * A row that is pointed at, with the pointer or by keyboard: Tab goes to the first, arrows on from
 * there, so that a long table is one stop.
 */
function pointing<Row>(
  row: Row,
  index: number,
  onPoint: (row: Row | undefined) => void,
): HTMLAttributes<HTMLTableRowElement> {
  const point = (): void => onPoint(row);
  const leave = (): void => onPoint(undefined);
  return {
    tabIndex: index === 0 ? 0 : -1,
    onPointerEnter: point,
    onPointerLeave: leave,
    onFocus: point,
    onBlur: leave,
    onKeyDown: (event) => {
      const { previousElementSibling, nextElementSibling, parentElement } = event.currentTarget;
      const target = {
        ArrowUp: previousElementSibling,
        ArrowDown: nextElementSibling,
        Home: parentElement?.firstElementChild,
        End: parentElement?.lastElementChild,
      }[event.key];
      if (!(target instanceof HTMLElement)) return;
      event.preventDefault();
      target.focus();
    },
  };
}

function isNumeric<Row>(rows: readonly Row[], cell: DataColumn<Row>['cell']): boolean {
  const [first] = rows;
  return first !== undefined && typeof cell(first) === 'number';
}

function linesOf<Row>(columns: readonly DataColumn<Row>[], rows: readonly Row[]): (string | number | null)[][] {
  return [columns.map(({ heading }) => heading), ...rows.map((row) => columns.map(({ cell }) => cell(row)))];
}
