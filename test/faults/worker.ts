import { isMutant, mutants } from './mutants.ts';

/**
 * A process that works on a store and says what was acknowledged, a line each, after the promise has resolved:
 * `worker.ts JOB ROOT SEED ROUNDS [MUTANT [YEARS]]`. With a mutant the store it works on is deliberately broken: the control.
 * With YEARS its clock is that far off.
 */
const [job = '', root = '', seed = '', rounds = '1', mutant = '', years = '0'] = process.argv.slice(2);
if (isMutant(mutant)) mutants[mutant]();
else if (mutant !== '') throw new Error(`There is no mutant "${mutant}"`);

// Imported only now, so that the mutant changes what is loaded.
const { runJob } = await import('./jobs.ts');
await runJob(job, { root, seed, rounds: Number(rounds), years: Number(years), early: mutant === 'early word' });
