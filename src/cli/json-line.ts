/**
 * Characters that control a terminal or change the direction of text, except those that JSON
 * escapes by itself.
 */
const UNPRINTABLE_IN_JSON = /[\u007F-\u009F\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069]/gu;

/**
 * One line of JSON that is safe on a terminal, including its line break. It has the same value.
 * Written in parts: the whole may be a hundred megabytes.
 */
export function writeJsonLine(value: object, write: (text: string) => void): void {
  let waiting = '';
  for (const part of jsonParts(value)) {
    waiting += escapeJson(part);
    if (waiting.length < WRITTEN_AT_ONCE) continue;
    write(waiting);
    waiting = '';
  }
  write(`${waiting}\n`);
}

/** JSON with what drives a terminal escaped. Reads as the same value. */
export function escapeJson(json: string): string {
  return json.replaceAll(UNPRINTABLE_IN_JSON, escapeCharacter);
}

const WRITTEN_AT_ONCE = 65_536;

/** Only lists are long, so each of their elements is a part. */
function* jsonParts(value: object): Generator<string, void, undefined> {
  let separator = '{';
  for (const [key, entry] of Object.entries(value) as [string, unknown][]) {
    if (entry === undefined) continue;
    yield `${separator}${JSON.stringify(key)}:`;
    separator = ',';
    if (Array.isArray(entry)) yield* listParts(entry);
    else yield JSON.stringify(entry);
  }
  yield separator === '{' ? '{}' : '}';
}

function* listParts(list: readonly unknown[]): Generator<string, void, undefined> {
  if (list.length === 0) yield '[]';
  for (const [index, element] of list.entries()) {
    yield `${index === 0 ? '[' : ','}${JSON.stringify(element)}${index === list.length - 1 ? ']' : ''}`;
  }
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
