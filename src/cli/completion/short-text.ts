/** Longer texts do not fit beside the option. */
const LENGTH_MAX = 60;

/** The first clause of a text, which shells show beside an option. */
export function shortText(text: string): string {
  const [clause = ''] = text.split(/[:;,.](?= |$)/u);
  if (clause.length <= LENGTH_MAX) return clause;
  return `${clause.slice(0, clause.lastIndexOf(' ', LENGTH_MAX - '...'.length))}...`;
}
