export { shown, startResults } from '../../src/artifacts/conformance/results.ts';
export type { Results } from '../../src/artifacts/conformance/results.ts';

/** A signal that is never given. */
export const { signal } = new AbortController();

/** The registries of tests that have none. */
export const noRegistry = (): Promise<never> => Promise.reject(new Error('There is no registry'));
