/** The ways to show a build. */
export type FaceKind = 'tty' | 'plain' | 'json' | 'quiet';

/** Where the progress goes, as the process sees it. */
interface Surroundings {
  readonly isTty: boolean;
  /** The environment variables CI and TERM. */
  readonly ci: string | undefined;
  readonly term: string | undefined;
}

/** The face of `--progress auto`: lines that stay unless somebody watches a terminal that can be drawn on. */
export function autoFace({ isTty, ci, term }: Surroundings): 'tty' | 'plain' {
  const watched = isTty && (ci === undefined || ci === '' || ci === 'false' || ci === '0');
  return watched && term !== undefined && term !== '' && term !== 'dumb' ? 'tty' : 'plain';
}
