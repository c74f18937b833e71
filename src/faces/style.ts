import { styleText } from 'node:util';

/** What a piece of text means; the colours are chosen here alone. */
type Meaning = 'good' | 'bad' | 'careful' | 'quiet' | 'strong';

const looks = { good: 'green', bad: 'red', careful: 'yellow', quiet: 'dim', strong: 'bold' } as const;

/** Marks text that is ready to be shown; without colours it stays as it is. */
export type Style = (meaning: Meaning, text: string) => string;

/** The style of a face: whether there may be colours was decided above (NO_COLOR, TERM=dumb, no terminal). */
export function styleFor(colors: boolean): Style {
  return colors ? (meaning, text) => styleText(looks[meaning], text, { validateStream: false }) : (_, text) => text;
}
