import { parentPort, workerData } from 'node:worker_threads';
import { hashPieces } from './hash-pieces.ts';
import { hashTail } from './hash-tail.ts';
import type { HashJob } from './hash-thread.ts';

/** The thread that hashes: its job comes as worker data, the answer goes back as one message. */
const job: HashJob = workerData;
parentPort?.postMessage(job.kind === 'pieces' ? hashPieces(job.pieces) : hashTail(job));
