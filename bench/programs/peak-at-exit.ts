import { printPeak } from './peak.ts';

/** Loaded before a program that does not tell its peak of memory itself (`node --import`). */
process.once('exit', printPeak);
